//! What is sent again on another connection.

use crate::support::http2::{ENHANCE_YOUR_CALM, Http2Peer, NO_ERROR, OK, REFUSED_STREAM, http2_pool};
use crate::support::server::Server;
use crate::support::{get, post, request, run, send, send_within};
use bytes::Bytes;
use http::Method;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::spawn_local;

use whippet_core::{BodySender, ErrorKind, FieldLines, RequestBody, Timeouts};

/// How a server says that it has not processed a request.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    GoAway,
    RefusedStream,
}

impl Refusal {
    async fn refuse(self, peer: &mut Http2Peer, stream: u32) {
        match self {
            Refusal::GoAway => peer.go_away(0, NO_ERROR).await,
            Refusal::RefusedStream => peer.reset(stream, REFUSED_STREAM).await,
        };
    }
}

#[test]
fn what_is_idempotent_is_sent_again_when_an_idle_connection_dies() {
    run(async {
        let key = FieldLines::new(Bytes::from_static(b"Idempotency-Key\nk\n"));
        let cases = [
            ("GET", FieldLines::default(), true),
            ("QUERY", FieldLines::default(), true),
            ("PROPFIND", FieldLines::default(), true),
            ("POST", FieldLines::default(), false),
            ("POST", key, true),
        ];
        for (method, fields, again) in cases {
            let (server, pool) = (Server::start().await, http2_pool(|_| ()));
            let first = send(&pool, get(&server.origin()));
            let mut peer = server.accept_http2().await;
            let stream = peer.request().await;
            peer.answer(stream).await;
            assert_eq!(first.text().await, "ok");

            let method = Method::from_bytes(method.as_bytes()).expect("a token");
            let mut sent = request(method.clone(), &server.origin(), RequestBody::Empty);
            sent.fields = fields;
            let sending = send(&pool, sent);
            peer.request().await;
            drop(peer);
            if again {
                let mut next = server.accept_http2().await;
                let stream = next.request().await;
                next.answer(stream).await;
                assert_eq!(sending.text().await, "ok", "{method}");
            } else {
                assert_eq!(sending.kind().await, ErrorKind::ReadError, "{method}");
                assert!(server.is_left_alone().await);
            }
        }
    });
}

#[test]
fn what_was_not_processed_is_sent_again_and_again_but_not_for_ever() {
    run(async {
        for refusal in [Refusal::GoAway, Refusal::RefusedStream] {
            for refusals in [1, 2, 3, 31, 32, 33] {
                let (server, pool) = (Server::start().await, http2_pool(|_| ()));
                let sending = send(&pool, post(&server.origin(), "body"));
                for _ in 0..refusals {
                    let mut peer = server.accept_http2().await;
                    let stream = peer.request().await;
                    refusal.refuse(&mut peer, stream).await;
                    spawn_local(async move { peer.rest().await });
                }
                if refusals > 32 {
                    assert_eq!(sending.kind().await, ErrorKind::RemoteProtocolError, "{refusal:?}");
                    assert!(server.is_left_alone().await);
                } else {
                    let mut peer = server.accept_http2().await;
                    let stream = peer.request().await;
                    assert_eq!(peer.body(stream).await, b"body");
                    peer.answer(stream).await;
                    assert_eq!(sending.text().await, "ok", "{refusal:?}, {refusals}");
                }
            }
        }
    });
}

#[test]
fn the_timeouts_end_what_is_sent_again() {
    run(async {
        let (server, pool) = (Server::start().await, http2_pool(|_| ()));
        let timeouts = Timeouts { total: Some(Duration::from_millis(100)), ..Timeouts::default() };
        let sending = send_within(&pool, get(&server.origin()), timeouts);
        spawn_local(async move {
            loop {
                let mut peer = server.accept_http2().await;
                peer.request().await;
                peer.go_away(0, NO_ERROR).await;
                spawn_local(async move { peer.rest().await });
            }
        });
        assert_eq!(sending.kind().await, ErrorKind::TotalTimeout);
    });
}

#[test]
fn calm_down_is_not_answered_by_the_same_again() {
    run(async {
        let (server, pool) = (Server::start().await, http2_pool(|_| ()));
        let sending = send(&pool, get(&server.origin()));
        let mut peer = server.accept_http2().await;
        peer.request().await;
        peer.go_away(0, ENHANCE_YOUR_CALM).await;
        assert_eq!(sending.kind().await, ErrorKind::RemoteProtocolError);
        assert!(server.is_left_alone().await);
    });
}

