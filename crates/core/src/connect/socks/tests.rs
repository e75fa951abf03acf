//! Scripts: what the client has to say, what the proxy answers, how it ends.

use super::*;
use crate::proxy::testing::{both, proxy};
use ProxyScheme::{Socks4, Socks4a, Socks5, Socks5h};

type Said = (Vec<u8>, Vec<u8>);
type User = Option<(&'static str, &'static str)>;

const USER: User = Some(("user", "pass"));
const OK4: &[u8] = &[0, 90, 0, 0, 0, 0, 0, 0];
const OK5: &[u8] = &[5, 0, 0, 1, 127, 0, 0, 1, 4, 56];
/// A greeting without and one with a user; and a request each for an address and for a name.
const HELLO: &[u8] = &[5, 1, 0];
const HELLO_USER: &[u8] = &[5, 2, 0, 2];
const TO_ADDRESS: &[u8] = &[5, 1, 0, 1, 10, 0, 0, 1, 0, 80];
const TO_NAME: &[u8] = b"\x05\x01\x00\x03\x06a.test\x00\x50";

fn says(client: &[u8], proxy: &[u8]) -> Said {
    (client.to_vec(), proxy.to_vec())
}

/// Plays the script, byte by byte; the proxy then closes its side. None: a tunnel, which begins with "tunnel".
fn play(scheme: ProxyScheme, user: User, target: Target<'_>, script: Vec<Said>) -> Option<(String, bool)> {
    let proxy = proxy(scheme, user, "");
    let works = script.len();
    let (ended, heard) = both(
        async |mut stream| {
            if let Err(Refused { error, is_unreachable }) = connect(&mut stream, &proxy, target).await {
                assert_eq!(error.kind(), ErrorKind::ProxyError);
                assert!(error.is_at_proxy() && !error.message().contains("pass)"), "{error}");
                return Some((error.message().to_owned(), is_unreachable));
            }
            let mut rest = String::new();
            stream.read_to_string(&mut rest).await.expect("what follows is left for the tunnel");
            assert_eq!(rest, "tunnel");
            None
        },
        async |mut peer| {
            for (at, (expected, answer)) in script.into_iter().enumerate() {
                assert_eq!(peer.take(expected.len()).await, expected, "message {at}");
                for byte in answer {
                    peer.say([byte]).await;
                    tokio::task::yield_now().await;
                }
            }
            peer.say("tunnel").await;
            drop(peer);
        },
    );
    let () = heard;
    assert!(works > 0 || ended.is_some());
    ended
}

fn address(text: &str) -> Target<'static> {
    Target::Address(text.parse().expect(text))
}

#[test]
fn tunnels_are_opened() {
    let bound_name = b"\x05\x00\x00\x03\x04name\x00\x50";
    let bound_v6 = [&[5, 0, 0, 4][..], &[0; 18]].concat();
    let to_v6 = [&[5, 1, 0, 4][..], &[0; 15], &[1, 1, 187]].concat();
    let password = b"\x01\x04user\x04pass";
    let rows = [
        // S17, S18
        (Socks5, None, address("10.0.0.1:80"), vec![says(HELLO, &[5, 0]), says(TO_ADDRESS, OK5)]),
        (
            Socks5h,
            USER,
            Target::Name("a.test", 80),
            vec![says(HELLO_USER, &[5, 2]), says(password, &[1, 0]), says(TO_NAME, OK5)],
        ),
        // Credentials that the proxy does not want; empty ones; a reply of the wrong version, as some send it.
        (Socks5h, USER, Target::Name("a.test", 80), vec![says(HELLO_USER, &[5, 0]), says(TO_NAME, OK5)]),
        (
            Socks5h,
            Some(("", "")),
            Target::Name("a.test", 80),
            vec![says(HELLO_USER, &[5, 2]), says(&[1, 0, 0], &[5, 0]), says(TO_NAME, OK5)],
        ),
        (Socks5, None, address("[::1]:443"), vec![says(HELLO, &[5, 0]), says(&to_v6, OK5)]),
        (Socks5, None, address("10.0.0.1:80"), vec![says(HELLO, &[5, 0]), says(TO_ADDRESS, bound_name)]),
        (Socks5, None, address("10.0.0.1:80"), vec![says(HELLO, &[5, 0]), says(TO_ADDRESS, &bound_v6)]),
        // Version 4 has a user without a password.
        (Socks4, None, address("10.0.0.1:80"), vec![says(&[4, 1, 0, 80, 10, 0, 0, 1, 0], OK4)]),
        (Socks4, USER, address("10.0.0.1:80"), vec![says(b"\x04\x01\x00\x50\x0a\x00\x00\x01user\0", OK4)]),
        (Socks4a, USER, Target::Name("a.test", 80), vec![says(b"\x04\x01\x00\x50\0\0\0\x01user\0a.test\0", OK4)]),
    ];
    for (at, (scheme, user, target, script)) in rows.into_iter().enumerate() {
        assert_eq!(play(scheme, user, target, script), None, "row {at}");
    }
}

