//! Idle connections: which are kept, for how long, and which is used next.

use crate::support::server::{OK, Server};
use crate::support::{becomes, get, pool, run, send, settle};
use std::time::Duration;
use tokio::time::advance;

#[test]
fn the_surplus_of_idle_connections_is_what_was_idle_for_longest() {
    run(async {
        let (server, pool) = (Server::start().await, pool(|config| config.max_keepalive_connections = Some(1)));
        let (first, second) = (send(&pool, get(&server.origin())), send(&pool, get(&server.origin())));
        let (mut a, mut b) = (server.accept().await, server.accept().await);
        a.answer(OK).await;
        assert_eq!(first.text().await, "ok");
        // Only idle ones count: beside an active one, one may stay.
        assert_eq!(format!("{pool:?}"), "<Pool 1 active, 0 queued | 1 idle>");
        b.answer(OK).await;
        assert_eq!(second.text().await, "ok");
        assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 1 idle>");
        a.closed().await;
        let third = send(&pool, get(&server.origin()));
        b.answer(OK).await;
        assert_eq!(third.text().await, "ok");
    });
}

#[test]
fn without_keepalive_connections_none_is_kept() {
    run(async {
        let (server, pool) = (Server::start().await, pool(|config| config.max_keepalive_connections = Some(0)));
        let sending = send(&pool, get(&server.origin()));
        let mut peer = server.accept().await;
        peer.answer(OK).await;
        assert_eq!(sending.text().await, "ok");
        assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 0 idle>");
        peer.closed().await;
    });
}

#[test]
fn the_most_recently_used_connection_is_used_first() {
    run(async {
        let (server, pool) = (Server::start().await, pool(|_| ()));
        let (first, second) = (send(&pool, get(&server.origin())), send(&pool, get(&server.origin())));
        let (mut a, mut b) = (server.accept().await, server.accept().await);
        b.answer(OK).await;
        assert_eq!(second.text().await, "ok");
        a.answer(OK).await;
        assert_eq!(first.text().await, "ok");
        let third = send(&pool, get(&server.origin()));
        a.answer(OK).await;
        assert_eq!(third.text().await, "ok");
        assert!(b.is_quiet().await);
    });
}

#[test]
fn what_is_idle_for_too_long_is_closed() {
    run(async {
        let expiry = Some(Duration::from_millis(30));
        let (server, pool) = (Server::start().await, pool(|config| config.keepalive_expiry = expiry));
        let sending = send(&pool, get(&server.origin()));
        let mut peer = server.accept().await;
        peer.answer(OK).await;
        assert_eq!(sending.text().await, "ok");
        assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 1 idle>");
        peer.closed().await;
        assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 0 idle>");
    });
}

#[test]
fn what_has_expired_is_not_used_though_it_is_not_closed_yet() {
    run(async {
        let expiry = Some(Duration::from_millis(10));
        let (server, pool) = (Server::start().await, pool(|config| config.keepalive_expiry = expiry));
        let origin = server.origin();
        let connections = server.answer_all(OK);
        assert_eq!(send(&pool, get(&origin)).text().await, "ok");
        // The reaper goes to sleep, and comes back no sooner than after 50 ms.
        tokio::task::yield_now().await;
        advance(Duration::from_millis(20)).await;
        assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 1 idle>");
        assert_eq!(send(&pool, get(&origin)).text().await, "ok");
        assert_eq!(connections.count(), 2);
    });
}

#[test]
fn the_servers_keep_alive_is_obeyed() {
    run(async {
        // `Keep-Alive`, our limit in ms, what is idle afterwards and a little later. A second is to spare.
        let cases = [
            ("timeout=0", None, 0, 0),
            ("timeout=1", None, 0, 0),
            ("timeout=1, max=100", Some(60_000), 0, 0),
            ("timeout=60", None, 1, 1),
            ("timeout=60", Some(10), 1, 0),
            ("timeout=60", Some(60_000), 1, 1),
            ("max=100", Some(60_000), 1, 1),
        ];
        for (value, ours, idle, later) in cases {
            let server = Server::start().await;
            let pool = pool(|config| config.keepalive_expiry = ours.map(Duration::from_millis));
            let sending = send(&pool, get(&server.origin()));
            let mut peer = server.accept().await;
            peer.answer(&format!("HTTP/1.1 200 OK\r\nKeep-Alive: {value}\r\nContent-Length: 2\r\n\r\nok")).await;
            assert_eq!(sending.text().await, "ok");
            assert_eq!(format!("{pool:?}"), format!("<Pool 0 active, 0 queued | {idle} idle>"), "{value} {ours:?}");
            settle().await;
            becomes(&pool, &format!("<Pool 0 active, 0 queued | {later} idle>")).await;
        }
    });
}

#[test]
fn an_idle_connection_that_the_peer_closes_leaves_the_pool() {
    run(async {
        for reset in [false, true] {
            let (server, pool) = (Server::start().await, pool(|_| ()));
            let sending = send(&pool, get(&server.origin()));
            let mut peer = server.accept().await;
            peer.answer(OK).await;
            assert_eq!(sending.text().await, "ok");
            assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 1 idle>");
            match reset {
                true => peer.reset(),
                false => drop(peer),
            }
            becomes(&pool, "<Pool 0 active, 0 queued | 0 idle>").await;
        }
    });
}

#[test]
fn unrequested_bytes_are_never_the_next_response() {
    run(async {
        const POISON: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
        // With the first response, while the connection is idle, and just before it is used again.
        for when in ["same segment", "idle", "at reuse"] {
            let (server, pool) = (Server::start().await, pool(|_| ()));
            let first = send(&pool, get(&server.origin()));
            let mut peer = server.accept().await;
            match when {
                "same segment" => {
                    peer.answer(&format!("{OK}{POISON}")).await;
                    assert_eq!(first.text().await, "ok");
                }
                "at reuse" => {
                    peer.answer(OK).await;
                    assert_eq!(first.text().await, "ok");
                    peer.write(POISON).await;
                }
                _ => {
                    peer.answer(OK).await;
                    assert_eq!(first.text().await, "ok");
                    peer.write(POISON).await;
                    becomes(&pool, "<Pool 0 active, 0 queued | 0 idle>").await;
                }
            }
            let origin = server.origin();
            server.answer_all(OK);
            assert_eq!(send(&pool, get(&origin)).text().await, "ok", "{when}");
        }
    });
}
