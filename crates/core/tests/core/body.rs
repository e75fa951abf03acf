//! Uploads: what is sent of them, when the producer is told to wait or to stop, and responses before the upload's end.

use crate::support::server::{OK, Peer, Server};
use crate::support::{Upload, becomes, declaring, pool, post, request, run, send, settle, text, until, upload};
use bytes::Bytes;
use http::Method;
use whippet_core::{ErrorKind, Origin, Request, RequestBody};

const EMPTY_POOL: &str = "<Pool 0 active, 0 queued | 0 idle>";
const ONE_IDLE: &str = "<Pool 0 active, 0 queued | 1 idle>";
const REFUSED: &str = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig";

fn put(origin: &Origin, body: &RequestBody) -> Request {
    request(Method::PUT, origin, body.clone())
}

fn chunk(bytes: usize) -> Bytes {
    Bytes::from(vec![b'x'; bytes])
}

/// Pushes as long as there is room; how many chunks that took.
fn fill(up: &Upload) -> usize {
    let mut pushed = 1;
    while up.sender.push(chunk(64 * 1024)) {
        pushed += 1;
    }
    pushed
}

#[test]
fn bytes_have_a_length_on_the_wire() {
    run(async {
        let (server, pool) = (Server::start().await, pool(|_| ()));
        let sending = send(&pool, post(&server.origin(), "the body"));
        let mut peer = server.accept().await;
        assert!(peer.head().await.contains("\r\nContent-Length: 8\r\n"));
        peer.expect("the body").await;
        peer.write(OK).await;
        assert_eq!(sending.text().await, "ok");
        assert_eq!(format!("{pool:?}"), ONE_IDLE);
    });
}

#[test]
fn a_stream_goes_out_as_it_is_pushed() {
    run(async {
        // Its length, the framing in the head, the pieces on the wire and the end.
        let cases = [
            (None, "Transfer-Encoding: chunked", ["5\r\nhello\r\n", "6\r\n world\r\n"], "0\r\n\r\n"),
            (Some(11), "Content-Length: 11", ["hello", " world"], ""),
        ];
        for (length, framing, pieces, end) in cases {
            let (server, pool, up) = (Server::start().await, pool(|_| ()), upload());
            let sending = send(&pool, declaring(length, put(&server.origin(), &up.body)));
            let mut peer = server.accept().await;
            let head = peer.head().await;
            assert!(head.contains(&format!("\r\n{framing}\r\n")), "{head}");
            for (data, piece) in ["hello", " world"].into_iter().zip(pieces) {
                assert!(up.sender.push(Bytes::from_static(data.as_bytes())));
                peer.expect(piece).await;
            }
            up.sender.end();
            peer.expect(end).await;
            peer.write(OK).await;
            assert_eq!(sending.text().await, "ok");
            assert_eq!(format!("{pool:?}"), ONE_IDLE);
            assert!(up.told.borrow().is_empty());
        }
    });
}

#[test]
fn an_empty_stream_is_an_empty_body() {
    run(async {
        for (length, framing, end) in
            [(None, "Transfer-Encoding: chunked", "0\r\n\r\n"), (Some(0), "Content-Length: 0", "")]
        {
            let (server, pool, up) = (Server::start().await, pool(|_| ()), upload());
            up.sender.end();
            let sending = send(&pool, declaring(length, put(&server.origin(), &up.body)));
            let mut peer = server.accept().await;
            let head = peer.head().await;
            assert!(head.contains(framing), "{head}");
            peer.expect(end).await;
            peer.write(OK).await;
            assert_eq!(sending.text().await, "ok");
            assert_eq!(format!("{pool:?}"), ONE_IDLE);
        }
    });
}

