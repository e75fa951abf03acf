//! Where the frames of HTTP/2 are in a stream of bytes: what is found in pieces is what stands in the whole.
#![no_main]

use libfuzzer_sys::fuzz_target;
use whippet_core::fuzzing::{FoundFrame, find_frames};
use whippet_fuzz::Input;

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let piece = usize::from(input.byte()) + 1;
    let bytes = input.rest();
    let mut expected = frames(bytes);
    assert_eq!(find_frames([bytes]), expected);
    for frame in &mut expected {
        // Of a frame whose type was in a piece before the one that its head ends in, the place is of no use any more.
        frame.kind_at = frame.kind_at.filter(|at| at / piece == (at + 5) / piece);
    }
    assert_eq!(find_frames(bytes.chunks(piece)), expected, "in pieces of {piece}");
});

/// As RFC 9113 section 4.1 has them, one after the other.
fn frames(bytes: &[u8]) -> Vec<FoundFrame> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(&[l0, l1, l2, kind, flags, s0, s1, s2, s3]) = bytes.get(at..at + 9) {
        let length = usize::from(l0) << 16 | usize::from(l1) << 8 | usize::from(l2);
        let (is_end, is_padded) = (flags & 1 != 0, flags & 8 != 0);
        // DATA that may be all padding, the beginning of a header section, and the code of a reset.
        let wanted = match kind {
            0 if is_padded && !is_end => 1,
            1 => 32,
            3 => 4,
            _ => 0,
        };
        let wanted = length.min(wanted);
        let look = bytes.get(at + 9..at + 9 + wanted).filter(|look| !look.is_empty()).map(<[u8]>::to_vec);
        let stream = u32::from_be_bytes([s0, s1, s2, s3]) & 0x7fff_ffff;
        found.push(FoundFrame { length, kind, flags, stream, kind_at: Some(at + 3), look });
        at += 9 + length;
    }
    found
}
