//! What a SOCKS proxy may answer, in each version, and what may come through the tunnel.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use whippet_core::{Credentials, FieldLines, Proxy, ProxyOptions, ProxyScheme, TlsOptions, Versions};
use whippet_fuzz::{Input, Plan, exchange};

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let choice = input.byte();
    let (scheme, origin) = match choice & 3 {
        0 => (ProxyScheme::Socks4, "http://10.0.0.1"),
        1 => (ProxyScheme::Socks4a, "http://a.test"),
        2 => (ProxyScheme::Socks5, if choice & 4 == 0 { "http://10.0.0.1" } else { "http://[fd00::1]" }),
        _ => (ProxyScheme::Socks5h, "http://a.test"),
    };
    let has_credentials = choice & 8 != 0;
    let proxy = Proxy::new(ProxyOptions {
        scheme,
        host: "proxy.test".to_owned(),
        port: 1080,
        forwards: false,
        credentials: has_credentials.then(|| Credentials { username: "u".into(), password: "p".into() }),
        fields: FieldLines::new(Bytes::new()),
        tls: TlsOptions::default(),
    });
    let versions = Versions { http1: choice & 16 == 0, http2: choice & 16 != 0 };
    let plan = Plan::new(&mut input, versions);
    exchange(Plan { proxy: Some(proxy), origin, ..plan }, input.scripts());
});
