//! The header sections that end their streams, before h2 has them: the limits of trailers, and what h2 does not object to.

use super::hpack::begins_with_pseudo;
use super::notes::StreamNotes;
use super::reader::{END_HEADERS, END_STREAM, HEADERS, Head};
use http::HeaderMap;
use std::cell::Cell;

/// Trailers as they come, and unpacked, as RFC 9113 section 10.5.1 counts. h2 leaves out what is beyond its limit for a header list
/// and does not tell; within these two nothing can be: a field takes no more than eight fifths of its bytes here (RFC 7541
/// appendix B), and 4 KiB from its table.
const MAX_BYTES: usize = 64 * 1024;
const MAX_SIZE: usize = 128 * 1024;
const _: () = assert!(MAX_SIZE + MAX_BYTES * 8 / 5 + 8 * 1024 < crate::connection::http2::HEADER_LIST_LIMIT as usize);

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
    flaws: StreamNotes<TrailersFlaw>,
    /// Bytes so far of the section that comes, if it is one of them.
    coming: Cell<Option<usize>>,
}

impl TrailerSections {
    /// Of the section that ended the stream; asked once.
    pub(in crate::connection::http2) fn take_flaw(&self, stream: u32) -> Option<TrailersFlaw> {
        self.flaws.take(stream)
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
            self.flaws.note(frame.stream, TrailersFlaw::Unclear);
        }
        if bytes > Some(MAX_BYTES) {
            self.flaws.note(frame.stream, TrailersFlaw::TooLong);
        }
    }

    /// The first bytes of the payload of HEADERS, as many as [`Head::is_worth_a_look`] is about.
    pub(super) fn looked_into(&self, frame: &Head, payload: &[u8]) {
        let (block, goes_on) = frame.block(payload);
        match begins_with_pseudo(block) {
            Some(true) => self.flaws.note(frame.stream, TrailersFlaw::Pseudo),
            None if goes_on => self.flaws.note(frame.stream, TrailersFlaw::Unclear),
            _ => {}
        }
    }
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
    fn unpacked_trailers_are_bounded_as_well() {
        let sized =
            |bytes| HeaderMap::from_iter([(HeaderName::from_static("a"), "b".repeat(bytes).parse().expect("a value"))]);
        assert_eq!(TrailersFlaw::of(&sized(MAX_SIZE - 33)), None);
        assert_eq!(TrailersFlaw::of(&sized(MAX_SIZE - 32)), Some(TrailersFlaw::TooLong));
    }
}
