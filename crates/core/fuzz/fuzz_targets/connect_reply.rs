//! What a proxy may answer to CONNECT, and what may come through the tunnel; to a proxy that forwards as well, for its 407.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use whippet_core::{Credentials, FieldLines, Proxy, ProxyOptions, ProxyScheme, TlsOptions, Versions};
use whippet_fuzz::{Input, Plan, exchange};

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let choice = input.byte();
    let has_credentials = choice & 1 != 0;
    let proxy = Proxy::new(ProxyOptions {
        scheme: ProxyScheme::Http,
        host: "proxy.test".to_owned(),
        port: 3128,
        forwards: choice & 2 != 0,
        credentials: has_credentials.then(|| Credentials { username: "u".into(), password: "p".into() }),
        fields: FieldLines::new(Bytes::new()),
        tls: TlsOptions::default(),
    });
    let versions = Versions { http1: choice & 4 == 0, http2: choice & 4 != 0 };
    let mut plan = Plan::new(&mut input, versions);
    if choice & 0xf8 == 0xf8 {
        // Seldom: a handshake takes a hundred times as long as all else.
        plan.origin = "https://a.test";
    }
    exchange(Plan { proxy: Some(proxy), ..plan }, input.scripts());
});