#[test]
fn a_full_stream_asks_its_producer_to_wait() {
    run(async {
        let (server, pool, up) = (Server::start().await, pool(|_| ()), upload());
        // 128 KiB are the mark; what is pushed beyond it is kept all the same.
        assert_eq!(fill(&up), 2);
        assert!(!up.sender.push(chunk(1)));
        assert!(up.told.borrow().is_empty());
        let sending = send(&pool, put(&server.origin(), &up.body));
        let mut peer = server.accept().await;
        peer.head().await;
        until("there is room again", || !up.told.borrow().is_empty()).await;
        assert_eq!(*up.told.borrow(), [false]);
        assert!(up.sender.push(chunk(1)));
        up.sender.end();
        let all: String = [64 * 1024, 64 * 1024, 1, 1].map(|n| format!("{n:X}\r\n{}\r\n", "x".repeat(n))).concat();
        peer.expect(&format!("{all}0\r\n\r\n")).await;
        peer.write(OK).await;
        assert_eq!(sending.text().await, "ok");
        // The end was taken: the producer has ended and is not told to stop.
        assert_eq!(*up.told.borrow(), [false]);
    });
}

#[test]
fn a_peer_that_reads_nothing_fills_the_stream() {
    run(async {
        let (server, pool, up) = (Server::start().await, pool(|_| ()), upload());
        let sending = send(&pool, put(&server.origin(), &up.body));
        let mut peer = server.accept().await;
        peer.head().await;
        let mut pushed = 0;
        // Until nothing is taken any more: the sockets' buffers, hyper's and the stream's are full.
        loop {
            pushed += fill(&up);
            let told = up.told.borrow().len();
            settle().await;
            if up.told.borrow().len() == told {
                break;
            }
            assert!(pushed < 10_000, "600 MB were pushed and no queue was full");
        }
        let told = up.told.borrow().len();
        let drain = tokio::task::spawn_local(async move {
            peer.skip_to("\r\n0\r\n\r\n").await;
            peer.write(OK).await;
        });
        until("there is room again", || up.told.borrow().len() > told).await;
        up.sender.end();
        assert_eq!(sending.text().await, "ok");
        drain.await.expect("no panic");
        assert!(up.told.borrow().iter().all(|stopped| !stopped));
    });
}

#[test]
fn a_producer_who_goes_away_aborts_the_request() {
    run(async {
        let (server, pool, up) = (Server::start().await, pool(|_| ()), upload());
        let sending = send(&pool, put(&server.origin(), &up.body));
        let mut peer = server.accept().await;
        peer.head().await;
        up.sender.push(Bytes::from_static(b"half"));
        peer.expect("4\r\nhalf\r\n").await;
        drop(up.sender);
        let error = sending.error().await;
        assert_eq!(error.kind(), ErrorKind::WriteError);
        // No last chunk: the server cannot take the half for the whole.
        peer.closed().await;
        assert_eq!(format!("{pool:?}"), EMPTY_POOL);
    });
}

#[test]
fn a_stream_keeps_to_its_declared_length() {
    run(async {
        for (data, message) in [
            ("12345", "Too little data for the declared Content-Length: 5 bytes of 6"),
            ("1234567", "Too much data for the declared Content-Length of 6"),
        ] {
            let (server, pool, up) = (Server::start().await, pool(|_| ()), upload());
            let sending = send(&pool, declaring(Some(6), put(&server.origin(), &up.body)));
            let mut peer = server.accept().await;
            peer.head().await;
            up.sender.push(Bytes::from_static(data.as_bytes()));
            up.sender.end();
            let error = sending.error().await;
            assert_eq!(error.kind(), ErrorKind::LocalProtocolError);
            assert!(error.message().starts_with(message), "{error}");
            assert!(peer.rest().await.len() < 6, "the server never has a whole body");
            assert_eq!(format!("{pool:?}"), EMPTY_POOL);
        }
    });
}

#[test]
fn a_request_that_fails_tells_the_producer_to_stop() {
    run(async {
        let (origin, pool, up) = (crate::support::server::refusing().await, pool(|_| ()), upload());
        assert_eq!(send(&pool, put(&origin, &up.body)).kind().await, ErrorKind::ConnectError);
        assert!(up.sender.is_stopped());
        assert_eq!(*up.told.borrow(), [true]);
        // Chunks pushed after the stop are dropped and take no memory.
        assert!((0..100).all(|_| up.sender.push(chunk(64 * 1024))));
    });
}

