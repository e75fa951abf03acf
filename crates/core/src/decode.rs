//! Content codings, undone piece by piece (RFC 9110 section 8.4.1): what a Content-Encoding lists, in reverse.
//!
//! Nothing is decoded before it is asked for, and then in steps of at most [`MAX_STEP_BYTES`] bytes: each coding of a chain holds
//! one such piece of the coding before it, so a bomb is never more than a step ahead of its reader. A step is short in
//! time as well, also where much is read and nothing comes out. How much a body may hold in all is for the reader to
//! say.

mod brotli;
mod deflate;
mod gzip;
mod zstd;

use brotli::Brotli;
use bytes::{Buf, Bytes};
use deflate::Deflate;
use gzip::Gzip;
use std::fmt;
use std::time::{Duration, Instant};
use zstd::Zstd;

/// Bytes that one step yields at most.
pub const MAX_STEP_BYTES: usize = 64 * 1024;

/// A codec reads so many bytes at once at most. Some input is slow for its size (empty members of gzip, tables of br), so
/// the time is looked at after each slice.
const INPUT_SLICE_BYTES: usize = 1024;

/// A step ends after so long, whatever it has by then: others wait for the thread.
const MAX_STEP_TIME: Duration = Duration::from_micros(100);

/// More than a server uses; each one multiplies what a short body can become.
const MAX_CODING_COUNT: usize = 5;

/// Undoes the content codings of one body.
pub struct Decoder {
    /// In the order of decoding: the last coding that was applied comes first.
    stages: Vec<Stage>,
    source: Bytes,
    ended: bool,
}

/// What there is to be had.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// The next bytes, never none.
    Piece(Bytes),
    /// There is input left, and nothing came out of what was read so far: the next step goes on.
    Unfinished,
    /// All of the input is used up.
    Starved,
    /// All of the input is used up, and there will be no more of it.
    End,
}

impl Decoder {
    /// `lines` are the values of all Content-Encoding fields, in order. None when there is nothing to undo: an unknown
    /// coding hides whatever was applied before it.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] for more codings than are undone.
    pub fn new<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Result<Option<Decoder>, DecodeError> {
        let mut codecs = Vec::new();
        let mut listed = 0;
        // RFC 9110 section 5.3: several lines are one list.
        for name in lines.into_iter().flat_map(|line| line.split(|b| *b == b',')).map(<[u8]>::trim_ascii) {
            if name.is_empty() {
                continue;
            }
            listed += 1;
            if listed > MAX_CODING_COUNT {
                return Err(DecodeError::TooManyCodings);
            }
            match Codec::of(name) {
                Coding::Known(codec) => codecs.push(codec()),
                Coding::Identity => {}
                Coding::Unknown => codecs.clear(),
            }
        }
        let stages: Vec<Stage> = codecs.into_iter().rev().map(Stage::new).collect();
        Ok((!stages.is_empty()).then(|| Decoder { stages, source: Bytes::new(), ended: false }))
    }

    /// The next piece of the body as it was received; the one before must be used up.
    pub fn push(&mut self, chunk: Bytes) {
        debug_assert!(self.source.is_empty(), "the last chunk is used up");
        self.source = chunk;
    }

    /// Nothing more was received.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// What was decoded before a fault comes before the fault, which then stays.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] for what is not of that coding, or ends too early.
    pub fn step(&mut self) -> Result<Step, DecodeError> {
        self.pull(self.stages.len(), Instant::now())
    }

    /// The output of the first so many stages; that of none is the source. `began` is when the step did.
    fn pull(&mut self, stages: usize, began: Instant) -> Result<Step, DecodeError> {
        let Some(last) = stages.checked_sub(1) else {
            return Ok(match (self.source.is_empty(), self.ended) {
                (false, _) => Step::Piece(std::mem::take(&mut self.source)),
                (true, true) => Step::End,
                (true, false) => Step::Starved,
            });
        };
        if let Some(error) = self.stages[last].failed {
            return Err(error);
        }
        let mut out = Vec::new();
        let step = loop {
            let stage = &mut self.stages[last];
            if stage.has_work() {
                if out.capacity() == 0 {
                    out.reserve_exact(MAX_STEP_BYTES);
                }
                if let Err(error) = stage.run(&mut out) {
                    break Err(error);
                }
                if stage.full || began.elapsed() >= MAX_STEP_TIME {
                    break Ok(Step::Unfinished);
                }
                continue;
            }
            match self.pull(last, began) {
                Ok(Step::Piece(input)) => self.stages[last].input = input,
                Ok(Step::End) => break self.stages[last].codec.finish().map(|()| Step::End),
                other => break other,
            }
        };
        self.stages[last].failed = step.as_ref().err().copied();
        if out.is_empty() {
            return step;
        }
        // A small piece does not hold the memory of a large one.
        if out.len() < MAX_STEP_BYTES / 2 {
            out.shrink_to_fit();
        }
        Ok(Step::Piece(out.into()))
    }
}

