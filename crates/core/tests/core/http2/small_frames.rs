//! DATA frames of a few bytes, each of which takes h2 more memory than it has content: many of them are ordinary use, and no reason
//! to fail what else is under way.

use crate::support::http2::{
    ACK, CANCEL, DATA, END_STREAM, HEADERS, Http2Peer, OK, PING, RST_STREAM, SETTINGS, frame, http2_pool, section,
};
use crate::support::server::Server;
use crate::support::{Sending, get, run, send, text};
use whippet_core::{Client, ErrorKind};

/// The window of a stream, as soon as the server has confirmed it.
const WINDOW: usize = 1024 * 1024;

/// A pool with a connection that has an unanswered request on it, with the server's end of that and its stream.
async fn beside() -> (Server, Client, Sending, Http2Peer, u32) {
    let (server, pool) = (Server::start().await, http2_pool(|_| ()));
    let beside = send(&pool, get(&server.origin()));
    let mut peer = server.accept_unsettled().await;
    peer.settings(&[(3, 1_000)]).await;
    peer.send(SETTINGS, ACK, 0, &[]).await;
    let first = peer.request().await;
    (server, pool, beside, peer, first)
}

/// Waits until the client has read everything.
async fn ping(peer: &mut Http2Peer) {
    peer.send(PING, 0, 0, &[9; 8]).await;
    while peer.next(PING).await.flags & ACK == 0 {}
}

#[test]
fn a_window_full_of_them_that_is_not_read_harms_no_other_request() {
    run(async {
        for bytes in [40, 60, 200] {
            let (server, pool, beside, mut peer, first) = beside().await;
            let sending = send(&pool, get(&server.origin()));
            let stream = peer.request().await;
            peer.headers(stream, OK, 0).await;
            let response = sending.response().await;
            let content = "x".repeat(bytes);
            let count = WINDOW / bytes;
            peer.write(&frame(DATA, 0, stream, content.as_bytes()).repeat(count)).await;
            ping(&mut peer).await;
            peer.answer(first).await;
            assert_eq!(beside.text().await, "ok", "frames of {bytes} bytes");
            peer.data(stream, "", END_STREAM).await;
            assert_eq!(text(response).await.len(), count * bytes);
            assert!(server.is_left_alone().await);
        }
    });
}

#[test]
fn those_of_cancelled_requests_harm_no_other_request() {
    run(async {
        let (server, pool, beside, mut peer, first) = beside().await;
        for _ in 0..300 {
            let sending = send(&pool, get(&server.origin()));
            let stream = peer.request().await;
            sending.cancel().await;
            peer.headers(stream, OK, 0).await;
            peer.write(&frame(DATA, 0, stream, b"a part").repeat(50)).await;
            assert_eq!(peer.next(RST_STREAM).await.code(), CANCEL);
        }
        ping(&mut peer).await;
        peer.answer(first).await;
        assert_eq!(beside.text().await, "ok");
        assert!(server.is_left_alone().await);
    });
}

#[test]
fn a_connection_that_holds_very_many_gets_no_more_requests_and_finishes_those_it_has() {
    run(async {
        let (server, pool, beside, mut peer, first) = beside().await;
        let sending = send(&pool, get(&server.origin()));
        let stream = peer.request().await;
        peer.headers(stream, OK, 0).await;
        let response = sending.response().await;
        peer.write(&frame(DATA, 0, stream, b"x").repeat(20_000)).await;
        ping(&mut peer).await;
        let next = send(&pool, get(&server.origin()));
        let mut other = server.accept_http2().await;
        let new = other.request().await;
        other.answer(new).await;
        assert_eq!(next.text().await, "ok");
        peer.answer(first).await;
        assert_eq!(beside.text().await, "ok");
        peer.data(stream, "", END_STREAM).await;
        assert_eq!(text(response).await.len(), 20_000);
    });
}

#[test]
fn those_that_were_read_do_not_count() {
    run(async {
        let server = Server::start().await;
        let (origin, pool) = (server.origin(), http2_pool(|_| ()));
        tokio::task::spawn_local(async move {
            let mut peer = server.accept_http2().await;
            while let Ok(found) = peer.try_frame().await {
                if found.kind == HEADERS {
                    let head = frame(HEADERS, 4, found.stream, &section(OK));
                    let parts = frame(DATA, 0, found.stream, b"x").repeat(1_000);
                    peer.write(&[head, parts, frame(DATA, END_STREAM, found.stream, b"")].concat()).await;
                }
            }
            panic!("the first connection is the only one");
        });
        for _ in 0..200 {
            assert_eq!(send(&pool, get(&origin)).text().await.len(), 1_000);
        }
    });
}

#[test]
fn without_end_and_not_read_they_end_the_connection() {
    run(async {
        let (server, pool, beside, mut peer, _) = beside().await;
        let sending = send(&pool, get(&server.origin()));
        let stream = peer.request().await;
        peer.headers(stream, OK, 0).await;
        let response = sending.response().await;
        let flood = frame(DATA, 0, stream, b"x").repeat(1_000);
        tokio::task::spawn_local(async move { while peer.write(&flood).await {} });
        let error = beside.error().await;
        assert_eq!((error.kind(), error.code()), (ErrorKind::RemoteProtocolError, Some("ERR_HTTP2_SESSION_ERROR")));
        assert!(error.message().contains("was given up: "), "{error}");
        drop(response);
    });
}
