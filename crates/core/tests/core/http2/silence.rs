//! Connections that lead nowhere any more, and callers that give up before a timeout of theirs runs out.

use crate::support::http2::{ACK, HEADERS, Http2Peer, OK, PING, WINDOW_UPDATE, http2_pool};
use crate::support::server::Server;
use crate::support::{get, read, request, run, send, send_within};

use http::Method;
use std::time::Duration;
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{Instant, sleep};
use whippet_core::{Client, ErrorKind, RequestBody, Timeouts};

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

/// A pool whose connection takes nothing of an upload any more, although something comes of a download; what goes on meanwhile.
async fn stuck() -> (Server, Client, [JoinHandle<()>; 3]) {
    let (server, pool) = (Server::start().await, http2_pool(|_| ()));
    let download = send(&pool, get(&server.origin()));
    let mut peer = server.accept_unsettled().await;
    peer.settings(&[(3, 100), (4, 1 << 30)]).await;
    peer.send(WINDOW_UPDATE, 0, 0, &(1_u32 << 30).to_be_bytes()).await;
    let stream = peer.request().await;
    peer.headers(stream, OK, 0).await;
    let mut download = download.response().await;
    let body = RequestBody::Bytes(vec![0; 64 << 20].into());
    let upload = send(&pool, request(Method::PUT, &server.origin(), body));
    let sending = spawn_local(async move {
        while peer.data(stream, "x", 0).await {
            sleep(Duration::from_millis(10)).await;
        }
    });
    let reading = spawn_local(async move { drop(read(&mut download).await) });
    let writing = spawn_local(async move { drop(upload.result().await) });
    sleep(Duration::from_millis(300)).await;
    (server, pool, [sending, reading, writing])
}

/// The next request is answered, on another connection.
async fn answers_elsewhere(server: Server, pool: &Client) {
    let next = send(pool, get(&server.origin()));
    let others = spawn_local(async move {
        loop {
            let mut peer = server.accept_http2().await;
            while let Ok(frame) = peer.try_frame().await {
                if frame.kind == HEADERS {
                    peer.answer(frame.stream).await;
                }
            }
        }
    });
    assert_eq!(next.text().await, "ok");
    others.abort();
}

#[test]
fn a_connection_that_takes_nothing_is_left_although_something_comes() {
    run(async {
        let (server, pool, tasks) = stuck().await;
        let late = send_within(&pool, get(&server.origin()), read_timeout(Some(200)));
        assert_eq!(late.kind().await, ErrorKind::ReadTimeout);
        answers_elsewhere(server, &pool).await;
        tasks.iter().for_each(JoinHandle::abort);
    });
}

#[test]
fn a_connection_that_takes_nothing_is_left_also_by_callers_that_give_up() {
    run(async {
        let (server, pool, tasks) = stuck().await;
        give_up(&pool, &server, read_timeout(Some(1_000)), 4).await;
        answers_elsewhere(server, &pool).await;
        tasks.iter().for_each(JoinHandle::abort);
    });
}
