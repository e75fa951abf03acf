//! Frames without end, and limits of a connection's life that ordinary use must not meet.

use crate::support::http2::{
    ACK, CANCEL, DATA, END_STREAM, HEADERS, Http2Peer, NO_ERROR, OK, PADDED, PING, PRIORITY, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, frame, http2_pool, read_frame, section,
};
use crate::support::server::Server;
use crate::support::{becomes, get, run, send, text};
use std::rc::Rc;
use tokio::io::AsyncWriteExt;
use tokio::task::spawn_local;
use whippet_core::{Client, ErrorKind};

const ALTSVC: u8 = 10;
const UNKNOWN: u8 = 0xef;

/// A pool with one idle connection, and the server's end of that.
async fn idle() -> (Server, Client, Http2Peer) {
    let (server, pool) = (Server::start().await, http2_pool(|config| config.keepalive_expiry = None));
    let sending = send(&pool, get(&server.origin()));
    let mut peer = server.accept_http2().await;
    let stream = peer.request().await;
    peer.answer(stream).await;
    assert_eq!(sending.text().await, "ok");
    assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 1 idle>");
    (server, pool, peer)
}

#[test]
fn an_idle_connection_that_speaks_without_end_is_closed() {
    let cases = [
        ("PING", frame(PING, 0, 0, &[0; 8])),
        ("answers to PING", frame(PING, ACK, 0, &[0; 8])),
        ("SETTINGS", frame(SETTINGS, 0, 0, &[])),
        ("PRIORITY", frame(PRIORITY, 0, 1, &[0, 0, 0, 3, 1])),
        ("ALTSVC", frame(ALTSVC, 0, 0, b"\0\0h2=\":1\"")),
        ("unknown frames", frame(UNKNOWN, 0, 0, &[])),
        ("large unknown frames", frame(UNKNOWN, 0, 0, &[0; 16_384])),
        ("WINDOW_UPDATE of the connection", frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])),
        ("WINDOW_UPDATE of a stream that has ended", frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1])),
        ("RST_STREAM of a stream that has ended", frame(RST_STREAM, 0, 1, &NO_ERROR.to_be_bytes())),
    ];
    run(async {
        for (what, bytes) in cases {
            let (server, pool, peer) = idle().await;
            let Http2Peer { mut reading, mut writing } = peer;
            // What the client answers is read, so that it is not held up.
            spawn_local(async move { tokio::io::copy(&mut reading, &mut tokio::io::sink()).await });
            let burst = bytes.repeat(64);
            while writing.write_all(&burst).await.is_ok() {}
            becomes(&pool, "<Pool 0 active, 0 queued | 0 idle>").await;
            let sending = send(&pool, get(&server.origin()));
            let mut next = server.accept_http2().await;
            let stream = next.request().await;
            next.answer(stream).await;
            assert_eq!(sending.text().await, "ok", "{what}");
        }
    });
}

#[test]
fn an_idle_connection_may_say_a_few_things() {
    run(async {
        let (server, pool, mut peer) = idle().await;
        for _ in 0..20 {
            peer.send(PING, 0, 0, &[7; 8]).await;
            peer.settings(&[(3, 100)]).await;
            peer.send(WINDOW_UPDATE, 0, 0, &[0, 0, 1, 0]).await;
        }
        for _ in 0..20 {
            peer.next(PING).await;
        }
        let sending = send(&pool, get(&server.origin()));
        let stream = peer.request().await;
        peer.answer(stream).await;
        assert_eq!(sending.text().await, "ok");
        assert!(server.is_left_alone().await);
    });
}

#[test]
fn empty_data_in_ordinary_responses_ends_no_connection() {
    let padded = [4, 0, 0, 0, 0];
    type Frames = Box<dyn Fn(u32) -> Vec<u8>>;
    let cases: [(&str, Frames); 3] = [
        ("one each", Box::new(|stream| frame(DATA, 0, stream, &[]))),
        ("five each", Box::new(|stream| frame(DATA, 0, stream, &[]).repeat(5))),
        ("a padded one each", Box::new(move |stream| frame(DATA, PADDED, stream, &padded))),
    ];
    run(async {
        for (what, empty) in cases {
            let server = Server::start().await;
            let (origin, pool) = (server.origin(), http2_pool(|_| ()));
            spawn_local(async move {
                loop {
                    let mut peer = server.accept_http2().await;
                    let answer = |stream: u32| {
                        let head = frame(HEADERS, 4, stream, &section(OK));
                        [head, empty(stream), frame(DATA, END_STREAM, stream, b"ok")].concat()
                    };
                    while let Ok(frame) = peer.try_frame().await {
                        if frame.kind == HEADERS {
                            peer.write(&answer(frame.stream)).await;
                        }
                    }
                }
            });
            for _ in 0..300 {
                assert_eq!(send(&pool, get(&origin)).text().await, "ok", "{what}");
            }
        }
    });
}

