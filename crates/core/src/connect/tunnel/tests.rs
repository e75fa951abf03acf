//! Scripted proxies: what they are asked, what they reply, what becomes of it.

use super::*;
use crate::proxy::ProxyScheme;
use crate::proxy::testing::{Peer, both, proxy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const ASKED: &str = "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\nAccept: */*\r\n\r\n";

/// One reply, in pieces of so many bytes, after which the proxy says "tunnel" when it hears "hello", and closes.
fn ask(reply: &str, pieces: usize) -> Result<(), Error> {
    let proxy = proxy(ProxyScheme::Http, None, "");
    let (opened, ()) = both(
        async |stream| match open(stream, &proxy, "a.test:443", &mut AuthAttempt::default()).await? {
            Some((stream, ahead)) if ahead.is_empty() => {
                use_tunnel(stream).await;
                Ok(())
            }
            Some((_, ahead)) => panic!("the tunnel began with {}", ahead.escape_ascii()),
            None => panic!("there is nothing to ask again"),
        },
        async |mut peer: Peer| {
            assert_eq!(peer.head().await, ASKED);
            for piece in reply.as_bytes().chunks(pieces) {
                peer.say(piece).await;
                tokio::task::yield_now().await;
            }
            let mut heard = [0; 5];
            if peer.0.read_exact(&mut heard).await.is_ok() {
                assert_eq!(&heard, b"hello");
                peer.say("tunnel").await;
            }
        },
    );
    opened
}

async fn use_tunnel(mut stream: tokio::io::DuplexStream) {
    stream.write_all(b"hello").await.expect("the tunnel takes bytes");
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await.expect("the tunnel gives bytes");
    assert_eq!(heard, "tunnel");
}

#[test]
fn any_2xx_opens_a_tunnel_and_its_fields_mean_nothing() {
    let replies = [
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.0 200 Connection established\r\n\r\n",
        "HTTP/1.1 200\r\n\r\n",
        "HTTP/1.1 201 Created\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 299 Why Not\r\n\r\n",
        // SEC-B2
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ];
    for reply in replies {
        for pieces in [1, 7, reply.len()] {
            ask(reply, pieces).unwrap_or_else(|error| panic!("{reply:?}: {error}"));
        }
    }
}

#[test]
fn what_follows_the_head_belongs_to_the_tunnel() {
    for head in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 204 OK\r\n\r\n"] {
        let proxy = proxy(ProxyScheme::Http, None, "");
        let (opened, ()) = both(
            async |stream| open(stream, &proxy, "a.test:443", &mut AuthAttempt::default()).await,
            async |mut peer| {
                peer.head().await;
                peer.say(format!("{head}hello\r\n\r\nthere")).await;
            },
        );
        let (_, ahead) = opened.expect(head).expect("a tunnel");
        assert_eq!(ahead, "hello\r\n\r\nthere", "{head}");
    }
}

/// SEC-B1
#[test]
fn anything_else_is_a_refusal_with_what_the_proxy_said() {
    let rows = [
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\nX-A: 1\r\n\r\nsecret", "403 Forbidden", "secret"),
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
            "407 Proxy Authentication Required",
            "",
        ),
        ("HTTP/1.1 407\r\nContent-Length: 0\r\n\r\n", "407 Proxy Authentication Required", ""),
        (
            "HTTP/1.1 502 No One There\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
            "502 No One There",
            "abcde",
        ),
        ("HTTP/1.1 302 Found\r\nLocation: http://x/\r\nContent-Length: 2\r\n\r\nok", "302 Found", "ok"),
        ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "101 Switching Protocols", ""),
        ("HTTP/1.1 304 Not Modified\r\n\r\n", "304 Not Modified", ""),
        ("HTTP/1.1 599 Odd\r\nContent-Length: 0\r\n\r\n", "599 Odd", ""),
    ];
    for (reply, expected, body) in rows {
        for pieces in [1, reply.len()] {
            let error = ask(reply, pieces).expect_err(reply);
            assert_eq!(error.kind(), ErrorKind::ProxyError, "{error}");
            assert_eq!(error.message(), format!("{expected} (CONNECT a.test:443 by http://proxy.test:3128)"));
            let refusal = error.refusal().expect("the reply");
            assert_eq!((refusal.status.to_string(), &refusal.body[..]), (expected[..3].to_owned(), body.as_bytes()));
            assert_eq!(refusal.fields.lines().count(), reply.matches(": ").count(), "{reply}");
        }
    }
}

