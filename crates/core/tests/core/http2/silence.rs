//! Connections that lead nowhere any more, and callers that give up before a timeout of theirs runs out.

use crate::support::http2::{ACK, Http2Peer, PING, http2_pool};
use crate::support::server::Server;
use crate::support::{get, run, send_within};

use std::time::Duration;
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep};
use whippet_core::{Client, Timeouts};

fn read_timeout(limit: Option<u64>) -> Timeouts {
    Timeouts { read: limit.map(Duration::from_millis), ..Timeouts::default() }
}

/// A pool with one idle connection, and the server's end of that.
async fn idle() -> (Server, Client, Http2Peer) {
    let (server, pool) = (Server::start().await, http2_pool(|config| config.keepalive_expiry = None));
    let sending = send_within(&pool, get(&server.origin()), Timeouts::default());
    let mut peer = server.accept_http2().await;
    let stream = peer.request().await;
    peer.answer(stream).await;
    assert_eq!(sending.text().await, "ok");
    (server, pool, peer)
}

/// Callers that give up after 300 ms, one after the other.
async fn give_up(pool: &Client, server: &Server, timeouts: Timeouts, times: u32) {
    for _ in 0..times {
        let sending = send_within(pool, get(&server.origin()), timeouts);
        sleep(Duration::from_millis(300)).await;
        sending.cancel().await;
    }
}

#[test]
fn a_connection_that_leads_nowhere_is_left_also_by_callers_that_give_up() {
    run(async {
        for (timeout, at_most) in [(Some(1_000), 2_000), (Some(5_000), 6_000), (Some(60_000), 6_000), (None, 6_000)] {
            let (server, pool, mut peer) = idle().await;
            let since = Instant::now();
            let silent = spawn_local(async move { peer.rest().await });
            let (callers_pool, origin) = (pool.clone(), server.origin());
            let callers = spawn_local(async move {
                loop {
                    let sending = send_within(&callers_pool, get(&origin), read_timeout(timeout));
                    sleep(Duration::from_millis(300)).await;
                    sending.cancel().await;
                }
            });
            let _next = server.accept_http2().await;
            let waited = since.elapsed();
            assert!(waited <= Duration::from_millis(at_most), "{timeout:?}: {waited:?}");
            callers.abort();
            silent.abort();
        }
    });
}

#[test]
fn a_slow_server_that_answers_a_ping_keeps_its_connection() {
    run(async {
        let (server, pool, mut peer) = idle().await;
        let answering = spawn_local(async move {
            while let Ok(frame) = peer.try_frame().await {
                if frame.kind == PING && frame.flags & ACK == 0 {
                    peer.send(PING, ACK, 0, &frame.payload).await;
                }
            }
        });
        give_up(&pool, &server, read_timeout(Some(1_000)), 20).await;
        assert!(server.is_left_alone().await);
        answering.abort();
    });
}
