//! The header sections that begin responses, before h2 has them: what it does not object to, and which of them has not ended.

use super::reader::{CONTINUATION, END_HEADERS, HEADERS, Head};
use super::trailers::begins_with_pseudo;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;

/// Streams that are remembered. Of those that were cancelled no one asks.
const MAX_MALFORMED: usize = 4_096;

/// What was seen of a connection's heads. (Trailers are no exception here, and have their own rules besides.)
#[derive(Default)]
pub(in crate::connection::http2) struct HeadSections {
    malformed: RefCell<HashSet<u32>>,
    is_open: Cell<bool>,
}

impl HeadSections {
    /// Whether the head, or an informational one before it, has a pseudo-header besides `:status` (RFC 9113 section 8.3.2); asked once.
    pub(in crate::connection::http2) fn take_malformed(&self, stream: u32) -> bool {
        self.malformed.borrow_mut().remove(&stream)
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
        if has_two_pseudos(block) {
            let mut malformed = self.malformed.borrow_mut();
            if malformed.len() >= MAX_MALFORMED {
                malformed.clear();
            }
            malformed.insert(frame.stream);
        }
    }
}

/// Whether a header block begins with two pseudo-headers, as far as these bytes and their names tell (see [`begins_with_pseudo`]).
pub(super) fn has_two_pseudos(block: &[u8]) -> bool {
    behind_first_field(block).is_some_and(|block| begins_with_pseudo(block) == Some(true))
}

/// RFC 7541 section 6: the block without what its first field is written in.
fn behind_first_field(mut block: &[u8]) -> Option<&[u8]> {
    loop {
        let first = *block.first()?;
        let (index, rest) = integer(block, first.leading_zeros().min(3))?;
        match first {
            0x80.. => return Some(rest),
            // The table's size changes first.
            0x20..0x40 => block = rest,
            _ => return behind_string(if index == 0 { behind_string(rest)? } else { rest }),
        }
    }
}

fn behind_string(block: &[u8]) -> Option<&[u8]> {
    let (length, rest) = integer(block, 0)?;
    rest.get(length..)
}

/// RFC 7541 section 5.1, behind one bit more than `zeros`. What is longer than a frame is none that matters here.
fn integer(block: &[u8], zeros: u32) -> Option<(usize, &[u8])> {
    let most = usize::from(u8::MAX >> (zeros + 1));
    let (first, mut rest) = block.split_first()?;
    let mut value = usize::from(*first) & most;
    if value < most {
        return Some((value, rest));
    }
    for shift in [0, 7, 14] {
        let (byte, behind) = rest.split_first()?;
        rest = behind;
        value += usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((value, rest));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::http2::frames::reader::PADDED;

    #[test]
    fn a_block_begins_with_two_pseudo_headers_or_not() {
        const NAMED: [u8; 12] = [0x00, 7, b':', b's', b't', b'a', b't', b'u', b's', 1, b'2', 0x00];
        let cases: [(&[u8], bool); 19] = [
            (&[0x88, 0x82], true),                               // :status 200, :method GET
            (&[0x84, 0x88], true),                               // :path /, :status 200
            (&[0x88, 0x8f], false),                              // accept-charset
            (&[0x88, 0xbe], false),                              // the dynamic table’s
            (&[0x48, 3, b'2', b'9', b'9', 0x44, 1, b'/'], true), // literals
            (&[0x08, 0x82, 0x10, 0x1f, 0x01, 1, b'x'], true),    // without indexing, in the Huffman code
            (&[0x18, 0x82, 0x10, 0x1f, 0x11, 1, b'x'], true),    // never indexed
            (&[0x0f, 0x01, 1, b'x', 0x82], true),                // an index of two bytes
            (&[&NAMED[..], &[5]].concat(), false),               // not there yet
            (&[&NAMED[..], &[5, b':']].concat(), true),
            (&[0x20, 0x88, 0x82], true), // the table’s size first
            (&[0x3f, 0xe1, 0x1f, 0x20, 0x88, 0x82], true),
            (&[0x88], false),
            (&[0x88, 0x00, 1, b'a', 1, b'b'], false),
            (&[0x48, 3, b'2'], false),
            (&[0x48, 0xff], false),
            (&[0x48, 0xff, 0xff, 0xff, 0xff, 0xff], false),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0x82], false),
            (&[], false),
        ];
        for (block, two) in cases {
            assert_eq!(has_two_pseudos(block), two, "{block:x?}");
        }
    }

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

    #[test]
    fn what_is_remembered_is_bounded() {
        let heads = HeadSections::default();
        for stream in 0..=MAX_MALFORMED as u32 {
            heads.looked_into(&Head { length: 2, kind: HEADERS, flags: END_HEADERS, stream }, &[0x88, 0x82]);
        }
        assert!(!heads.take_malformed(0) && heads.take_malformed(MAX_MALFORMED as u32));
    }
}