#[test]
fn a_body_without_end_is_cut() {
    let endless = format!("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 9999999\r\n\r\n{}", "x".repeat(100_000));
    let error = ask(&endless, endless.len()).expect_err("a refusal");
    assert_eq!(error.refusal().expect("the reply").body.len(), MAX_BODY_BYTES);
    // Shorter than it should be, and then nothing.
    let error = ask("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 99\r\n\r\nhalf", 9).expect_err("a refusal");
    assert_eq!(error.refusal().expect("the reply").body, "half");
}

#[test]
fn no_reply_is_a_proxy_error() {
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(400 * 1024));
    let rows = [
        ("", "http://proxy.test:3128 closed the connection instead of answering CONNECT a.test:443"),
        (
            "HTTP/1.1 200 OK\r\nX: ",
            "http://proxy.test:3128 closed the connection instead of answering CONNECT a.test:443",
        ),
        ("SSH-2.0-OpenSSH_9.2\r\n", "http://proxy.test:3128 sent no valid reply to CONNECT a.test:443"),
        ("\x05\x00 what is this\r\n\r\n", "http://proxy.test:3128 sent no valid reply to CONNECT a.test:443"),
        (&long, "http://proxy.test:3128 sent no valid reply to CONNECT a.test:443"),
    ];
    for (reply, expected) in rows {
        let proxy = proxy(ProxyScheme::Http, None, "");
        let (opened, ()) = both(
            async |stream| open(stream, &proxy, "a.test:443", &mut AuthAttempt::default()).await.map(|_| ()),
            async |mut peer| {
                peer.head().await;
                peer.say(reply).await;
            },
        );
        let error = opened.expect_err(&reply[..reply.len().min(50)]);
        assert_eq!(error.kind(), ErrorKind::ProxyError, "{error}");
        assert!(error.message().starts_with(expected), "{error}");
        assert!(error.is_at_proxy() && error.refusal().is_none());
    }
}

#[test]
fn the_proxys_own_fields_are_sent_and_nothing_else() {
    let fields = "Proxy-Authorization\nBasic dTpw\nX-Team\nblue\nX-Team\nred\naccept\ntext/html\nHost\nevil.test\n";
    let proxy = proxy(ProxyScheme::Http, None, fields);
    let (_, head) = both(
        async |stream| open(stream, &proxy, "[::1]:443", &mut AuthAttempt::default()).await.map(|_| ()),
        async |mut peer| peer.head().await,
    );
    assert_eq!(
        head,
        "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\
         Proxy-Authorization: Basic dTpw\r\nX-Team: blue\r\nX-Team: red\r\naccept: text/html\r\n\r\n"
    );
}

/// SEC-B11
#[test]
fn an_authority_cannot_carry_a_line_of_its_own() {
    for authority in ["a\r\nX: y:443", "a b:443", "a\0:443", "a\n:443", "a/b:443", "", "a@b@c:443"] {
        let proxy = proxy(ProxyScheme::Http, None, "");
        let (opened, head) = both(
            async |stream| open(stream, &proxy, authority, &mut AuthAttempt::default()).await.map(|_| ()),
            async |mut peer| peer.head().await,
        );
        let error = opened.expect_err(authority);
        assert_eq!((error.kind(), head.as_str()), (ErrorKind::LocalProtocolError, ""), "{authority:?}");
    }
}

const CHALLENGE: &str = "HTTP/1.1 407 Proxy Authentication Required\r\n\
    Proxy-Authenticate: Digest realm=\"r\", nonce=\"one\", qop=\"auth\"\r\nContent-Length: 2\r\n\r\nno";

