//! Whom the client trusts, and under which codes it says that it does not.

use crate::support::certs::{Authority, Identity};
use crate::support::server::{OK, Server};
use crate::support::{becomes, body_error, get, pool, run, send, text};
use rcgen::date_time_ymd;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::spawn_local;
use whippet_core::{Client, Error, ErrorKind, Origin, Verify};

fn trusting(roots: &[CertificateDer<'static>]) -> Client {
    pool(|config| config.tls.verify = Verify::Roots(roots.to_vec()))
}

/// What becomes of one GET to a server with this identity: the body, or the error that came of the handshake.
async fn visit(pool: &Client, server: Server, origin: &Origin, identity: Identity) -> Result<String, Error> {
    spawn_local(async move {
        if let Ok(mut peer) = identity.accept(&server).await {
            peer.answer(OK).await;
            peer.rest().await;
        }
    });
    match send(pool, get(origin)).result().await {
        Ok(response) => Ok(text(response).await),
        Err(error) => Err(error),
    }
}

#[test]
fn a_server_whose_issuer_is_a_root_is_trusted() {
    run(async {
        // The name in the certificate, the host of the URL.
        for (name, host) in [("localhost", "localhost"), ("127.0.0.1", "127.0.0.1")] {
            let (server, ca) = (Server::start().await, Authority::new("Test CA"));
            let (pool, origin) = (trusting(&[ca.certificate()]), server.named("https", host));
            let body = visit(&pool, server, &origin, ca.issue(name, |_| ())).await;
            assert_eq!(body.expect(host), "ok");
            assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 1 idle>");
        }
    });
}

#[test]
fn the_handshake_names_the_host_and_offers_both_versions() {
    run(async {
        let ca = Authority::new("Test CA");
        // What the server speaks, and what comes of it: it takes the first of its own that was offered.
        for (alpn, chosen) in
            [(&["http/1.1"][..], &b"http/1.1"[..]), (&["http/1.1", "h2"], b"http/1.1"), (&["h2"], b"h2")]
        {
            let server = Server::start().await;
            let pool = trusting(&[ca.certificate()]);
            let _sending = send(&pool, get(&server.named("https", "localhost")));
            let peer = ca.issue("localhost", |_| ()).speaking(alpn).accept(&server).await.expect("it is trusted");
            let (_, tls) = peer.stream.get_ref();
            assert_eq!((tls.server_name(), tls.alpn_protocol()), (Some("localhost"), Some(chosen)));
        }
    });
}

#[test]
fn a_connection_is_used_again_over_tls() {
    run(async {
        let (server, ca) = (Server::start().await, Authority::new("Test CA"));
        let (pool, origin) = (trusting(&[ca.certificate()]), server.named("https", "localhost"));
        let first = send(&pool, get(&origin));
        let mut peer = ca.issue("localhost", |_| ()).accept(&server).await.expect("the client trusts it");
        peer.answer(OK).await;
        assert_eq!(first.text().await, "ok");
        let second = send(&pool, get(&origin));
        peer.answer(OK).await;
        assert_eq!(second.text().await, "ok");
        pool.close();
        // An idle connection says goodbye: close_notify, not just the end of TCP.
        assert_eq!(peer.stream.read(&mut [0]).await.expect("close_notify"), 0);
    });
}

#[test]
fn refused_certificates_have_nodes_codes() {
    run(async {
        let (ca, stranger) = (Authority::new("Test CA"), Authority::new("A stranger"));
        let between = stranger.intermediate("Between");
        let expired = |p: &mut rcgen::CertificateParams| p.not_after = date_time_ymd(2020, 1, 1);
        let not_yet = |p: &mut rcgen::CertificateParams| p.not_before = date_time_ymd(2200, 1, 1);
        let cases = [
            (Identity::self_signed("localhost"), "DEPTH_ZERO_SELF_SIGNED_CERT"),
            (stranger.issue("localhost", |_| ()), "UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
            (stranger.issue("localhost", |_| ()).with(&stranger), "SELF_SIGNED_CERT_IN_CHAIN"),
            (between.issue("localhost", |_| ()).with(&between), "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"),
            (ca.issue("localhost", expired), "CERT_HAS_EXPIRED"),
            (ca.issue("localhost", not_yet), "CERT_NOT_YET_VALID"),
            (ca.issue("example.org", |_| ()), "ERR_TLS_CERT_ALTNAME_INVALID"),
            // A name is not an address, even where it leads there.
            (ca.issue("127.0.0.1", |_| ()), "ERR_TLS_CERT_ALTNAME_INVALID"),
        ];
        for (identity, code) in cases {
            let server = Server::start().await;
            let (pool, origin) = (trusting(&[ca.certificate()]), server.named("https", "localhost"));
            let error = visit(&pool, server, &origin, identity).await.expect_err(code);
            assert_eq!((error.kind(), error.code()), (ErrorKind::ConnectError, Some(code)), "{error}");
            assert!(error.message().contains(&origin.to_string()), "{error}");
            assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 0 idle>");
        }
    });
}

#[test]
fn the_platforms_roots_do_not_know_a_certificate_of_ours() {
    run(async {
        let (server, ca) = (Server::start().await, Authority::new("Test CA"));
        let (pool, origin) = (pool(|_| ()), server.named("https", "localhost"));
        let error = visit(&pool, server, &origin, ca.issue("localhost", |_| ())).await.expect_err("not trusted");
        assert_eq!((error.kind(), error.code()), (ErrorKind::ConnectError, Some("UNABLE_TO_VERIFY_LEAF_SIGNATURE")));
    });
}

#[test]
fn a_self_signed_certificate_may_be_its_own_root() {
    run(async {
        let (server, identity) = (Server::start().await, Identity::self_signed("localhost"));
        let (pool, origin) = (trusting(&identity.chain), server.named("https", "localhost"));
        assert_eq!(visit(&pool, server, &origin, identity).await.expect("trusted"), "ok");
    });
}

#[test]
fn an_intermediate_that_the_server_sends_leads_to_the_root() {
    run(async {
        let (server, ca) = (Server::start().await, Authority::new("Test CA"));
        let between = ca.intermediate("Between");
        let (pool, origin) = (trusting(&[ca.certificate()]), server.named("https", "localhost"));
        let identity = between.issue("localhost", |_| ()).with(&between);
        assert_eq!(visit(&pool, server, &origin, identity).await.expect("trusted"), "ok");
    });
}

#[test]
fn with_verification_off_any_certificate_will_do() {
    run(async {
        let ca = Authority::new("Test CA");
        let expired = |p: &mut rcgen::CertificateParams| p.not_after = date_time_ymd(2020, 1, 1);
        let cases =
            [Identity::self_signed("localhost"), ca.issue("example.org", |_| ()), ca.issue("localhost", expired)];
        for identity in cases {
            let server = Server::start().await;
            let (pool, origin) = (pool(|config| config.tls.verify = Verify::Off), server.named("https", "localhost"));
            assert_eq!(visit(&pool, server, &origin, identity).await.expect("accepted"), "ok");
        }
    });
}

#[test]
fn a_handshake_that_fails_otherwise_has_a_code_too() {
    run(async {
        // What the server answers to the ClientHello before it closes.
        let cases: [(&[u8], &str); 5] = [
            (b"HTTP/1.1 400 Bad Request\r\n\r\n", "EPROTO"),
            (b"SSH-2.0-OpenSSH_9.2\r\n", "EPROTO"),
            (b"", "ECONNRESET"),
            // Alerts: protocol_version, handshake_failure.
            (b"\x15\x03\x01\x00\x02\x02\x46", "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION"),
            (b"\x15\x03\x01\x00\x02\x02\x28", "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE"),
        ];
        for (answer, code) in cases {
            let server = Server::start().await;
            let pool = pool(|_| ());
            let sending = send(&pool, get(&server.named("https", "localhost")));
            let mut peer = server.accept().await;
            assert_ne!(peer.stream.read(&mut [0; 4096]).await.expect("the client is there"), 0, "a ClientHello");
            peer.write(answer).await;
            drop(peer);
            let error = sending.error().await;
            assert_eq!((error.kind(), error.code()), (ErrorKind::ConnectError, Some(code)), "{error}");
            assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 0 idle>");
        }
    });
}

#[test]
fn a_reset_during_the_handshake_is_econnreset() {
    run(async {
        let (server, pool) = (Server::start().await, pool(|_| ()));
        let sending = send(&pool, get(&server.named("https", "localhost")));
        server.accept().await.reset();
        let error = sending.error().await;
        assert_eq!((error.kind(), error.code()), (ErrorKind::ConnectError, Some("ECONNRESET")), "{error}");
    });
}

#[test]
fn a_body_that_ends_with_the_connection_needs_a_goodbye() {
    run(async {
        // RFC 9112 section 9.8: without close_notify such a response may have been cut short on the way.
        for says_goodbye in [true, false] {
            let (server, ca) = (Server::start().await, Authority::new("Test CA"));
            let pool = trusting(&[ca.certificate()]);
            let sending = send(&pool, get(&server.named("https", "localhost")));
            let mut peer = ca.issue("localhost", |_| ()).accept(&server).await.expect("the client trusts it");
            peer.answer("HTTP/1.1 200 OK\r\n\r\nall of it?").await;
            if says_goodbye {
                peer.stream.shutdown().await.expect("the client is there");
            }
            drop(peer);
            let response = sending.response().await;
            match says_goodbye {
                true => assert_eq!(text(response).await, "all of it?"),
                false => assert_eq!(body_error(response).await.kind(), ErrorKind::RemoteProtocolError),
            }
            becomes(&pool, "<Pool 0 active, 0 queued | 0 idle>").await;
        }
    });
}
