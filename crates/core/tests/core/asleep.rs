//! Connections that have been idle for a while: taken out of hyper, watched, and put back when they are wanted.

use crate::support::certs::Authority;
use crate::support::server::{OK, Peer, Server};
use crate::support::{becomes, get, pool, run, send};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use whippet_core::{Client, TlsOptions, Verify};

/// Longer than the half second after which a connection falls asleep.
async fn fall_asleep() {
    tokio::time::sleep(Duration::from_millis(800)).await;
}

async fn one_exchange(pool: &Client, server: &Server) -> Peer {
    let sending = send(pool, get(&server.origin()));
    let mut peer = server.accept().await;
    peer.answer(OK).await;
    assert_eq!(sending.text().await, "ok");
    peer
}

#[test]
fn a_connection_that_fell_asleep_is_used_again_and_again() {
    run(async {
        let (server, pool) = (Server::start().await, pool(|config| config.keepalive_expiry = None));
        let mut peer = one_exchange(&pool, &server).await;
        for _ in 0..2 {
            fall_asleep().await;
            assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 1 idle>");
            // Twice at once: asleep the first time, awake the second.
            for _ in 0..2 {
                let sending = send(&pool, get(&server.origin()));
                peer.answer(OK).await;
                assert_eq!(sending.text().await, "ok");
            }
        }
    });
}

#[test]
fn asleep_it_leaves_the_pool_when_the_peer_closes_or_speaks() {
    run(async {
        for speaks in [false, true] {
            let (server, pool) = (Server::start().await, pool(|config| config.keepalive_expiry = None));
            let mut peer = one_exchange(&pool, &server).await;
            fall_asleep().await;
            match speaks {
                true => {
                    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison").await;
                    becomes(&pool, "<Pool 0 active, 0 queued | 0 idle>").await;
                    peer.closed().await;
                }
                false => {
                    drop(peer);
                    becomes(&pool, "<Pool 0 active, 0 queued | 0 idle>").await;
                }
            }
            one_exchange(&pool, &server).await;
        }
    });
}

#[test]
fn asleep_it_still_expires_and_closes_with_the_pool() {
    run(async {
        let (server, pool) = (Server::start().await, pool(|c| c.keepalive_expiry = Some(Duration::from_millis(1000))));
        let mut peer = one_exchange(&pool, &server).await;
        fall_asleep().await;
        becomes(&pool, "<Pool 0 active, 0 queued | 0 idle>").await;
        peer.closed().await;
    });
}

#[test]
fn over_tls_it_sleeps_wakes_and_says_goodbye() {
    run(async {
        let (server, ca) = (Server::start().await, Authority::new("Test CA"));
        let pool = pool(|config| {
            config.keepalive_expiry = None;
            config.tls = TlsOptions { verify: Verify::Roots(vec![ca.certificate()]), ..TlsOptions::default() };
        });
        let origin = server.named("https", "localhost");
        let first = send(&pool, get(&origin));
        let mut peer = ca.issue("localhost", |_| ()).accept(&server).await.expect("the client trusts it");
        peer.answer(OK).await;
        assert_eq!(first.text().await, "ok");
        fall_asleep().await;
        let second = send(&pool, get(&origin));
        peer.answer(OK).await;
        assert_eq!(second.text().await, "ok");
        fall_asleep().await;
        pool.close();
        assert_eq!(peer.stream.read(&mut [0]).await.expect("close_notify"), 0);
    });
}