/// A body whose producer begins anew when it is asked to, and how often it was.
fn restartable(content: &'static [u8]) -> (Rc<BodySender>, RequestBody, Rc<Cell<u32>>) {
    let restarts = Rc::new(Cell::new(0));
    let (count, sender) = (restarts.clone(), Rc::new(Cell::new(None::<Rc<BodySender>>)));
    let of_restart = sender.clone();
    let on_restart = move || {
        count.set(count.get() + 1);
        let sender = of_restart.take();
        of_restart.set(sender.clone());
        let Some(sender) = sender else { return };
        spawn_local(async move {
            // Of the attempt before, still on its way.
            sender.push(Bytes::from_static(b"stale"));
            sender.end();
            sender.restart();
            sender.push(Bytes::from_static(content));
            sender.end();
        });
    };
    let (made, body) = RequestBody::restartable_channel(|_| (), on_restart);
    let made = Rc::new(made);
    sender.set(Some(made.clone()));
    (made, body, restarts)
}

#[test]
fn a_stream_that_has_begun_is_begun_anew() {
    run(async {
        for refusal in [Refusal::GoAway, Refusal::RefusedStream] {
            let (server, pool) = (Server::start().await, http2_pool(|_| ()));
            let (sender, body, restarts) = restartable(b"from the beginning");
            sender.push(Bytes::from_static(b"from the be"));
            let sending = send(&pool, request(Method::POST, &server.origin(), body));
            let mut peer = server.accept_http2().await;
            let stream = peer.request().await;
            assert_eq!(peer.next(0).await.payload, b"from the be");
            refusal.refuse(&mut peer, stream).await;
            let mut next = server.accept_http2().await;
            let stream = next.request().await;
            assert_eq!(next.body(stream).await, b"from the beginning", "{refusal:?}");
            next.answer(stream).await;
            assert_eq!(sending.text().await, "ok");
            assert_eq!(restarts.get(), 1);
        }
    });
}

#[test]
fn what_is_sent_again_goes_before_what_is_new() {
    run(async {
        let (server, pool) = (Server::start().await, http2_pool(|config| config.max_connections = Some(1)));
        let one_stream = [(3, 1)];
        let first = spawn_local(send(&pool, post(&server.origin(), "first")).text());
        let mut peer = server.accept_unsettled().await;
        peer.settings(&one_stream).await;
        peer.request().await;
        let second = spawn_local(send(&pool, post(&server.origin(), "second")).text());
        let third = spawn_local(send(&pool, post(&server.origin(), "third")).text());
        crate::support::becomes(&pool, "<Pool 1 active, 2 queued | 0 idle>").await;
        peer.go_away(0, NO_ERROR).await;
        let mut next = server.accept_unsettled().await;
        next.settings(&one_stream).await;
        let mut order = Vec::new();
        for _ in 0..3 {
            let stream = next.request().await;
            order.push(String::from_utf8(next.body(stream).await).expect("text"));
            next.answer(stream).await;
        }
        assert_eq!(order[0], "first", "{order:?}");
        for sending in [first, second, third] {
            assert_eq!(sending.await.expect("no panic"), "ok");
        }
    });
}

#[test]
fn a_misdirected_request_goes_to_another_connection_once() {
    run(async {
        for again in [false, true] {
            let (server, pool) = (Server::start().await, http2_pool(|_| ()));
            let sending = send(&pool, post(&server.origin(), "body"));
            let mut peer = server.accept_http2().await;
            let stream = peer.request().await;
            peer.headers(stream, &[(":status", "421")], 1).await;
            let mut next = server.accept_http2().await;
            let stream = next.request().await;
            assert_eq!(next.body(stream).await, b"body");
            let status = if again { "421" } else { "200" };
            next.headers(stream, &[(":status", status)], 1).await;
            assert_eq!(sending.response().await.head.status.to_string(), status);
            assert!(server.is_left_alone().await);
        }
    });
}

#[test]
fn a_streamed_body_that_is_gone_leaves_the_answer_to_the_caller() {
    run(async {
        let (server, pool) = (Server::start().await, http2_pool(|_| ()));
        let up = crate::support::upload();
        up.sender.push(Bytes::from_static(b"once"));
        let sending = send(&pool, request(Method::POST, &server.origin(), up.body));
        let mut peer = server.accept_http2().await;
        let stream = peer.request().await;
        peer.next(0).await;
        peer.headers(stream, &[(":status", "421")], 1).await;
        assert_eq!(sending.response().await.head.status, 421);
        let next = send(&pool, get(&server.origin()));
        let stream = peer.request().await;
        peer.headers(stream, OK, 1).await;
        assert_eq!(next.text().await, "");
    });
}
