//! What this side of h2 knows of HPACK (RFC 7541): enough to tell from the first bytes of a header block which names it begins
//! with. Nothing is decoded, and the dynamic table is not known here.

/// Appendix A: the static table begins with the pseudo-headers, up to this index.
const LAST_PSEUDO: u8 = 14;

/// Whether the first field of a header block is a pseudo-header: one of the static table's, or spelt with a colon. (A name in
/// the dynamic table is not known.) `None` when it is not among these bytes.
pub(super) fn begins_with_pseudo(block: &[u8]) -> Option<bool> {
    let (first, rest) = behind_size_updates(block)?.split_first()?;
    // An index that needs more than its prefix is beyond the pseudo-headers already.
    match (first & prefix_mask(*first), rest) {
        (1..=LAST_PSEUDO, _) => Some(true),
        // A new name; ':' is 1011100 in the Huffman code.
        (0, [length, letter, ..]) if length & 0x80 != 0 => Some(letter >> 1 == 0x5c),
        (0, [_, letter, ..]) => Some(*letter == b':'),
        (0, _) => None,
        _ => Some(false),
    }
}

/// Whether a header block begins with two pseudo-headers, as far as these bytes and their names tell.
pub(super) fn begins_with_two_pseudos(block: &[u8]) -> bool {
    behind_first_field(block).is_some_and(|block| begins_with_pseudo(block) == Some(true))
}

/// Section 6.3: what a block may begin with besides fields.
fn behind_size_updates(mut block: &[u8]) -> Option<&[u8]> {
    while let Some(first @ 0x20..0x40) = block.first() {
        block = integer(block, prefix_mask(*first))?.1;
    }
    Some(block)
}

fn behind_first_field(block: &[u8]) -> Option<&[u8]> {
    let block = behind_size_updates(block)?;
    let first = *block.first()?;
    match integer(block, prefix_mask(first))? {
        (_, rest) if first >= 0x80 => Some(rest),
        // A new name.
        (0, rest) => behind_string(behind_string(rest)?),
        (_, rest) => behind_string(rest),
    }
}

/// Section 5.2.
fn behind_string(block: &[u8]) -> Option<&[u8]> {
    let (length, rest) = integer(block, 0x7f)?;
    rest.get(length..)
}

/// Section 6: the bits of a representation's first byte that are its index, or the beginning of that.
fn prefix_mask(first: u8) -> u8 {
    match first {
        // An indexed field.
        0x80.. => 0x7f,
        // A literal that enters the dynamic table.
        0x40.. => 0x3f,
        // The dynamic table's size.
        0x20.. => 0x1f,
        // A literal that does not, or never may.
        _ => 0x0f,
    }
}

/// Section 5.1: an integer, and what is behind it. h2 refuses those of more than five bytes.
fn integer(block: &[u8], mask: u8) -> Option<(usize, &[u8])> {
    let (first, mut rest) = block.split_first()?;
    let mut value = usize::from(first & mask);
    if first & mask < mask {
        return Some((value, rest));
    }
    for shift in [0, 7, 14, 21] {
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

    #[test]
    fn the_first_name_of_a_block_is_a_pseudo_header_or_not() {
        let cases: [(&[u8], Option<bool>); 19] = [
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
            (&[0x3f, 0x80, 0x80, 0x80, 0x00, 0x88], Some(true)), // with zeros that it has no need of
            (&[0xff], Some(false)),                              // an index that goes on
            (&[], None),
            (&[0x00], None),
            (&[0x40, 0x82], None),
            (&[0x3f, 0xe1], None),
        ];
        for (block, pseudo) in cases {
            assert_eq!(begins_with_pseudo(block), pseudo, "{block:x?}");
        }
    }

    #[test]
    fn a_block_begins_with_two_pseudo_headers_or_not() {
        const NAMED: [u8; 12] = [0x00, 7, b':', b's', b't', b'a', b't', b'u', b's', 1, b'2', 0x00];
        let cases: [(&[u8], bool); 20] = [
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
            (&[0x3f, 0x80, 0x80, 0x80, 0x00, 0x88, 0x82], true),
            (&[0x88], false),
            (&[0x88, 0x00, 1, b'a', 1, b'b'], false),
            (&[0x48, 3, b'2'], false),
            (&[0x48, 0xff], false),
            (&[0x48, 0xff, 0xff, 0xff, 0xff, 0xff], false),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0x82], false),
            (&[], false),
        ];
        for (block, two) in cases {
            assert_eq!(begins_with_two_pseudos(block), two, "{block:x?}");
        }
    }
}
