//! The header sections that end their streams, before h2 has them: the limits of trailers, and what h2 does not object to.

use super::reader::{END_HEADERS, END_STREAM, HEADERS, Head};
use http::HeaderMap;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;

/// Trailers as they come, and unpacked, as RFC 9113 section 10.5.1 counts. h2 leaves out what is beyond its limit for a header list
/// and does not tell; within these two nothing can be: a field takes no more than eight fifths of its bytes here (RFC 7541
/// appendix B), and 4 KiB from its table.
const MAX_BYTES: usize = 64 * 1024;
const MAX_SIZE: usize = 128 * 1024;
const _: () = assert!(MAX_SIZE + MAX_BYTES * 8 / 5 + 8 * 1024 < crate::connection::http2::HEADER_LIST_LIMIT as usize);

/// Streams with a flaw that are remembered. Of those that were cancelled no one asks.
const MAX_FLAWS: usize = 4_096;

/// What makes a response malformed, where it is in the trailers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::connection::http2) enum TrailersFlaw {
    Pseudo,
    /// The first frame ends before the first name is known, and the section goes on.
    Unclear,
    TooLong,
    /// A value begins or ends with one.
    Blank,
}

impl TrailersFlaw {
    /// Of trailers that h2 has unpacked.
    pub(in crate::connection::http2) fn of(trailers: &HeaderMap) -> Option<TrailersFlaw> {
        let size: usize = trailers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum();
        if size > MAX_SIZE {
            return Some(TrailersFlaw::TooLong);
        }
        has_outer_blank(trailers).then_some(TrailersFlaw::Blank)
    }
}

/// RFC 9113 section 8.2.1 calls that malformed, and h2 bears it.
pub(in crate::connection::http2) fn has_outer_blank(fields: &HeaderMap) -> bool {
    let is_blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    fields.values().any(|value| is_blank(value.as_bytes().first()) || is_blank(value.as_bytes().last()))
}

/// What was seen of a connection's trailers. (A head may end its stream as well, and begins with a pseudo-header.)
#[derive(Default)]
pub(in crate::connection::http2) struct TrailerSections {
    flaws: RefCell<HashMap<u32, TrailersFlaw>>,
    /// Bytes so far of the section that comes, if it is one of them.
    coming: Cell<Option<usize>>,
}

impl TrailerSections {
    /// Of the section that ended the stream; asked once.
    pub(in crate::connection::http2) fn take_flaw(&self, stream: u32) -> Option<TrailersFlaw> {
        self.flaws.borrow_mut().remove(&stream)
    }

    /// HEADERS or CONTINUATION. Between the frames of a section there are no others (RFC 9113 section 4.3).
    pub(super) fn arrived(&self, frame: &Head) {
        let before = match frame.kind {
            HEADERS => (frame.flags & END_STREAM != 0).then_some(0),
            _ => self.coming.get(),
        };
        let bytes = before.map(|before| before + frame.length);
        self.coming.set(bytes);
        if frame.kind == HEADERS && bytes == Some(0) && frame.flags & END_HEADERS == 0 {
            self.note_flaw(frame.stream, TrailersFlaw::Unclear);
        }
        if bytes > Some(MAX_BYTES) {
            self.note_flaw(frame.stream, TrailersFlaw::TooLong);
        }
    }

    /// The first bytes of the payload of HEADERS, as many as [`Head::is_worth_a_look`] is about.
    pub(super) fn looked_into(&self, frame: &Head, payload: &[u8]) {
        let (block, goes_on) = frame.block(payload);
        match begins_with_pseudo(block) {
            Some(true) => self.note_flaw(frame.stream, TrailersFlaw::Pseudo),
            None if goes_on => self.note_flaw(frame.stream, TrailersFlaw::Unclear),
            _ => {}
        }
    }

    fn note_flaw(&self, stream: u32, flaw: TrailersFlaw) {
        let mut flaws = self.flaws.borrow_mut();
        if flaws.len() >= MAX_FLAWS {
            flaws.clear();
        }
        flaws.insert(stream, flaw);
    }
}

