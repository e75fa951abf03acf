//! The one safe re-send: the server closed a connection that was idle just as the next request went out.

use crate::support::server::{OK, Peer, Server};
use crate::support::{declaring, get, pool, post, request, run, send, send_within, text, upload};
use bytes::Bytes;
use http::Method;
use std::time::Duration;
use whippet_core::{Client, ErrorKind, FieldLines, RequestBody, Timeouts};

/// A pool with one idle connection, and the server's end of that.
async fn idle() -> (Server, Client, Peer) {
    let (server, pool) = (Server::start().await, pool(|_| ()));
    let sending = send(&pool, get(&server.origin()));
    let mut peer = server.accept().await;
    peer.answer(OK).await;
    assert_eq!(sending.text().await, "ok");
    assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 1 idle>");
    (server, pool, peer)
}

#[test]
fn what_is_idempotent_is_sent_again_when_the_connection_ends_unheard() {
    run(async {
        let by_method = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "QUERY", "PROPFIND", "REPORT", "SEARCH"];
        let by_key =
            [("POST", "Idempotency-Key\nk\n"), ("POST", "x-idempotency-key\nk\n"), ("PATCH", "idempotency-KEY\n1\n")];
        for (method, fields) in by_method.map(|method| (method, "")).into_iter().chain(by_key) {
            let (server, pool, mut peer) = idle().await;
            let method = Method::from_bytes(method.as_bytes()).expect("a token");
            let mut sent = request(method.clone(), &server.origin(), RequestBody::Empty);
            sent.fields = FieldLines::new(Bytes::from_static(fields.as_bytes()));
            let sending = send(&pool, sent);
            let first = peer.head().await;
            drop(peer);
            let mut next = server.accept().await;
            assert_eq!(next.answer("HTTP/1.1 204 No Content\r\n\r\n").await, first);
            assert_eq!(sending.response().await.head.status, 204, "{method}");
            assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 1 idle>");
        }
    });
}

#[test]
fn what_is_not_idempotent_is_not_sent_again() {
    run(async {
        for method in [Method::POST, Method::PATCH, Method::from_bytes(b"PURGE").expect("a token")] {
            let (server, pool, mut peer) = idle().await;
            let sending = send(&pool, request(method.clone(), &server.origin(), RequestBody::Bytes("b".into())));
            peer.head().await;
            peer.expect("b").await;
            drop(peer);
            let error = sending.error().await;
            assert_eq!(error.kind(), ErrorKind::RemoteProtocolError, "{method}");
            assert!(error.message().ends_with("Server disconnected without sending a response."), "{error}");
            assert!(server.is_left_alone().await);
            assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 0 idle>");
        }
    });
}

#[test]
fn what_was_not_written_is_sent_again_whatever_it_is() {
    run(async {
        let (server, pool, peer) = idle().await;
        // The client has not noticed the reset when the request goes out; it cannot be written.
        peer.reset();
        let sending = send(&pool, post(&server.origin(), "body"));
        let mut next = server.accept().await;
        assert!(next.answer(OK).await.starts_with("POST / HTTP/1.1\r\n"));
        next.expect("body").await;
        assert_eq!(sending.text().await, "ok");
    });
}

#[test]
fn a_body_of_bytes_is_sent_again_whole() {
    run(async {
        let (server, pool, mut peer) = idle().await;
        let body = RequestBody::Bytes(Bytes::from_static(b"the whole body"));
        let sending = send(&pool, request(Method::PUT, &server.origin(), body));
        let first = peer.head().await;
        peer.expect("the whole body").await;
        drop(peer);
        let mut next = server.accept().await;
        assert_eq!(next.head().await, first);
        next.expect("the whole body").await;
        next.write(OK).await;
        assert_eq!(sending.text().await, "ok");
    });
}

#[test]
fn a_stream_that_has_not_begun_is_sent_again() {
    run(async {
        let (server, pool, mut peer) = idle().await;
        let up = upload();
        let sending = send(&pool, declaring(Some(5), request(Method::PUT, &server.origin(), up.body)));
        peer.head().await;
        drop(peer);
        let mut next = server.accept().await;
        next.head().await;
        up.sender.push(Bytes::from_static(b"hello"));
        up.sender.end();
        next.expect("hello").await;
        next.write(OK).await;
        assert_eq!(sending.text().await, "ok");
        assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 1 idle>");
    });
}

