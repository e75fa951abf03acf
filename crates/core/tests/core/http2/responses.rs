//! Where a response ends, and what does not belong to it.

use crate::support::http2::{CANCEL, END_STREAM, Http2Peer, NO_ERROR, OK, http2_pool};
use crate::support::server::Server;
use crate::support::{Sending, get, read, request, run, send, text};
use http::Method;
use whippet_core::{ErrorKind, RequestBody};

/// A request that the peer has read, on a connection of its own.
async fn asked(method: Method) -> (Server, Sending, Http2Peer, u32) {
    let (server, pool) = (Server::start().await, http2_pool(|_| ()));
    let sending = send(&pool, request(method, &server.origin(), RequestBody::Empty));
    let mut peer = server.accept_http2().await;
    let stream = peer.request().await;
    (server, sending, peer, stream)
}

#[test]
fn a_response_is_complete_with_end_stream_and_not_with_a_reset() {
    let length = |length| vec![(":status", "200"), ("content-length", length)];
    let cases = [
        ("half a body", OK.to_vec(), "half", false),
        ("the head alone", OK.to_vec(), "", false),
        ("half of a known length", length("8"), "half", false),
        ("all of a known length", length("4"), "half", true),
        ("no body, and it is said", length("0"), "", true),
    ];
    run(async move {
        for (what, head, body, complete) in cases {
            for method in [Method::GET, Method::POST] {
                for code in [NO_ERROR, CANCEL] {
                    let (_server, sending, mut peer, stream) = asked(method.clone()).await;
                    peer.headers(stream, &head, 0).await;
                    if !body.is_empty() {
                        peer.data(stream, body, 0).await;
                    }
                    peer.reset(stream, code).await;
                    let result = match sending.result().await {
                        Ok(mut response) => read(&mut response).await,
                        Err(error) => Err(error),
                    };
                    let title = format!("{what}, {method}, code {code}");
                    match result {
                        Ok((text, _)) => assert!(complete && code == NO_ERROR && text == body, "{title}: {text}"),
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::RemoteProtocolError, "{title}: {error}");
                            assert!(!complete || code != NO_ERROR, "{title}: {error}");
                        }
                    }
                }
            }
        }
    });
}

#[test]
fn a_reset_behind_end_stream_is_no_error() {
    run(async {
        for code in 0..=13 {
            let (_server, sending, mut peer, stream) = asked(Method::GET).await;
            peer.answer(stream).await;
            peer.reset(stream, code).await;
            assert_eq!(sending.text().await, "ok", "code {code}");
        }
    });
}

#[test]
fn content_with_a_status_that_has_none_is_an_error_of_its_request_alone() {
    run(async {
        for status in ["204", "304"] {
            let (server, pool) = (Server::start().await, http2_pool(|_| ()));
            let sending = send(&pool, get(&server.origin()));
            let mut peer = server.accept_http2().await;
            let stream = peer.request().await;
            peer.headers(stream, &[(":status", status)], 0).await;
            peer.data(stream, "content", END_STREAM).await;
            let mut response = sending.response().await;
            let error = read(&mut response).await.expect_err("malformed");
            assert_eq!(error.kind(), ErrorKind::RemoteProtocolError, "{status}: {error}");
            assert_eq!(error.code(), Some("ERR_HTTP2_STREAM_ERROR"));
            drop(response);
            let next = send(&pool, get(&server.origin()));
            let stream = peer.request().await;
            peer.answer(stream).await;
            assert_eq!(next.text().await, "ok");
        }
    });
}

#[test]
fn a_status_without_content_may_have_a_length_and_an_end_of_its_own() {
    run(async {
        for status in ["204", "304"] {
            let (_server, sending, mut peer, stream) = asked(Method::GET).await;
            peer.headers(stream, &[(":status", status), ("content-length", "5000")], 0).await;
            peer.data(stream, "", END_STREAM).await;
            let response = sending.response().await;
            assert_eq!(response.head.status.to_string(), status);
            assert_eq!(text(response).await, "");
        }
    });
}

#[test]
fn pseudo_headers_in_trailers_are_an_error_of_their_request_alone() {
    let cases: [(&[(&str, &str)], bool); 4] =
        [(&[(":status", "200")], false), (&[(":path", "/"), ("a", "b")], false), (&[("a", "b")], true), (&[], true)];
    run(async move {
        for (trailers, passes) in cases {
            let (server, pool) = (Server::start().await, http2_pool(|_| ()));
            let sending = send(&pool, get(&server.origin()));
            let mut peer = server.accept_http2().await;
            let stream = peer.request().await;
            peer.headers(stream, &[(":status", "103"), ("link", "<a>")], 0).await;
            peer.headers(stream, OK, 0).await;
            peer.data(stream, "ok", 0).await;
            peer.headers(stream, trailers, END_STREAM).await;
            let mut response = sending.response().await;
            match read(&mut response).await {
                Ok((body, found)) => {
                    assert!(passes, "{trailers:?}");
                    assert_eq!(body, "ok");
                    assert_eq!(
                        found.map(|found| found.as_bytes().iter().filter(|byte| **byte == b'\n').count() / 2),
                        Some(trailers.len())
                    );
                }
                Err(error) => {
                    assert!(!passes, "{trailers:?}");
                    assert_eq!(error.kind(), ErrorKind::RemoteProtocolError, "{error}");
                }
            }
            drop(response);
            let next = send(&pool, get(&server.origin()));
            let stream = peer.request().await;
            peer.headers(stream, &[(":status", "205")], END_STREAM).await;
            assert_eq!(next.text().await, "");
        }
    });
}
