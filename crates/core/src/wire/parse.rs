//! A response's head, as it came: what is wrong with it, what is kept of it, and what hyper is given instead.

use super::seen::Parsed;
use crate::fields::{FieldLines, push_line};
use crate::head::Head;
use crate::version::Version;
use bytes::Bytes;
use http::StatusCode;
use httparse::{ParserConfig, Status};
use std::fmt;
use std::io;
use std::mem::MaybeUninit;

/// One head.
pub(super) const MAX_HEAD_BYTES: usize = 400 * 1024;
/// Every head that comes for one request, and what comes with the last of them: any number of 1xx may precede it.
pub(super) const MAX_HEADS_BYTES: usize = 1024 * 1024;
/// In one head, and in one trailer section.
pub(super) const MAX_LINE_COUNT: usize = 2_000;
/// What nearly all heads have room in; more lines are counted on the heap.
pub(super) const USUAL_LINE_COUNT: usize = 64;

/// What is wrong with a response's head.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HeadError {
    TooLong,
    /// More 1xx responses than are of any use came before the final one.
    TooLongInAll,
    TooManyLines,
    /// What hyper does not check, and two recipients may read in two ways (RFC 9112 section 11.1).
    FoldedFraming(&'static str),
    /// RFC 9112 section 6.1: none is allowed that was not offered, nor any in HTTP/1.0.
    TransferCoding(String),
    Malformed(httparse::Error),
    /// An alert, which is what a TLS server answers to HTTP.
    Tls,
    TrailersTooLong,
    ChunkSizeTooLong,
    ChunkSizeBlank,
    TooManyTrailers,
    MalformedTrailers(httparse::Error),
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeadError::TooLong => write!(f, "a head of more than {MAX_HEAD_BYTES} bytes"),
            HeadError::TooLongInAll => write!(f, "more than {MAX_HEADS_BYTES} bytes before the final response"),
            HeadError::TooManyLines => write!(f, "more than {MAX_LINE_COUNT} header lines"),
            HeadError::FoldedFraming(name) => write!(f, "a {name} that is folded over several lines"),
            HeadError::TransferCoding(coding) => write!(f, "a message with the transfer coding '{coding}'"),
            HeadError::Malformed(cause) => write!(f, "no valid HTTP/1.1 response: {cause}"),
            HeadError::Tls => write!(f, "no HTTP, but TLS (is this an https:// port?)"),
            HeadError::ChunkSizeTooLong => write!(f, "the size of a chunk in a line without end"),
            HeadError::ChunkSizeBlank => {
                write!(f, "no valid HTTP/1.1 response: a blank between the size of a chunk and its line end")
            }
            HeadError::TrailersTooLong => write!(f, "trailers of more than {MAX_HEAD_BYTES} bytes"),
            HeadError::TooManyTrailers => write!(f, "more than {MAX_LINE_COUNT} lines of trailers"),
            HeadError::MalformedTrailers(cause) => write!(f, "no valid HTTP/1.1 response: trailers: {cause}"),
        }
    }
}

impl std::error::Error for HeadError {}

impl From<HeadError> for io::Error {
    fn from(error: HeadError) -> Self {
        io::Error::other(error)
    }
}

/// An empty line.
pub(super) fn has_end(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
        rest = &rest[at + 1..];
        if rest.starts_with(b"\n") || rest.starts_with(b"\r\n") {
            return true;
        }
    }
    false
}

/// RFC 8446 section 5.1: the type of a record, and how its version begins.
const TLS_ALERT: [u8; 2] = [21, 3];

/// One head at the beginning of `bytes`; none when it has not ended.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Parsed>, HeadError> {
    let usual = &mut [const { MaybeUninit::uninit() }; USUAL_LINE_COUNT];
    match parse_into(bytes, usual) {
        Err(HeadError::TooManyLines) => {
            let mut many = Vec::with_capacity(MAX_LINE_COUNT);
            many.resize_with(MAX_LINE_COUNT, MaybeUninit::uninit);
            parse_into(bytes, &mut many)
        }
        other => other,
    }
}

