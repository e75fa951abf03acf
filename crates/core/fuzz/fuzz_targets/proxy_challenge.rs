//! `Proxy-Authenticate`, a value in each line: what is answered to a challenge of Digest names what the challenge has named.
#![no_main]

use libfuzzer_sys::fuzz_target;
use whippet_core::FieldLines;
use whippet_core::fuzzing::answer_digest;

fuzz_target!(|data: &[u8]| {
    let lines =
        data.split(|byte| *byte == b'\n').flat_map(|value| [&b"Proxy-Authenticate\n"[..], value, b"\n"].concat());
    let Some((challenge, Some(answer))) = answer_digest(&FieldLines::new(lines.collect())) else { return };
    let repeated = FieldLines::new([&b"proxy-authenticate\n"[..], &answer, b"\n"].concat().into());
    let (named, _) = answer_digest(&repeated).unwrap_or_else(|| panic!("no challenge: {}", answer.escape_ascii()));
    assert_eq!(named, challenge, "{}", answer.escape_ascii());
});