#[test]
fn digest_is_answered_once_over_the_same_connection() {
    let proxy = proxy(ProxyScheme::Http, Some(("u", "p")), "");
    let (opened, (first, second)) = both(
        async |stream| {
            let tunnel = open(stream, &proxy, "a.test:443", &mut AuthAttempt::default()).await?;
            use_tunnel(tunnel.expect("the connection was kept").0).await;
            Ok::<(), Error>(())
        },
        async |mut peer| {
            let first = peer.head().await;
            peer.say(CHALLENGE).await;
            let second = peer.head().await;
            peer.say("HTTP/1.1 200 OK\r\n\r\n").await;
            peer.take(5).await;
            peer.say("tunnel").await;
            (first, second)
        },
    );
    opened.expect("a tunnel");
    assert_eq!(first, ASKED);
    let expected =
        "Proxy-Authorization: Digest username=\"u\", realm=\"r\", nonce=\"one\", uri=\"a.test:443\", response=\"";
    assert!(second.contains(expected) && second.contains("nc=00000001"), "{second}");

    // The next tunnel is asked for with what is known already.
    let (_, third) = both(
        async |stream| open(stream, &proxy, "b.test:443", &mut AuthAttempt::default()).await.map(|_| ()),
        async |mut peer| peer.head().await,
    );
    assert!(third.contains("uri=\"b.test:443\"") && third.contains("nc=00000002"), "{third}");
}

#[test]
fn a_wrong_password_is_tried_once() {
    let proxy = proxy(ProxyScheme::Http, Some(("u", "wrong")), "");
    let (opened, heads) = both(
        async |stream| open(stream, &proxy, "a.test:443", &mut AuthAttempt::default()).await.map(|_| ()),
        async |mut peer| {
            let mut heads = 0;
            while !peer.head().await.is_empty() {
                heads += 1;
                peer.say(CHALLENGE).await;
            }
            heads
        },
    );
    assert_eq!(opened.expect_err("a refusal").refusal().expect("the reply").status, 407);
    assert_eq!(heads, 2);
}

#[test]
fn a_stale_nonce_is_answered_once_more() {
    let proxy = proxy(ProxyScheme::Http, Some(("u", "p")), "");
    let stale = CHALLENGE.replace("qop", "stale=true, qop");
    let (opened, heads) = both(
        async |stream| open(stream, &proxy, "a.test:443", &mut AuthAttempt::default()).await.map(|_| ()),
        async |mut peer| {
            let mut heads = 0;
            while !peer.head().await.is_empty() {
                heads += 1;
                peer.say(&stale).await;
            }
            heads
        },
    );
    assert_eq!(opened.expect_err("a refusal").refusal().expect("the reply").status, 407);
    assert_eq!(heads, 3);
}

#[test]
fn a_proxy_that_closes_with_its_challenge_is_asked_over_another_connection() {
    let proxy = proxy(ProxyScheme::Http, Some(("u", "p")), "");
    // The first of them does not say that it closes.
    for challenge in [
        CHALLENGE.to_owned(),
        CHALLENGE.replace("Content-Length", "Connection: close\r\nContent-Length"),
        CHALLENGE.replace("HTTP/1.1", "HTTP/1.0"),
    ] {
        let mut challenged = AuthAttempt::default();
        let (opened, ()) = both(
            async |stream| open(stream, &proxy, "a.test:443", &mut challenged).await,
            async |mut peer| {
                peer.head().await;
                peer.say(challenge).await;
            },
        );
        assert!(opened.expect("no refusal").is_none());
        // It goes on where it was.
        let (_, head) = both(
            async |stream| open(stream, &proxy, "a.test:443", &mut challenged).await,
            async |mut peer| peer.head().await,
        );
        assert!(head.contains("nonce=\"one\""), "{head}");
    }
}

#[test]
fn a_challenge_without_credentials_for_it_is_a_refusal() {
    let basic = CHALLENGE.replace("Digest", "Basic");
    for (credentials, challenge) in [(None, CHALLENGE), (Some(("u", "p")), basic.as_str())] {
        let proxy = proxy(ProxyScheme::Http, credentials, "");
        let (opened, ()) = both(
            async |stream| open(stream, &proxy, "a.test:443", &mut AuthAttempt::default()).await.map(|_| ()),
            async |mut peer| {
                peer.head().await;
                peer.say(challenge).await;
            },
        );
        let error = opened.expect_err("a refusal");
        assert_eq!(error.refusal().expect("the reply").body, "no");
    }
}
