//! The five timeouts: which one runs out, and what is left behind. By the clock of the tests, which is paused; no test asserts
//! how long anything took.

use crate::support::server::{OK, Server};
use crate::support::{becomes, body_error, declaring, get, pool, post, request, run, send, send_within, text, upload};
use bytes::Bytes;
use http::Method;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::spawn_local;
use tokio::time::sleep;
use whippet_core::{ErrorKind, Timeouts, Verify};

const SHORT: Option<Duration> = Some(Duration::from_millis(30));
const LONG: Option<Duration> = Some(Duration::from_secs(15));

/// Every timeout but the one under test is far away.
const FAR: Timeouts = Timeouts { pool: LONG, connect: LONG, write: LONG, read: LONG, total: LONG };

/// More than the socket buffers of both sides take.
const MUCH: usize = 32 * 1024 * 1024;

#[test]
fn waiting_for_a_connection_has_a_limit() {
    run(async {
        let (server, pool) = (Server::start().await, pool(|config| config.max_connections = Some(1)));
        let origin = server.origin();
        let held = send(&pool, get(&origin));
        let mut peer = server.accept().await;
        let error = send_within(&pool, get(&origin), Timeouts { pool: SHORT, ..FAR }).error().await;
        assert_eq!(error.kind(), ErrorKind::PoolTimeout);
        assert_eq!(error.message(), format!("no free connection for {origin} within 30 ms"));
        assert_eq!(format!("{pool:?}"), "<Pool 1 active, 0 queued | 0 idle>");
        peer.answer(OK).await;
        assert_eq!(held.text().await, "ok");
        assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 1 idle>");
    });
}

#[test]
fn connecting_has_a_limit_with_the_handshake_in_it() {
    run(async {
        let (server, pool) = (Server::start().await, pool(|config| config.tls.verify = Verify::Off));
        let origin = server.named("https", "127.0.0.1");
        // Long enough for the ClientHello to be sent: what is waited for is the answer to it.
        let connect = Some(Duration::from_millis(300));
        let sending = send_within(&pool, get(&origin), Timeouts { connect, ..FAR });
        let mut silent = server.accept().await;
        let error = sending.error().await;
        assert_eq!(error.kind(), ErrorKind::ConnectTimeout);
        assert_eq!(error.message(), format!("no connection to {origin} within 300 ms"));
        assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 0 idle>");
        // A ClientHello, then the end.
        assert!(!silent.rest().await.is_empty());
    });
}

#[test]
fn waiting_for_the_head_has_a_limit() {
    run(async {
        // Nothing at all, half a head, and an informational response, which is not the one that was asked for.
        for said in ["", "HTTP/1.1 200 OK\r\nContent-", "HTTP/1.1 103 Early Hints\r\n\r\n"] {
            let (server, pool) = (Server::start().await, pool(|_| ()));
            let sending = send_within(&pool, get(&server.origin()), Timeouts { read: SHORT, ..FAR });
            let mut peer = server.accept().await;
            peer.answer(said).await;
            let error = sending.error().await;
            assert_eq!(error.kind(), ErrorKind::ReadTimeout, "after {said:?}");
            assert_eq!(error.message(), format!("no data from {} for 30 ms", server.origin()));
            assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 0 idle>");
            peer.closed().await;
        }
    });
}

#[test]
fn waiting_for_more_of_the_body_has_a_limit() {
    run(async {
        let (server, pool) = (Server::start().await, pool(|_| ()));
        let sending = send_within(&pool, get(&server.origin()), Timeouts { read: SHORT, ..FAR });
        let mut peer = server.accept().await;
        peer.answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").await;
        let error = body_error(sending.response().await).await;
        assert_eq!(error.kind(), ErrorKind::ReadTimeout);
        assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 0 idle>");
        peer.closed().await;
    });
}

#[test]
fn a_reader_who_takes_his_time_is_not_timed() {
    run(async {
        let (server, pool) = (Server::start().await, pool(|_| ()));
        let sending = send_within(&pool, get(&server.origin()), Timeouts { read: SHORT, ..FAR });
        server.accept().await.answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789").await;
        let response = sending.response().await;
        sleep(Duration::from_millis(60)).await;
        assert_eq!(text(response).await, "0123456789");
    });
}

#[test]
fn every_byte_starts_the_read_timeout_anew() {
    run(async {
        let (server, pool) = (Server::start().await, pool(|_| ()));
        let timeouts = Timeouts { read: Some(Duration::from_millis(250)), ..FAR };
        let sending = send_within(&pool, get(&server.origin()), timeouts);
        let mut peer = server.accept().await;
        peer.head().await;
        spawn_local(async move {
            for byte in "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc".chars().map(String::from) {
                peer.write(&byte).await;
                sleep(Duration::from_millis(10)).await;
            }
            peer.rest().await;
        });
        assert_eq!(sending.text().await, "abc");
    });
}

#[test]
fn a_peer_that_takes_nothing_is_a_write_timeout() {
    run(async {
        let (server, pool) = (Server::start().await, pool(|_| ()));
        let upload = post(&server.origin(), vec![0; MUCH]);
        // What ran out is the write timeout, though the read timeout is as short.
        let sending = send_within(&pool, upload, Timeouts { write: SHORT, read: SHORT, ..FAR });
        let _full = server.accept().await;
        let error = sending.error().await;
        assert_eq!(error.kind(), ErrorKind::WriteTimeout);
        assert_eq!(error.message(), format!("{} took no data for 30 ms", server.origin()));
        assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 0 idle>");
    });
}

/// What the kernel takes at once, whatever its peer does.
const QUEUED: usize = 1024 * 1024;

