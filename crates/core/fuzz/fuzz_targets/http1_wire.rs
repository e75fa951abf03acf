//! What a server may say over HTTP/1, as it is read before hyper sees it: what is made of it depends neither on the pieces that it
//! arrives in, nor on the room that is left for it, nor on whether the connection brought the same before.
#![no_main]

use libfuzzer_sys::fuzz_target;
use whippet_core::fuzzing::read_http1;
use whippet_fuzz::Input;

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let (choice, piece, room) = (input.byte(), input.byte(), input.byte());
    let is_head = choice & 1 != 0;
    let bytes = input.rest();
    let (whole, again) = read_http1(bytes, 0, 1024, is_head);
    let (cut, cut_again) = read_http1(bytes, usize::from(piece) + 1, usize::from(room) + 1, is_head);
    for again in [again, cut_again].iter().flatten() {
        assert_eq!(*again, whole, "on a used connection");
    }
    assert_eq!(cut.interim, whole.interim, "in pieces of {}", piece + 1);
    if whole.head.is_some() || cut.head.is_some() {
        assert_eq!(cut, whole, "in pieces of {piece} + 1, {room} + 1 bytes at a time");
    }
    // A head that is malformed shows at its end at the latest: where that does not come, hyper says that the head is not whole.
});
