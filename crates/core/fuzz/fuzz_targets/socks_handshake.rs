//! What a SOCKS proxy may answer, in each version, to the handshake alone: what comes of it does not depend on the pieces that it
//! arrives in, nothing behind it is read, and no error tells the password.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use std::net::{Ipv4Addr, Ipv6Addr};
use whippet_core::fuzzing::open_socks;
use whippet_core::{Credentials, FieldLines, Proxy, ProxyOptions, ProxyScheme, TlsOptions};
use whippet_fuzz::Input;

const PASSWORD: &str = "pässword";

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let (choice, piece) = (input.byte(), usize::from(input.byte() % 32) + 1);
    let scheme = [ProxyScheme::Socks4, ProxyScheme::Socks4a, ProxyScheme::Socks5, ProxyScheme::Socks5h];
    let address = match choice >> 2 & 3 {
        0 => Some((Ipv4Addr::new(10, 0, 0, 1), 80).into()),
        1 => Some((Ipv6Addr::LOCALHOST, 80).into()),
        _ => None,
    };
    let credentials = (choice & 16 != 0).then(|| Credentials { username: "u".into(), password: PASSWORD.into() });
    let proxy = Proxy::new(ProxyOptions {
        scheme: scheme[usize::from(choice & 3)],
        host: "proxy.test".to_owned(),
        port: 1080,
        forwards: false,
        credentials,
        fields: FieldLines::new(Bytes::new()),
        tls: TlsOptions::default(),
    });
    let bytes = input.rest();
    let whole = open_socks(bytes, 0, &proxy, address);
    assert_eq!(open_socks(bytes, piece, &proxy, address), whole, "in pieces of {piece}");
    if let Some((message, _)) = &whole.refused {
        assert!(!message.is_empty() && !message.contains(PASSWORD), "{message}");
    } else {
        // Byte by byte nothing can be read ahead.
        assert_eq!(open_socks(&bytes[..whole.read], 1, &proxy, address), whole, "without what is behind it");
    }
});