/// An upload that has begun, at the moment when the server may answer.
async fn begun(server: &Server, up: &Upload) -> (crate::support::Sending, Peer, whippet_core::Client) {
    let pool = pool(|_| ());
    let sending = send(&pool, put(&server.origin(), &up.body));
    let mut peer = server.accept().await;
    peer.head().await;
    up.sender.push(Bytes::from_static(b"part"));
    peer.expect("4\r\npart\r\n").await;
    (sending, peer, pool)
}

#[test]
fn a_refusal_during_the_upload_is_the_answer() {
    run(async {
        // The server closes with it, or it goes on reading.
        for closes in [true, false] {
            let (server, up) = (Server::start().await, upload());
            let (sending, mut peer, pool) = begun(&server, &up).await;
            peer.write(REFUSED).await;
            let rest = match closes {
                true => None,
                false => Some(tokio::task::spawn_local(async move { peer.rest().await })),
            };
            let response = sending.response().await;
            assert_eq!(response.head.status, 413);
            assert!(up.sender.is_stopped());
            assert_eq!(*up.told.borrow(), [true]);
            up.sender.push(Bytes::from_static(b"more"));
            up.sender.end();
            assert_eq!(text(response).await, "big");
            // A half-sent request is no place for another to begin.
            assert_eq!(format!("{pool:?}"), EMPTY_POOL);
            if let Some(rest) = rest {
                assert_eq!(rest.await.expect("no panic"), b"", "neither more of the body nor its end");
            }
        }
    });
}

#[test]
fn a_refusal_is_read_though_the_server_takes_nothing_more() {
    run(async {
        // Closing with unread data in the buffer is a reset on the wire: writing fails, and the answer is there.
        let (server, pool) = (Server::start().await, pool(|_| ()));
        let sending = send(&pool, post(&server.origin(), vec![0; 32 * 1024 * 1024]));
        let mut peer = server.accept().await;
        peer.answer("HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig").await;
        drop(peer);
        let response = sending.response().await;
        assert_eq!(response.head.status, 413);
        assert_eq!(text(response).await, "big");
        assert_eq!(format!("{pool:?}"), EMPTY_POOL);
    });
}

#[test]
fn a_write_that_fails_without_an_answer_is_a_write_error() {
    run(async {
        let (server, pool) = (Server::start().await, pool(|_| ()));
        let sending = send(&pool, post(&server.origin(), vec![0; 32 * 1024 * 1024]));
        let mut peer = server.accept().await;
        peer.head().await;
        peer.reset();
        let error = sending.error().await;
        assert_eq!(error.kind(), ErrorKind::WriteError, "{error}");
        assert!(["ECONNRESET", "EPIPE"].contains(&error.code().unwrap_or_default()), "{error}");
        becomes(&pool, EMPTY_POOL).await;
    });
}

#[test]
fn a_success_during_the_upload_lets_it_go_on() {
    run(async {
        let (server, up) = (Server::start().await, upload());
        let (sending, mut peer, pool) = begun(&server, &up).await;
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n").await;
        let response = sending.response().await;
        assert!(!up.sender.is_stopped());
        up.sender.push(Bytes::from_static(b"rest"));
        up.sender.end();
        peer.expect("4\r\nrest\r\n0\r\n\r\n").await;
        peer.write("done").await;
        assert_eq!(text(response).await, "done");
        assert!(up.told.borrow().is_empty());
        assert_eq!(format!("{pool:?}"), ONE_IDLE);
    });
}

#[test]
fn a_cancelled_upload_stops_its_producer() {
    run(async {
        let (server, up) = (Server::start().await, upload());
        let (sending, mut peer, pool) = begun(&server, &up).await;
        sending.cancel().await;
        assert_eq!(*up.told.borrow(), [true]);
        assert_eq!(format!("{pool:?}"), EMPTY_POOL);
        peer.closed().await;
    });
}

#[test]
fn a_response_that_is_whole_before_the_upload_ends_the_connection() {
    run(async {
        let (server, up) = (Server::start().await, upload());
        let (sending, mut peer, pool) = begun(&server, &up).await;
        peer.write(OK).await;
        assert_eq!(sending.text().await, "ok");
        assert_eq!(*up.told.borrow(), [true]);
        assert_eq!(format!("{pool:?}"), EMPTY_POOL);
        peer.closed().await;
    });
}
