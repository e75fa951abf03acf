//! The trailer section behind a chunked body. hyper undoes the chunks, but would read 100 lines behind them and no more, and
//! keep neither their spelling nor their order: this follows the chunks only as far as it takes to see where the last one ends.

use super::parse::{HeadError, MAX_HEAD_BYTES, MAX_LINE_COUNT, USUAL_LINE_COUNT, has_end};
use crate::fields::{FieldLines, push_line};
use memchr::memchr;

/// The body that comes, and what is behind it.
#[derive(Default)]
pub(super) struct Trailers {
    state: State,
    /// Bytes of the line that a chunk begins with, so far.
    line: usize,
    /// The beginning of the section.
    begun: Vec<u8>,
    lines: Option<FieldLines>,
    /// What is wrong with it: hyper is told when it has read all that is before.
    failure: Option<HeadError>,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum State {
    /// No chunked body comes, or what comes is none: hyper says so.
    #[default]
    Off,
    /// In the size of a chunk, behind a digit of it or not.
    Size(u64, bool),
    /// Behind the size and a blank, where only an extension may follow (RFC 9112 section 7.1.1). hyper takes the line's end as well.
    Blank(u64),
    /// Behind the size, in the same line.
    Extension(u64),
    /// In the content of a chunk, with the line end behind it.
    Content(u64),
    /// Behind the last chunk.
    Section,
}

/// As hyper allows extensions.
const MAX_SIZE_LINE_BYTES: usize = 16 * 1024;

/// What is hyper's.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Followed {
    /// So many bytes, as they came.
    pub(super) kept: usize,
    /// These in the place of the others.
    pub(super) behind: Vec<u8>,
}

impl Trailers {
    /// A response's head is there, and its body is chunked or not.
    pub(super) fn expect(&mut self, is_chunked: bool) {
        self.state = if is_chunked { State::Size(0, false) } else { State::Off };
        self.line = 0;
        self.begun.clear();
        self.lines = None;
        self.failure = None;
    }

    pub(super) fn take_failure(&mut self) -> Option<HeadError> {
        self.failure.take()
    }

    pub(super) fn is_off(&self) -> bool {
        self.state == State::Off
    }

    pub(super) fn take(&mut self) -> Option<FieldLines> {
        self.lines.take()
    }

    /// To be called with all that comes behind the head.
    pub(super) fn follow(&mut self, bytes: &[u8]) -> Followed {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if self.line > MAX_SIZE_LINE_BYTES {
                // Zeros, or blanks, without end are no body, and hyper would read them for ever.
                self.failure = Some(HeadError::ChunkSizeTooLong);
                self.state = State::Off;
            }
            match self.state {
                State::Off => break,
                State::Size(size, has_digit) => match (char::from(byte).to_digit(16), size.leading_zeros() >= 4) {
                    (Some(digit), true) => {
                        self.state = State::Size(size << 4 | u64::from(digit), true);
                        self.line += 1;
                        at += 1;
                    }
                    (None, _) if has_digit && matches!(byte, b' ' | b'\t') => self.state = State::Blank(size),
                    (None, _) if has_digit => self.state = State::Extension(size),
                    _ => self.state = State::Off,
                },
                State::Blank(size) => match byte {
                    b' ' | b'\t' => {
                        self.line += 1;
                        at += 1;
                    }
                    b'\r' | b'\n' => {
                        self.failure = Some(HeadError::ChunkSizeBlank);
                        self.state = State::Off;
                        return Followed { kept: at, behind: Vec::new() };
                    }
                    _ => self.state = State::Extension(size),
                },
                State::Extension(size) => match memchr(b'\n', &bytes[at..]) {
                    None => {
                        self.line += bytes.len() - at;
                        at = bytes.len();
                    }
                    Some(end) => {
                        at += end + 1;
                        self.line = 0;
                        self.state = match size {
                            0 => State::Section,
                            size => State::Content(size.saturating_add(2)),
                        };
                    }
                },
                State::Content(left) => {
                    let length = left.min((bytes.len() - at) as u64);
                    at += length as usize;
                    self.state = if left > length { State::Content(left - length) } else { State::Size(0, false) };
                }
                State::Section => return self.section(bytes, at),
            }
        }
        Followed { kept: bytes.len(), behind: Vec::new() }
    }

    /// `bytes` are the section's from `at` on.
    fn section(&mut self, bytes: &[u8], at: usize) -> Followed {
        let came = &bytes[at..];
        if self.begun.is_empty() && came.starts_with(b"\r\n") {
            // Most bodies have none.
            self.state = State::Off;
            return Followed { kept: bytes.len(), behind: Vec::new() };
        }
        let searched = self.begun.len().saturating_sub(3);
        self.begun.extend_from_slice(came);
        let is_empty = self.begun.starts_with(b"\r\n") || self.begun.starts_with(b"\n");
        let mut behind = Vec::new();
        if is_empty || has_end(&self.begun[searched..]) {
            match read(&self.begun, &mut self.lines) {
                Ok(length) => {
                    behind.extend_from_slice(b"\r\n");
                    behind.extend_from_slice(&self.begun[length..]);
                }
                Err(error) => self.failure = Some(error),
            }
            self.state = State::Off;
            self.begun = Vec::new();
        } else if self.begun.len() > MAX_HEAD_BYTES {
            self.failure = Some(HeadError::TrailersTooLong);
        }
        Followed { kept: at, behind }
    }
}

/// Returns the length of the section, with the empty line that ends it.
fn read(section: &[u8], lines: &mut Option<FieldLines>) -> Result<usize, HeadError> {
    let mut usual = [httparse::EMPTY_HEADER; USUAL_LINE_COUNT];
    match read_into(section, &mut usual, lines) {
        Err(HeadError::TooManyTrailers) => read_into(section, &mut vec![httparse::EMPTY_HEADER; MAX_LINE_COUNT], lines),
        other => other,
    }
}

fn read_into<'b>(
    section: &'b [u8],
    room: &mut [httparse::Header<'b>],
    lines: &mut Option<FieldLines>,
) -> Result<usize, HeadError> {
    let (length, headers) = match httparse::parse_headers(section, room) {
        Ok(httparse::Status::Complete(read)) => read,
        Ok(httparse::Status::Partial) => return Err(HeadError::MalformedTrailers(httparse::Error::NewLine)),
        Err(httparse::Error::TooManyHeaders) => return Err(HeadError::TooManyTrailers),
        Err(cause) => return Err(HeadError::MalformedTrailers(cause)),
    };
    if length > MAX_HEAD_BYTES {
        return Err(HeadError::TrailersTooLong);
    }
    if !headers.is_empty() {
        let mut text = Vec::with_capacity(length);
        for line in headers {
            push_line(&mut text, line.name.as_bytes(), line.value);
        }
        *lines = Some(FieldLines::new(text.into()));
    }
    Ok(length)
}