/// RFC 7541 section 6, the first representation of a header block: is its name one of the pseudo-headers of the static
/// table, or spelt with a colon? (A name in the dynamic table is not known here.) `None` when it is not among these bytes.
pub(super) fn begins_with_pseudo(mut block: &[u8]) -> Option<bool> {
    const LAST_PSEUDO: u8 = 14;
    while let [first, rest @ ..] = block {
        block = rest;
        let index = match first {
            0x80.. => first & 0x7f,
            0x40.. => first & 0x3f,
            0x20.. => {
                // The table's size changes first.
                let mut goes_on = first & 0x1f == 0x1f;
                while let ([byte, rest @ ..], true) = (block, goes_on) {
                    (block, goes_on) = (rest, byte & 0x80 != 0);
                }
                continue;
            }
            _ => first & 0x0f,
        };
        return match (index, block) {
            (1..=LAST_PSEUDO, _) => Some(true),
            // A new name; ':' is 1011100 in the Huffman code.
            (0, [length, letter, ..]) if length & 0x80 != 0 => Some(letter >> 1 == 0x5c),
            (0, [_, letter, ..]) => Some(*letter == b':'),
            (0, _) => None,
            _ => Some(false),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::http2::frames::reader::{CONTINUATION, PADDED, PRIORITY};
    use http::HeaderName;

    /// The flaw of stream 1 after frames of these types, flags and payloads.
    fn flaw_after(frames: &[(u8, u8, &[u8])]) -> Option<TrailersFlaw> {
        let sections = TrailerSections::default();
        for &(kind, flags, payload) in frames {
            let frame = Head { length: payload.len(), kind, flags, stream: 1 };
            sections.arrived(&frame);
            // As the reader does, of which nothing is looked at without payload.
            if kind == HEADERS && flags & END_STREAM != 0 && !payload.is_empty() {
                sections.looked_into(&frame, &payload[..payload.len().min(12)]);
            }
        }
        let flaw = sections.take_flaw(1);
        assert_eq!(sections.take_flaw(1), None, "asked once");
        flaw
    }

    const LAST: u8 = END_STREAM | END_HEADERS;
    const STATUS: u8 = 0x88;
    const FIELD: &[u8] = &[0x00, 1, b'a', 1, b'b'];

    #[test]
    fn a_section_that_ends_its_stream_may_be_flawed() {
        let long = [FIELD, &[0; MAX_BYTES]].concat();
        let (exact, half) = (&long[..MAX_BYTES], &long[..MAX_BYTES / 2]);
        let padded = [&[3][..], FIELD, &[STATUS; 3]].concat();
        let prior = [&[0, 0, 0, 0, 9], FIELD].concat();
        let (pseudo, unclear, too_long) =
            (Some(TrailersFlaw::Pseudo), Some(TrailersFlaw::Unclear), Some(TrailersFlaw::TooLong));
        type Frames<'a> = &'a [(u8, u8, &'a [u8])];
        let cases: [(Frames<'_>, Option<TrailersFlaw>); 14] = [
            (&[(HEADERS, LAST, FIELD)], None),
            (&[(HEADERS, LAST, &[])], None),
            (&[(HEADERS, LAST, &[STATUS])], pseudo),
            (&[(HEADERS, END_HEADERS, &[STATUS])], None), // a head
            (&[(HEADERS, LAST | PADDED, &padded)], None),
            (&[(HEADERS, LAST | PADDED, &[1, STATUS, 0])], pseudo),
            (&[(HEADERS, LAST | PADDED, &[9, STATUS])], None), // more padding than payload: h2's to refuse
            (&[(HEADERS, LAST | PRIORITY, &prior)], None),
            (&[(HEADERS, LAST | PRIORITY, &[0, 0, 0, 0, 9, STATUS])], pseudo),
            (&[(HEADERS, END_STREAM, &[]), (CONTINUATION, END_HEADERS, &[STATUS])], unclear),
            (&[(HEADERS, END_STREAM, &[0x00]), (CONTINUATION, END_HEADERS, &[1, b'a', 1, b'b'])], unclear),
            (&[(HEADERS, LAST, exact)], None),
            (&[(HEADERS, END_STREAM, half), (CONTINUATION, END_HEADERS, half)], None),
            (&[(HEADERS, END_STREAM, half), (CONTINUATION, 0, half), (CONTINUATION, END_HEADERS, &[0])], too_long),
        ];
        for (frames, flaw) in cases {
            let shown: Vec<_> = frames.iter().map(|(kind, flags, payload)| (kind, flags, payload.len())).collect();
            assert_eq!(flaw_after(frames), flaw, "{shown:?}");
        }
    }

    #[test]
    fn a_head_of_many_frames_is_no_trailers() {
        let part = [0; 16_384];
        let mut frames = vec![(HEADERS, 0, &part[..])];
        frames.extend([(CONTINUATION, 0, &part[..]); 8]);
        assert_eq!(flaw_after(&frames), None);
    }

    #[test]
    fn flaws_of_streams_that_no_one_asks_about_are_bounded() {
        let sections = TrailerSections::default();
        for stream in 0..=MAX_FLAWS as u32 {
            sections.looked_into(&Head { length: 1, kind: HEADERS, flags: LAST, stream }, &[STATUS]);
        }
        assert_eq!(sections.flaws.borrow().len(), 1);
        assert_eq!(sections.take_flaw(MAX_FLAWS as u32), Some(TrailersFlaw::Pseudo));
    }

    #[test]
    fn unpacked_trailers_are_bounded_as_well() {
        let sized =
            |bytes| HeaderMap::from_iter([(HeaderName::from_static("a"), "b".repeat(bytes).parse().expect("a value"))]);
        assert_eq!(TrailersFlaw::of(&sized(MAX_SIZE - 33)), None);
        assert_eq!(TrailersFlaw::of(&sized(MAX_SIZE - 32)), Some(TrailersFlaw::TooLong));
    }

    #[test]
    fn the_first_name_of_a_block_is_a_pseudo_header_or_not() {
        let cases: [(&[u8], Option<bool>); 17] = [
            (&[0x88], Some(true)),                      // :status 200
            (&[0x8e], Some(true)),                      // the last of them
            (&[0x8f], Some(false)),                     // accept-charset
            (&[0x48, 3, b'2', b'9', b'9'], Some(true)), // :status, a literal
            (&[0x08, 3, b'2', b'9', b'9'], Some(true)), // without indexing
            (&[0x18, 3, b'2', b'9', b'9'], Some(true)), // never indexed
            (&[0x00, 2, b':', b'a'], Some(true)),       // a new name
            (&[0x40, 0x82, 0xb8, 0x3f], Some(true)),    // in the Huffman code
            (&[0x00, 1, b'a', 1, b'b'], Some(false)),
            (&[0x40, 0x81, 0x1f], Some(false)),      // `a` in the Huffman code
            (&[0x20, 0x88], Some(true)),             // the table's size first
            (&[0x3f, 0xe1, 0x1f, 0x88], Some(true)), // one of several bytes
            (&[0x3f, 0xe1, 0x1f, 0x00, 1, b'a'], Some(false)),
            (&[], None),
            (&[0x00], None),
            (&[0x40, 0x82], None),
            (&[0x3f, 0xe1], None),
        ];
        for (block, pseudo) in cases {
            assert_eq!(begins_with_pseudo(block), pseudo, "{block:x?}");
        }
    }
}