#[test]
fn a_stream_that_has_begun_is_not_sent_again() {
    run(async {
        let (server, pool, mut peer) = idle().await;
        let up = upload();
        up.sender.push(Bytes::from_static(b"he"));
        let sending = send(&pool, declaring(Some(5), request(Method::PUT, &server.origin(), up.body)));
        peer.head().await;
        peer.expect("he").await;
        drop(peer);
        assert_eq!(sending.kind().await, ErrorKind::RemoteProtocolError);
        assert!(up.sender.is_stopped());
        assert_eq!(*up.told.borrow(), [true]);
        assert!(server.is_left_alone().await);
    });
}

#[test]
fn a_request_is_sent_again_once_and_on_a_new_connection() {
    run(async {
        let (server, pool, mut peer) = idle().await;
        // Another idle one, used more recently: both die, and the second is not tried.
        let (first, second) = (send(&pool, get(&server.origin())), send(&pool, get(&server.origin())));
        let mut other = server.accept().await;
        peer.answer(OK).await;
        assert_eq!(first.text().await, "ok");
        other.answer(OK).await;
        assert_eq!(second.text().await, "ok");
        assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 2 idle>");
        let sending = send(&pool, get(&server.origin()));
        other.head().await;
        drop(other);
        let mut fresh = server.accept().await;
        fresh.head().await;
        drop(fresh);
        let error = sending.error().await;
        assert_eq!(error.kind(), ErrorKind::RemoteProtocolError);
        assert!(server.is_left_alone().await);
    });
}

#[test]
fn a_new_connection_that_ends_unheard_is_an_error() {
    run(async {
        let (server, pool) = (Server::start().await, pool(|_| ()));
        let sending = send(&pool, get(&server.origin()));
        let mut peer = server.accept().await;
        peer.head().await;
        drop(peer);
        assert_eq!(sending.kind().await, ErrorKind::RemoteProtocolError);
        assert!(server.is_left_alone().await);
    });
}

#[test]
fn a_response_that_has_begun_is_not_asked_for_again() {
    run(async {
        let (server, pool, mut peer) = idle().await;
        let sending = send(&pool, get(&server.origin()));
        peer.answer("HTT").await;
        drop(peer);
        let error = sending.error().await;
        assert_eq!(error.kind(), ErrorKind::RemoteProtocolError);
        assert!(error.message().ends_with("closed the connection in the middle of the response head"), "{error}");
        assert!(server.is_left_alone().await);
    });
}

#[test]
fn silence_is_no_reason_to_send_again() {
    run(async {
        let (server, pool, mut peer) = idle().await;
        let timeouts = Timeouts { read: Some(Duration::from_millis(20)), ..Timeouts::default() };
        let sending = send_within(&pool, get(&server.origin()), timeouts);
        peer.head().await;
        assert_eq!(sending.kind().await, ErrorKind::ReadTimeout);
        assert!(server.is_left_alone().await);
    });
}

#[test]
fn connections_that_died_idle_are_replaced_without_an_error() {
    run(async {
        let (server, pool, peer) = idle().await;
        drop(peer);
        // At once: whether the pool knows of the close already makes no difference to the caller.
        let sending = send(&pool, get(&server.origin()));
        let mut next = server.accept().await;
        next.answer(OK).await;
        assert_eq!(text(sending.response().await).await, "ok");
    });
}

#[test]
fn a_timeout_that_says_goodbye_to_a_reused_connection_is_no_answer() {
    const GOODBYE: &str = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    run(async {
        let (server, pool, mut peer) = idle().await;
        let sending = send(&pool, post(&server.origin(), "body"));
        peer.head().await;
        peer.write(GOODBYE).await;
        let mut next = server.accept().await;
        next.head().await;
        next.expect("body").await;
        // A new connection's own answer, and a second one, are the caller's.
        next.write(GOODBYE).await;
        assert_eq!(sending.response().await.head.status, 408);
        assert!(server.is_left_alone().await);
    });
}

#[test]
fn a_timeout_of_the_request_is_the_callers() {
    run(async {
        let (server, pool, mut peer) = idle().await;
        let sending = send(&pool, post(&server.origin(), "body"));
        peer.head().await;
        peer.expect("body").await;
        peer.write("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n").await;
        assert_eq!(sending.response().await.head.status, 408);
        assert!(server.is_left_alone().await);
    });
}
