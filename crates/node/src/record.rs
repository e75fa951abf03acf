//! What goes up: records, packed side by side in one buffer (`outbox`).
//!
//! `pack` says how a record is laid out.

use crate::pack::Packed;
pub(crate) use crate::pack::{Body, INLINE_LIMIT};
use crate::timings::Timing;
use bytes::Bytes;
use napi_derive::napi;
use whippet_core::{FieldLines, Version};

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

impl<'a> Record<'a> {
    pub(crate) fn new(id: u32, kind: Kind) -> Self {
        let (body, timing) = (Body::Small(Bytes::new()), Timing::default());
        Record { id, kind, version: None, status: 0, head: None, body, timing, received: 0 }
    }

    pub(crate) fn write(self, out: &mut Vec<u8>, large: &mut Vec<Bytes>) {
        let Timing { head_us, now_us, pool_us, sent_us, connection } = self.timing;
        let packed = Packed {
            id: self.id,
            kind: self.kind as u8,
            version: self.version.map_or(VersionByte::Http11, VersionByte::from) as u8,
            status: self.status,
            numbers: [head_us, now_us, self.received, pool_us, sent_us, connection],
            head: self.head,
            body: self.body,
        };
        packed.write(out, large);
    }
}
