//! What a server may say over HTTP/1: up to three requests over up to as many connections as there are scripts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use whippet_core::Versions;
use whippet_fuzz::{Input, Plan, exchange};

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let plan = Plan::new(&mut input, Versions { http1: true, http2: false });
    exchange(plan, input.scripts());
});