#[test]
fn refusals_say_what_the_proxy_said() {
    let requested = "Requested NO AUTHENTICATION REQUIRED from proxy server, but got";
    let closed = "the proxy closed the connection during the SOCKS handshake";
    let greeted = |answer: &[u8]| vec![says(HELLO, answer)];
    let asked = |answer: &[u8]| vec![says(HELLO, &[5, 0]), says(TO_ADDRESS, answer)];
    let rows = [
        // S20, S21
        (None, greeted(&[5, 2]), format!("{requested} USERNAME/PASSWORD."), false),
        (None, greeted(&[5, 1]), format!("{requested} GSSAPI."), false),
        (None, greeted(&[5, 77]), format!("{requested} METHOD 77."), false),
        (None, greeted(&[5, 0xff]), format!("{requested} NO ACCEPTABLE METHODS."), false),
        (
            USER,
            vec![says(HELLO_USER, &[5, 2]), says(b"\x01\x04user\x04pass", &[1, 1])],
            "Invalid username/password".to_owned(),
            false,
        ),
        (None, asked(&[5, 1, 0, 1]), "Proxy Server could not connect: General SOCKS server failure.".into(), true),
        (
            None,
            asked(&[5, 2, 0, 1]),
            "Proxy Server could not connect: Connection not allowed by ruleset.".into(),
            false,
        ),
        (None, asked(&[5, 3, 0, 1]), "Proxy Server could not connect: Network unreachable.".into(), true),
        (None, asked(&[5, 4, 0, 1]), "Proxy Server could not connect: Host unreachable.".into(), true),
        (None, asked(&[5, 5, 0, 1]), "Proxy Server could not connect: Connection refused.".into(), true),
        (None, asked(&[5, 6, 0, 1]), "Proxy Server could not connect: TTL expired.".into(), true),
        (None, asked(&[5, 7, 0, 1]), "Proxy Server could not connect: Command not supported.".into(), false),
        (None, asked(&[5, 8, 0, 1]), "Proxy Server could not connect: Address type not supported.".into(), true),
        (None, asked(&[5, 99, 0, 1]), "Proxy Server could not connect: reply 99.".into(), true),
        (
            None,
            asked(&[4, 0, 0, 1]),
            "the proxy does not speak SOCKS 5: its reply begins with the byte 4".into(),
            false,
        ),
        (None, asked(&[5, 0, 0, 2]), "the proxy sent an address of the unknown kind 2".into(), false),
        // SEC-B12: truncated replies; 'tunnel' is six bytes more.
        (None, asked(&[5, 0, 0, 4, 1, 2, 3]), closed.to_owned(), false),
        (None, asked(&[5, 0, 0, 3, 255, 1]), closed.to_owned(), false),
        (
            None,
            greeted(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
            "the proxy does not speak SOCKS 5: its reply begins with the byte 72".to_owned(),
            false,
        ),
    ];
    for (at, (user, script, expected, unreachable)) in rows.into_iter().enumerate() {
        let refused = play(Socks5, user, address("10.0.0.1:80"), script);
        assert_eq!(refused, Some((format!("{expected} (socks5://proxy.test:3128)"), unreachable)), "row {at}");
    }
    let rows = [
        (91, "Request rejected or failed", true),
        (92, "The client has no identd", false),
        (93, "The client's identd says another user", false),
        (7, "reply 7", false),
    ];
    for (reply, expected, unreachable) in rows {
        let script = vec![says(&[4, 1, 0, 80, 10, 0, 0, 1, 0], &[0, reply, 0, 0, 0, 0, 0, 0])];
        let expected = format!("Proxy Server could not connect: {expected}. (socks4://proxy.test:3128)");
        assert_eq!(play(Socks4, None, address("10.0.0.1:80"), script), Some((expected, unreachable)));
    }
}

/// SEC-B12: lengths are a byte each.
#[test]
fn what_does_not_fit_is_an_error_before_it_is_sent() {
    for length in [256, 257, 512, 65_536] {
        let (long, greeting) = ("a".repeat(length), vec![says(HELLO, &[5, 0])]);
        let (message, _) = play(Socks5h, None, Target::Name(&long, 80), greeting).expect("an error");
        assert!(message.starts_with(&format!("the name of the host is {length} bytes long")), "{message}");
        let (message, _) = play(Socks4a, None, Target::Name(&long, 80), vec![]).expect("an error");
        assert!(message.starts_with(&format!("the name of the host is {length} bytes long")), "{message}");
    }
    let (longest, request) =
        ("a".repeat(255), [b"\x05\x01\x00\x03\xff".to_vec(), vec![b'a'; 255], vec![0, 80]].concat());
    let script = vec![says(HELLO, &[5, 0]), says(&request, OK5)];
    assert_eq!(play(Socks5h, None, Target::Name(&longest, 80), script), None);
    let (message, _) = play(Socks4, None, address("[::1]:80"), vec![]).expect("an error");
    assert!(message.starts_with("SOCKS 4 cannot reach IPv6 addresses"), "{message}");
    let (message, _) = play(Socks4, Some(("a\0b", "")), address("10.0.0.1:80"), vec![]).expect("an error");
    assert!(message.starts_with("the proxy's username has a NUL in it"), "{message}");
}

#[test]
fn a_proxy_that_closes_at_once() {
    for scheme in [Socks4, Socks5] {
        let proxy = proxy(scheme, None, "");
        let (refused, ()) = both(
            async |mut stream| connect(&mut stream, &proxy, address("10.0.0.1:80")).await,
            async |peer| drop(peer),
        );
        let error = refused.expect_err("an error").error;
        assert_eq!(error.kind(), ErrorKind::ProxyError, "{error}");
    }
}
