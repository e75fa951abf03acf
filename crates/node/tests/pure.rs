//! The modules of the binding that have nothing of Node in them, so that they can be tested without it, and by `npm run test:miri`.
#![allow(dead_code)]

#[path = "../src/copies.rs"]
mod copies;
#[path = "../src/head.rs"]
mod head;
#[path = "../src/pack.rs"]
mod pack;

use bytes::Bytes;
use copies::Copies;
use head::Head;
use pack::{Body, Packed};
use std::sync::Arc;
use std::thread;
use whippet_core::{ErrorKind, FieldLines};

#[test]
fn a_head_is_taken_apart() {
    let head = Head::parse(b"POST\nhttps://a.test:8443\n/a?b\nContent-Length\n7\nX\n\xe9\n".to_vec()).expect("a head");
    assert_eq!((head.method.as_str(), &head.target[..]), ("POST", &b"/a?b"[..]));
    assert_eq!(head.origin.to_string(), "https://a.test:8443");
    assert_eq!(head.fields.as_bytes(), b"Content-Length\n7\nX\n\xe9\n");
}

#[test]
fn what_is_no_head_is_an_error() {
    for text in [&b""[..], b"GET", b"GET\n", b"GET\nhttp://a.test\n/", b"G T\nhttp://a.test\n/\n", b"GET\n\xff\n/\n"] {
        let error = Head::parse(text.to_vec()).err().expect("an error");
        assert_eq!(error.kind(), ErrorKind::LocalProtocolError, "{}", text.escape_ascii());
    }
}

#[test]
fn records_stand_side_by_side() {
    let (mut out, mut large) = (Vec::new(), Vec::new());
    let fields = FieldLines::new(Bytes::from_static(b"Set-Cookie\na=b\n"));
    let record =
        |head, body| Packed { id: 7, kind: 1, version: 11, status: 200, numbers: [1, 2, 3, 4, 5, 6], head, body };
    record(Some((&b"Fine"[..], &fields)), Body::of(Bytes::from_static(b"hello"))).write(&mut out, &mut large);
    record(None, Body::of(vec![9; 16 * 1024 + 1].into())).write(&mut out, &mut large);
    record(None, Body::Text("text")).write(&mut out, &mut large);

    let word = |at: usize| u32::from_le_bytes(out[at..at + 4].try_into().expect("four bytes"));
    let head = b"Fine\nSet-Cookie\na=b\n";
    assert_eq!((word(0), out[4], out[5], word(4) >> 16), (7, 1, 11 | 128, 200));
    assert_eq!((word(8) as usize, word(12)), (head.len(), 5));
    assert_eq!([16, 20, 24, 28, 32, 36].map(word), [1, 2, 3, 4, 5, 6]);
    assert_eq!(out[40..40 + head.len() + 5], [&head[..], b"hello"].concat());
    let second = (40 + head.len() + 5).next_multiple_of(4);
    assert_eq!((word(second + 8), word(second + 12), out[second + 5]), (0, u32::MAX, 11));
    assert_eq!((large.len(), large[0].len()), (1, 16 * 1024 + 1));
    assert_eq!((word(second + 52), out.len()), (4, second + 84));
}

const LARGE: usize = 64 * 1024;

#[test]
fn the_memory_of_a_large_copy_is_used_again_and_shows_nothing_of_before() {
    let copies = Arc::new(Copies::default());
    let first = copies.make(&[1; LARGE]);
    let place = first.as_ptr();
    assert!(copies.is_empty());
    // A slice holds all of it.
    let slice = first.slice(10..20);
    drop(first);
    assert!(copies.is_empty());
    drop(slice);
    assert!(!copies.is_empty());
    let second = copies.make(&[2; LARGE]);
    assert_eq!((second.as_ptr(), &second[..]), (place, &[2; LARGE][..]));
    drop(second);
    copies.clear();
    assert!(copies.is_empty());
    // Small ones, and what is far too large for a small one, are not kept and not taken.
    drop(copies.make(&[3; 10]));
    assert!(copies.is_empty());
}

#[test]
fn no_more_than_16_mib_are_kept() {
    let copies = Arc::new(Copies::default());
    let bytes = vec![0; 6 * 1024 * 1024];
    let made = [(); 4].map(|()| copies.make(&bytes));
    let places = made.each_ref().map(|copy| copy.as_ptr() as usize);
    drop(made);
    // The oldest two of 24 MiB went.
    let again = [(); 2].map(|()| copies.make(&bytes));
    assert!(copies.is_empty());
    again.iter().for_each(|copy| assert!(places[2..].contains(&(copy.as_ptr() as usize))));
}

/// The JavaScript thread makes them, the I/O thread drops them.
#[test]
fn copies_are_made_on_one_thread_and_dropped_on_another() {
    let copies = Arc::new(Copies::default());
    let (sender, receiver) = std::sync::mpsc::channel::<(u8, Bytes)>();
    let reader = thread::spawn(move || {
        for (mark, copy) in receiver {
            assert!(copy == vec![mark; copy.len()], "the bytes of another copy");
        }
    });
    for mark in 0..ROUNDS {
        let copy = copies.make(&vec![mark; LARGE + usize::from(mark)]);
        sender.send((mark, copy)).expect("the other thread runs");
        if mark % 7 == 0 {
            copies.clear();
        }
    }
    drop(sender);
    reader.join().expect("no panic");
}

/// miri takes its time.
const ROUNDS: u8 = if cfg!(miri) { 6 } else { 200 };
