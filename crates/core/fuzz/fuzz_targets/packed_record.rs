//! Records as the binding packs them, side by side: what is read of them, as `src/dispatch/network` reads it, is what was packed.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use whippet_core::FieldLines;
use whippet_fuzz::Input;

#[allow(dead_code)]
#[path = "../../../node/src/pack.rs"]
mod pack;

use pack::{Body, Packed};

struct Expected {
    id: u32,
    kind: u8,
    version: u8,
    status: u16,
    numbers: [u32; 6],
    head: Option<Vec<u8>>,
    body: Vec<u8>,
}

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let (mut out, mut large, mut expected) = (Vec::new(), Vec::new(), Vec::new());
    while !input.is_empty() && expected.len() < 16 {
        let number = |input: &mut Input<'_>| u32::from(input.byte()) * 0x0101_0101;
        let (id, kind, version) = (number(&mut input), input.byte(), input.byte() & 127);
        let status = u16::from(input.byte()) * 7;
        let numbers = [(); 6].map(|()| number(&mut input));
        let choice = input.byte();
        let (reason, text) = (usize::from(input.byte() % 32), usize::from(input.byte()));
        let (reason, text) = (input.take(reason), input.take(text));
        let fields = FieldLines::new(Bytes::copy_from_slice(text));
        let head = (choice & 1 != 0).then_some((reason, &fields));
        let sets_cookies = head.is_some_and(|(_, fields)| fields.has("set-cookie"));
        let length = usize::from(input.byte());
        let body = match choice & 2 {
            0 => input.take(length).to_vec(),
            _ => vec![kind; length * 128],
        };
        let packed = Packed { id, kind, version, status, numbers, head, body: Body::of(body.clone().into()) };
        packed.write(&mut out, &mut large);
        let head = head.map(|(reason, fields)| [reason, b"\n", fields.as_bytes()].concat());
        let version = version | (u8::from(sets_cookies) << 7);
        expected.push(Expected { id, kind, version, status, numbers, head, body });
    }
    let (mut at, mut large) = (0, large.into_iter());
    for expected in expected {
        let word = |offset: usize| {
            let bytes = &out[at + offset..at + offset + 4];
            u32::from_le_bytes(bytes.try_into().expect("four bytes"))
        };
        assert_eq!((word(0), out[at + 4], out[at + 5]), (expected.id, expected.kind, expected.version));
        assert_eq!(word(4) >> 16, u32::from(expected.status));
        assert_eq!([16, 20, 24, 28, 32, 36].map(word), expected.numbers);
        let (head_length, body_length) = (word(8) as usize, word(12));
        let (head, rest) = out[at + 40..].split_at(head_length);
        assert_eq!(head, expected.head.unwrap_or_default());
        let inline = match body_length {
            u32::MAX => {
                assert_eq!(large.next().expect("a large body"), expected.body);
                0
            }
            length => {
                assert_eq!(rest[..length as usize], expected.body);
                length as usize
            }
        };
        at += (40 + head_length + inline).next_multiple_of(4);
    }
    assert_eq!(at, out.len());
    assert!(large.next().is_none());
});