#[test]
fn empty_data_in_many_responses_at_once_ends_no_connection() {
    run(async {
        let (server, pool) = (Server::start().await, http2_pool(|_| ()));
        let sending: Vec<_> = (0..300).map(|_| send(&pool, get(&server.origin()))).collect();
        let mut peer = server.accept_unsettled().await;
        peer.settings(&[(3, 1_000)]).await;
        let mut streams = Vec::new();
        for _ in 0..300 {
            streams.push(peer.request().await);
        }
        for step in 0..3 {
            for stream in &streams {
                match step {
                    0 => peer.headers(*stream, OK, 0).await,
                    1 => peer.data(*stream, "", 0).await,
                    _ => peer.data(*stream, "ok", END_STREAM).await,
                };
            }
        }
        for sending in sending {
            assert_eq!(sending.text().await, "ok");
        }
        assert!(server.is_left_alone().await);
    });
}

#[test]
fn empty_data_without_end_ends_the_connection() {
    run(async {
        let (server, pool) = (Server::start().await, http2_pool(|_| ()));
        let sending = send(&pool, get(&server.origin()));
        let mut peer = server.accept_http2().await;
        let stream = peer.request().await;
        peer.headers(stream, OK, 0).await;
        let mut response = sending.response().await;
        let flood = frame(DATA, 0, stream, &[]).repeat(10_000);
        spawn_local(async move { while peer.write(&flood).await {} });
        let error = crate::support::read(&mut response).await.expect_err("a flood");
        assert_eq!(error.kind(), ErrorKind::RemoteProtocolError, "{error}");
    });
}

#[test]
fn answers_that_cross_the_cancelling_of_their_requests_end_nothing() {
    run(async {
        let (server, pool) = (Server::start().await, http2_pool(|_| ()));
        let beside = send(&pool, get(&server.origin()));
        let mut peer = server.accept_unsettled().await;
        peer.settings(&[(3, 1_000)]).await;
        let first = peer.request().await;
        for _ in 0..30 {
            let burst: Vec<_> = (0..100).map(|_| send(&pool, get(&server.origin()))).collect();
            let mut streams = Vec::new();
            for _ in 0..100 {
                streams.push(peer.request().await);
            }
            for sending in burst {
                sending.cancel().await;
            }
            for stream in &streams {
                peer.headers(*stream, OK, 0).await;
                peer.data(*stream, "late", END_STREAM).await;
            }
            for _ in 0..100 {
                assert_eq!(peer.next(RST_STREAM).await.code(), CANCEL);
            }
        }
        peer.answer(first).await;
        assert_eq!(beside.text().await, "ok");
        // Late frames are ignored and not answered: all that was said is in these.
        peer.send(PING, 0, 0, &[9; 8]).await;
        while let frame = peer.try_frame().await.expect("the connection lives on")
            && frame.kind != PING
        {
            assert_ne!(frame.kind, RST_STREAM, "{frame:?}");
        }
        assert!(server.is_left_alone().await);
    });
}

#[test]
fn a_connection_of_many_broken_streams_gets_no_more_and_finishes_the_others() {
    run(async {
        let server = Server::start().await;
        let (origin, pool) = (server.origin(), http2_pool(|_| ()));
        let beside = send(&pool, get(&origin));
        let mut peer = server.accept_http2().await;
        let first = peer.request().await;
        let (finish, finished) = tokio::sync::oneshot::channel();
        spawn_local(async move {
            let Http2Peer { mut reading, writing } = peer;
            let writing = Rc::new(tokio::sync::Mutex::new(writing));
            let for_first = writing.clone();
            spawn_local(async move {
                finished.await.expect("the test says when");
                let answer = [frame(HEADERS, 4, first, &section(OK)), frame(DATA, END_STREAM, first, b"ok")].concat();
                for_first.lock().await.write_all(&answer).await.expect("the connection is still there");
            });
            while let Ok(found) = read_frame(&mut reading).await {
                if found.kind == HEADERS {
                    let bad = frame(HEADERS, 4 | END_STREAM, found.stream, &section(&[("no-status", "here")]));
                    writing.lock().await.write_all(&bad).await.expect("the connection is still there");
                }
            }
        });
        let next = spawn_local(async move {
            let mut peer = server.accept_http2().await;
            let stream = peer.request().await;
            peer.answer(stream).await;
            peer
        });
        let mut broken = 0;
        loop {
            match send(&pool, get(&origin)).result().await {
                Ok(response) => break assert_eq!(text(response).await, "ok"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::RemoteProtocolError),
            }
            broken += 1;
        }
        assert!(broken > 1_000, "{broken} streams");
        let _peer = next.await;
        finish.send(()).expect("the first connection is still served");
        assert_eq!(beside.text().await, "ok");
    });
}
