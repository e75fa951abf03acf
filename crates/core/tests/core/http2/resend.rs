//! What is sent again on another connection.

use crate::support::http2::http2_pool;
use crate::support::server::Server;
use crate::support::{get, request, run, send};
use bytes::Bytes;
use http::Method;
use whippet_core::{ErrorKind, FieldLines, RequestBody};

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