fn parse_into<'b>(
    bytes: &'b [u8],
    room: &mut [MaybeUninit<httparse::Header<'b>>],
) -> Result<Option<Parsed>, HeadError> {
    let mut parsed = httparse::Response::new(&mut []);
    let mut config = ParserConfig::default();
    config.allow_obsolete_multiline_headers_in_responses(true);
    let length = match config.parse_response_with_uninit_headers(&mut parsed, bytes, room) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(HeadError::TooManyLines),
        Err(_) if bytes.starts_with(&TLS_ALERT) => return Err(HeadError::Tls),
        Err(cause) => return Err(HeadError::Malformed(cause)),
    };
    let (status, minor) = (parsed.code.unwrap_or_default(), parsed.version.unwrap_or(1));
    if status < 100 {
        return Err(HeadError::Malformed(httparse::Error::Status));
    }
    let mut for_hyper = format!("HTTP/1.{minor} {status}\n").into_bytes();
    let mut text = Vec::with_capacity(length);
    let mut coding = None;
    for httparse::Header { name, value } in &*parsed.headers {
        let framing = framing_name(name);
        if let Some(framing) = framing.filter(|framing| *framing != "Connection")
            && is_folded(bytes, name)
        {
            return Err(HeadError::FoldedFraming(framing));
        }
        if value.contains(&b'\n') {
            push_line(&mut text, name.as_bytes(), &unfold(value));
        } else {
            push_line(&mut text, name.as_bytes(), value);
        }
        if let Some(name) = framing {
            for_hyper.extend_from_slice(name.as_bytes());
            for_hyper.push(b':');
            for_hyper.extend(value.iter().map(|byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { *byte }));
            for_hyper.push(b'\n');
            if name == "Transfer-Encoding" {
                check_coding(value, &mut coding)?;
            }
        }
    }
    if let Some(coding) = coding.filter(|_| minor == 0) {
        return Err(HeadError::TransferCoding(coding));
    }
    for_hyper.push(b'\n');
    let reason = reason_of(bytes);
    let head = Head {
        status,
        version: if minor == 1 { Version::Http11 } else { Version::Http10 },
        reason: (!reason.is_empty() && !is_usual(status, reason)).then(|| Bytes::copy_from_slice(reason)),
        fields: FieldLines::new(text.into()),
    };
    Ok(Some(Parsed { head, for_hyper: for_hyper.into(), length }))
}

/// What follows the status; httparse leaves it out when it is not ASCII.
fn reason_of(head: &[u8]) -> &[u8] {
    let line = head.trim_ascii_start().split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.get("HTTP/1.1 200 ".len()..).unwrap_or_default().trim_ascii()
}

/// The façade has the same phrase for this status.
fn is_usual(status: u16, reason: &[u8]) -> bool {
    // Of these httpx has another one than `http`.
    !matches!(status, 203 | 413 | 414 | 416)
        && StatusCode::from_u16(status)
            .is_ok_and(|status| status.canonical_reason().is_some_and(|usual| usual.as_bytes() == reason))
}

/// `coding` is what the lines before have said.
fn check_coding(value: &[u8], coding: &mut Option<String>) -> Result<(), HeadError> {
    let is_first = coding.is_none();
    let text = value.escape_ascii().to_string();
    if is_first && value.eq_ignore_ascii_case(b"chunked") {
        *coding = Some(text);
        return Ok(());
    }
    Err(HeadError::TransferCoding(coding.take().unwrap_or(text)))
}

fn framing_name(name: &str) -> Option<&'static str> {
    let known = match name.len() {
        10 => "Connection",
        14 => "Content-Length",
        17 => "Transfer-Encoding",
        _ => return None,
    };
    name.eq_ignore_ascii_case(known).then_some(known)
}

/// Whether the line that begins with `name`, which is a part of `bytes`, goes on in another one.
fn is_folded(bytes: &[u8], name: &str) -> bool {
    let line = &bytes[name.as_ptr() as usize - bytes.as_ptr() as usize..];
    let next = line.iter().position(|byte| *byte == b'\n').and_then(|end| line.get(end + 1));
    matches!(next, Some(b' ' | b'\t'))
}

/// RFC 9112 section 5.2: each fold, with the blanks around it, is read as a blank.
fn unfold(value: &[u8]) -> Vec<u8> {
    let mut lines = value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let mut text = lines.next().unwrap_or_default().to_vec();
    for line in lines.filter(|line| !line.is_empty()) {
        if !text.is_empty() {
            text.push(b' ');
        }
        text.extend_from_slice(line);
    }
    text
}
