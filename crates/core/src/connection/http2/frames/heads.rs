//! The header sections that begin responses, before h2 has them: what it does not object to, and which of them has not ended.

use super::hpack::begins_with_two_pseudos;
use super::notes::StreamNotes;
use super::reader::{CONTINUATION, END_HEADERS, HEADERS, Head};
use std::cell::Cell;

/// What was seen of a connection's heads. (Trailers are no exception here, and have their own rules besides.)
#[derive(Default)]
pub(in crate::connection::http2) struct HeadSections {
    malformed: StreamNotes<()>,
    is_open: Cell<bool>,
}

impl HeadSections {
    /// Whether the head, or an informational one before it, has a pseudo-header besides `:status` (RFC 9113 section 8.3.2); asked once.
    pub(in crate::connection::http2) fn take_malformed(&self, stream: u32) -> bool {
        self.malformed.take(stream).is_some()
    }

    /// A section has begun that has not ended.
    pub(super) fn is_open(&self) -> bool {
        self.is_open.get()
    }

    pub(super) fn arrived(&self, frame: &Head) {
        if matches!(frame.kind, HEADERS | CONTINUATION) {
            self.is_open.set(frame.flags & END_HEADERS == 0);
        }
    }

    /// The first bytes of the payload of HEADERS, as many as [`Head::is_worth_a_look`] is about.
    pub(super) fn looked_into(&self, frame: &Head, payload: &[u8]) {
        let (block, _) = frame.block(payload);
        // One of the two is `:status`, or h2 objects; it does so as well to one that comes behind a field.
        if begins_with_two_pseudos(block) {
            self.malformed.note(frame.stream, ());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::http2::frames::reader::PADDED;

    #[test]
    fn a_head_is_asked_about_once_and_padding_is_none_of_it() {
        let heads = HeadSections::default();
        let head = |flags, payload: &[u8]| {
            let frame = Head { length: payload.len(), kind: HEADERS, flags, stream: 1 };
            heads.arrived(&frame);
            heads.looked_into(&frame, payload);
            (heads.take_malformed(1), heads.take_malformed(1), heads.is_open())
        };
        assert_eq!(head(END_HEADERS, &[0x88, 0x82]), (true, false, false));
        assert_eq!(head(END_HEADERS | PADDED, &[1, 0x88, 0x82]), (false, false, false));
        assert_eq!(head(0, &[0x88]), (false, false, true));
        heads.arrived(&Head { length: 1, kind: CONTINUATION, flags: END_HEADERS, stream: 1 });
        assert!(!heads.is_open());
    }
}
