//! How records are packed, side by side in one buffer. Nothing of Node is in here, so that fuzzing, miri and tests can have it.
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

use bytes::Bytes;
use whippet_core::FieldLines;

/// Bodies up to this many bytes travel inside the batch; longer ones come as their own buffer.
pub(crate) const INLINE_LIMIT: usize = 16 * 1024;
const LARGE: u32 = u32::MAX;

/// One record, before it is packed.
pub(crate) struct Packed<'a> {
    pub(crate) id: u32,
    pub(crate) kind: u8,
    pub(crate) version: u8,
    pub(crate) status: u16,
    /// From 16 on, in this order.
    pub(crate) numbers: [u32; 6],
    pub(crate) head: Option<(&'a [u8], &'a FieldLines)>,
    pub(crate) body: Body<'a>,
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

impl Packed<'_> {
    /// `out` has the records before it; `large` is where a body goes that does not travel in it.
    pub(crate) fn write(self, out: &mut Vec<u8>, large: &mut Vec<Bytes>) {
        let start = out.len();
        out.extend_from_slice(&self.id.to_le_bytes());
        let sets_cookies = self.head.is_some_and(|(_, fields)| fields.has("set-cookie"));
        out.extend_from_slice(&[self.kind, self.version | (u8::from(sets_cookies) << 7)]);
        out.extend_from_slice(&self.status.to_le_bytes());
        out.extend_from_slice(&[0; 8]);
        for number in self.numbers {
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