/// One coding, with what it has not decoded yet.
struct Stage {
    codec: Codec,
    input: Bytes,
    /// The last step filled its output: there may be more without any more input.
    full: bool,
    /// It, or one before it. What the stages behind it still hold comes first.
    failed: Option<DecodeError>,
}

impl Stage {
    fn new(codec: Codec) -> Stage {
        Stage { codec, input: Bytes::new(), full: false, failed: None }
    }

    fn has_work(&self) -> bool {
        self.full || !self.input.is_empty()
    }

    /// Until `out` is full or a slice of the input is used up.
    fn run(&mut self, out: &mut Vec<u8>) -> Result<(), DecodeError> {
        let (slice, before) = (self.input.len().min(INPUT_SLICE_BYTES), out.len());
        let mut input = &self.input[..slice];
        let run = self.codec.run(&mut input, out);
        let used = slice - input.len();
        self.full = out.len() >= MAX_STEP_BYTES;
        match used == 0 && out.len() == before && !self.full {
            // It makes nothing of what is left.
            true => self.input.clear(),
            false => self.input.advance(used),
        }
        run
    }
}

enum Codec {
    Brotli(Box<Brotli>),
    Deflate(Box<Deflate>),
    Gzip(Box<Gzip>),
    Zstd(Box<Zstd>),
}

enum Coding {
    Known(fn() -> Codec),
    Identity,
    Unknown,
}

impl Codec {
    /// RFC 9110 section 8.4.1: names are case-insensitive, and x-gzip is gzip.
    fn of(name: &[u8]) -> Coding {
        const CODINGS: [(&str, Coding); 6] = [
            ("gzip", Coding::Known(|| Codec::Gzip(Box::default()))),
            ("x-gzip", Coding::Known(|| Codec::Gzip(Box::default()))),
            ("deflate", Coding::Known(|| Codec::Deflate(Box::default()))),
            ("br", Coding::Known(|| Codec::Brotli(Box::default()))),
            ("zstd", Coding::Known(|| Codec::Zstd(Box::default()))),
            ("identity", Coding::Identity),
        ];
        let found = CODINGS.into_iter().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name));
        found.map_or(Coding::Unknown, |(_, coding)| coding)
    }

    /// Decodes from `input` into the spare capacity of `out` until either is used up.
    fn run(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
        match self {
            Codec::Brotli(codec) => codec.run(input, out),
            Codec::Deflate(codec) => codec.run(input, out),
            Codec::Gzip(codec) => codec.run(input, out),
            Codec::Zstd(codec) => codec.run(input, out),
        }
    }

    /// There is no more input. No body at all is an empty one in every coding.
    fn finish(&self) -> Result<(), DecodeError> {
        let (name, complete) = match self {
            Codec::Brotli(codec) => ("br", codec.is_complete()),
            Codec::Deflate(codec) => ("deflate", codec.is_complete()),
            Codec::Gzip(codec) => ("gzip", codec.is_complete()),
            Codec::Zstd(codec) => ("zstd", codec.is_complete()),
        };
        if complete { Ok(()) } else { Err(DecodeError::Truncated(name)) }
    }
}

/// Why a body is not what its Content-Encoding says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    TooManyCodings,
    /// The body ended in the middle.
    Truncated(&'static str),
    /// The coding's checksum or length is not that of what came out.
    Checksum(&'static str),
    Invalid(&'static str),
    /// RFC 9659: more memory than a zstd sender may ask its receiver for.
    Window,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::TooManyCodings => write!(f, "Cannot apply more than {MAX_CODING_COUNT} content encodings."),
            DecodeError::Truncated(coding) => write!(f, "the {coding} content is incomplete"),
            DecodeError::Checksum(coding) => {
                write!(f, "the {coding} content does not have the checksum that it states")
            }
            DecodeError::Invalid(coding) => write!(f, "the content is not valid {coding}"),
            DecodeError::Window => write!(f, "the zstd content has a window above 8 MiB, the most of RFC 9659"),
        }
    }
}

impl std::error::Error for DecodeError {}

#[cfg(test)]
mod tests;
