//! What a server may say over HTTP/2: bytes as they are, or frames whose heads fit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use whippet_core::Versions;
use whippet_fuzz::{Input, Plan, exchange};

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let is_raw = input.byte() & 1 != 0;
    let plan = Plan::new(&mut input, Versions { http1: false, http2: true });
    exchange(plan, if is_raw { input.scripts() } else { input.frames() });
});