#[cfg(target_os = "linux")]
#[test]
fn while_the_peer_takes_what_the_kernel_holds_nothing_is_overdue() {
    run(async {
        let (server, pool) = (Server::start_narrow().await, pool(|_| ()));
        let second = Some(Duration::from_secs(1));
        let timeouts = Timeouts { write: second, read: second, ..FAR };
        let sending = send_within(&pool, post(&server.origin(), vec![0; QUEUED]), timeouts);
        let mut stream = server.accept_tcp().await;
        let mut left = QUEUED;
        let mut buffer = vec![0; 16 * 1024];
        // Several times as long as either limit.
        while left > 0 {
            left = left.saturating_sub(stream.read(&mut buffer).await.expect("the client goes on"));
            sleep(Duration::from_millis(50)).await;
        }
        stream.write_all(OK.as_bytes()).await.expect("the client waits for it");
        assert_eq!(sending.text().await, "ok");
    });
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_kernel_holds_and_the_peer_does_not_take_is_a_write_timeout() {
    run(async {
        let (server, pool) = (Server::start_narrow().await, pool(|_| ()));
        let timeouts = Timeouts { write: Some(Duration::from_secs(1)), ..FAR };
        let sending = send_within(&pool, post(&server.origin(), vec![0; QUEUED]), timeouts);
        let _full = server.accept().await;
        assert_eq!(sending.kind().await, ErrorKind::WriteTimeout);
    });
}

#[test]
fn silence_after_an_upload_is_a_read_timeout() {
    run(async {
        let (server, pool) = (Server::start_narrow().await, pool(|_| ()));
        let timeouts = Timeouts { read: Some(Duration::from_secs(1)), ..FAR };
        let sending = send_within(&pool, post(&server.origin(), vec![0; QUEUED]), timeouts);
        let mut stream = server.accept_tcp().await;
        spawn_local(async move {
            let mut buffer = vec![0; 64 * 1024];
            while stream.read(&mut buffer).await.is_ok_and(|length| length > 0) {}
        });
        assert_eq!(sending.kind().await, ErrorKind::ReadTimeout);
    });
}

#[test]
fn a_producer_who_takes_his_time_is_not_the_peers_fault() {
    run(async {
        let (server, pool) = (Server::start().await, pool(|_| ()));
        let up = upload();
        let put = request(Method::PUT, &server.origin(), up.body);
        let sending = send_within(&pool, put, Timeouts { write: SHORT, read: SHORT, ..FAR });
        let mut peer = server.accept().await;
        peer.head().await;
        sleep(Duration::from_millis(100)).await;
        up.sender.push(Bytes::from_static(b"late"));
        up.sender.end();
        peer.expect("4\r\nlate\r\n0\r\n\r\n").await;
        peer.write(OK).await;
        assert_eq!(sending.text().await, "ok");
    });
}

#[test]
fn after_a_streamed_upload_the_read_timeout_runs() {
    run(async {
        for (length, wire) in [(None, "4\r\ndone\r\n0\r\n\r\n"), (Some(4), "done")] {
            let (server, pool, up) = (Server::start().await, pool(|_| ()), upload());
            let put = declaring(length, request(Method::PUT, &server.origin(), up.body));
            let sending = send_within(&pool, put, Timeouts { read: SHORT, ..FAR });
            let mut peer = server.accept().await;
            peer.head().await;
            up.sender.push(Bytes::from_static(b"done"));
            up.sender.end();
            peer.expect(wire).await;
            assert_eq!(sending.kind().await, ErrorKind::ReadTimeout);
        }
    });
}

#[test]
fn the_total_covers_every_phase() {
    run(async {
        let total = Timeouts { total: SHORT, ..FAR };
        // In the queue. The server does not call accept: the kernel completes the handshake.
        let (server, pool) = (Server::start().await, pool(|config| config.max_connections = Some(1)));
        let held = send(&pool, get(&server.origin()));
        let peer = server.accept().await;
        let error = send_within(&pool, get(&server.origin()), total).error().await;
        assert_eq!(error.kind(), ErrorKind::TotalTimeout);
        assert_eq!(error.message(), format!("{} did not finish within 30 ms in all", server.origin()));
        held.cancel().await;
        drop(peer);
        // While connecting.
        assert_eq!(
            send_within(&pool, get(&server.named("https", "127.0.0.1")), total).kind().await,
            ErrorKind::TotalTimeout
        );
        // While writing.
        let much = post(&server.origin(), vec![0; MUCH]);
        assert_eq!(send_within(&pool, much, total).kind().await, ErrorKind::TotalTimeout);
        // While the producer of a stream is slow.
        let up = upload();
        let put = request(Method::PUT, &server.origin(), up.body);
        assert_eq!(send_within(&pool, put, total).kind().await, ErrorKind::TotalTimeout);
        assert!(up.sender.is_stopped());
        // While waiting for the head.
        assert_eq!(send_within(&pool, get(&server.origin()), total).kind().await, ErrorKind::TotalTimeout);
        assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 0 idle>");
    });
}

#[test]
fn a_body_that_trickles_for_ever_ends_with_the_total() {
    run(async {
        let (server, pool) = (Server::start().await, pool(|_| ()));
        let total = Some(Duration::from_millis(300));
        let sending = send_within(&pool, get(&server.origin()), Timeouts { total, ..FAR });
        let mut peer = server.accept().await;
        peer.answer("HTTP/1.1 200 OK\r\n\r\n").await;
        let response = sending.response().await;
        spawn_local(async move {
            while peer.write("x").await {
                sleep(Duration::from_millis(5)).await;
            }
        });
        assert_eq!(body_error(response).await.kind(), ErrorKind::TotalTimeout);
        becomes(&pool, "<Pool 0 active, 0 queued | 0 idle>").await;
    });
}
