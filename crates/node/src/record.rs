//! What goes up: records, packed side by side in one buffer (`outbox`).
//!
//! A record is 40 bytes, then the head, then the body, then padding to a multiple of four (all little endian):
//!
//! ```text
//! 0  u32  id
//! 4  u8   kind            (see `Kind`)
//! 5  u8   version         (see `VersionByte`); 128 more when there is a Set-Cookie among the header lines
//! 6  u16  status          or a flag of the kind's own
//! 8  u32  head length
//! 12 u32  body length, or 0xFFFFFFFF: the body is the next of the large buffers
//! 16 u32  µs from `send` to the response's head
//! 20 u32  µs from `send` to now
//! 24 u32  bytes of the body received since the last record, before decoding
//! 28 u32  µs from `send` to a connection
//! 32 u32  µs from `send` to the end of the request
//! 36 u32  the connection (see `Timing`)
//! ```
//!
//! A head is the reason phrase (empty when it is the usual one) and the header lines: `reason \n name \n value \n …`.

use crate::timings::Timing;
use bytes::Bytes;
use napi_derive::napi;
use whippet_core::{FieldLines, Version};

/// Bodies up to this many bytes travel inside the batch; longer ones come as their own buffer.
pub(crate) const INLINE_LIMIT: usize = 16 * 1024;
const LARGE: u32 = u32::MAX;

/// What a record says; the fifth byte of it.
#[napi(js_name = "RecordKind")]
pub enum Kind {
    /// A whole response; the last record of its id.
    Done = 0,
    /// A response's head; the body comes by credits.
    Head = 1,
    /// A piece of a streamed body.
    Chunk = 2,
    /// The end of a streamed body; the last record of its id. Its head has the trailers, if any, its body what was
    /// asked for as a whole. Status 1: it was not wanted, and given up.
    End = 3,
    /// Trailers of a whole response, just before its `Done`.
    Trailers = 4,
    /// An informational response: status and head.
    Informational = 5,
    /// There is room for more of the request's body; status 1: no more of it is wanted; 2: so
    /// many bytes (`received`) of a file were handed over, and no more is said.
    Writable = 6,
    /// `kind \n code \n course \n message` in the body, where the course is that of `timings::course`, or empty; status 1: it
    /// happened at a proxy; `received`: the question whose look-up threw, zero for none. The last record of its id.
    Error = 7,
    /// A pool's idle connections are closed; the last record of its id.
    Closed = 8,
    /// Text for `process.emitWarning` in the body; of no id.
    Warning = 9,
    /// A proxy's answer to CONNECT, just before its `Error`.
    Refusal = 10,
    /// The request's streamed body is wanted from its beginning; `restart` is the answer.
    Restart = 11,
    /// More of a body that is read as a whole was received.
    Progress = 12,
    /// The head of a response whose body cannot be had, just before its `Error`.
    FailedHead = 13,
    /// A file's job is done: `size \n digest` in the body. The last record of its id.
    File = 14,
    /// A file could not be sent as part of a request, for what the body says, as in `Error`.
    WriteFailed = 15,
    /// Of no id: what there is to know of the connection with this number, before the first record that names it.
    Connection = 16,
    /// The addresses of the name in the body are wanted; `answerLookup` with the number in `received` is the answer. Of a
    /// pool's function, not of an exchange.
    Lookup = 17,
    /// A pool asks its function no more; the last record of its id.
    LookupEnded = 18,
    /// What a look-up threw is in no further error: its number is in `received`. Of no id.
    LookupForgotten = 19,
    /// The connections that were asked for are there; the last record of its id.
    Ready = 20,
    /// As `Head`, with the whole body that its reader has not asked for yet; the last record of its id.
    HeadWithBody = 21,
}

/// The version of HTTP in a record; the sixth byte of it.
#[napi(js_name = "RecordVersion")]
pub enum VersionByte {
    Http10 = 10,
    Http11 = 11,
    Http2 = 20,
}

impl From<Version> for VersionByte {
    fn from(version: Version) -> Self {
        match version {
            Version::Http10 => VersionByte::Http10,
            Version::Http11 => VersionByte::Http11,
            Version::Http2 => VersionByte::Http2,
        }
    }
}

/// One event of one exchange.
pub(crate) struct Record<'a> {
    pub(crate) id: u32,
    pub(crate) kind: Kind,
    pub(crate) version: Option<Version>,
    pub(crate) status: u16,
    pub(crate) head: Option<(&'a [u8], &'a FieldLines)>,
    pub(crate) body: Body<'a>,
    pub(crate) timing: Timing,
    pub(crate) received: u32,
}

pub(crate) enum Body<'a> {
    Small(Bytes),
    Large(Bytes),
    Text(&'a str),
}

impl Body<'_> {
    pub(crate) fn of(bytes: Bytes) -> Self {
        if bytes.len() > INLINE_LIMIT { Body::Large(bytes) } else { Body::Small(bytes) }
    }
}

impl<'a> Record<'a> {
    pub(crate) fn new(id: u32, kind: Kind) -> Self {
        let (body, timing) = (Body::Small(Bytes::new()), Timing::default());
        Record { id, kind, version: None, status: 0, head: None, body, timing, received: 0 }
    }

    pub(crate) fn write(self, out: &mut Vec<u8>, large: &mut Vec<Bytes>) {
        let start = out.len();
        let version = self.version.map_or(VersionByte::Http11, VersionByte::from);
        out.extend_from_slice(&self.id.to_le_bytes());
        let sets_cookies = self.head.is_some_and(|(_, fields)| fields.has("set-cookie"));
        out.extend_from_slice(&[self.kind as u8, version as u8 | (u8::from(sets_cookies) << 7)]);
        out.extend_from_slice(&self.status.to_le_bytes());
        out.extend_from_slice(&[0; 8]);
        let Timing { head_us, now_us, pool_us, sent_us, connection } = self.timing;
        for number in [head_us, now_us, self.received, pool_us, sent_us, connection] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        let head_at = out.len();
        if let Some((reason, fields)) = self.head {
            out.extend_from_slice(reason);
            out.push(b'\n');
            out.extend_from_slice(fields.as_bytes());
        }
        let body_at = out.len();
        let body_length = match self.body {
            Body::Small(bytes) => {
                out.extend_from_slice(&bytes);
                bytes.len() as u32
            }
            Body::Text(text) => {
                out.extend_from_slice(text.as_bytes());
                text.len() as u32
            }
            Body::Large(bytes) => {
                large.push(bytes);
                LARGE
            }
        };
        out[start + 8..start + 12].copy_from_slice(&((body_at - head_at) as u32).to_le_bytes());
        out[start + 12..start + 16].copy_from_slice(&body_length.to_le_bytes());
        out.resize(out.len().next_multiple_of(4), 0);
    }
}
