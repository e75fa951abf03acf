//! Which request may use which connection, which one waits, and what frees a slot.

use crate::support::server::{OK, Server, refusing};
use crate::support::{becomes, get, pool, run, send, text};
use std::cell::RefCell;
use std::rc::Rc;
use tokio::task::spawn_local;
use whippet_core::{Client, ErrorKind, Origin};

/// A response whose end the test decides: the connection is in use until the body was read.
async fn hold(pool: &Client, origin: &Origin) -> whippet_core::Response {
    send(pool, get(origin)).response().await
}

#[test]
fn the_limit_of_connections_makes_requests_wait() {
    run(async {
        let (server, pool) = (Server::start().await, pool(|config| config.max_connections = Some(2)));
        let origin = server.origin();
        let first = send(&pool, get(&origin));
        let (mut a, second) = (server.accept().await, send(&pool, get(&origin)));
        let (mut b, third) = (server.accept().await, send(&pool, get(&origin)));
        becomes(&pool, "<Pool 2 active, 1 queued | 0 idle>").await;
        assert!(server.is_left_alone().await);
        b.answer(OK).await;
        assert_eq!(second.text().await, "ok");
        // The third has got the connection of the second.
        b.answer(OK).await;
        assert_eq!(third.text().await, "ok");
        assert_eq!(format!("{pool:?}"), "<Pool 1 active, 0 queued | 1 idle>");
        a.answer(OK).await;
        assert_eq!(first.text().await, "ok");
        assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 2 idle>");
    });
}

#[test]
fn the_limit_per_origin_holds_back_that_origin_only() {
    run(async {
        let pool = pool(|config| config.max_connections_per_origin = Some(1));
        let (one, two) = (Server::start().await, Server::start().await);
        let held = send(&pool, get(&one.origin()));
        let mut peer = one.accept().await;
        let waiting = send(&pool, get(&one.origin()));
        becomes(&pool, "<Pool 1 active, 1 queued | 0 idle>").await;
        let other = send(&pool, get(&two.origin()));
        two.accept().await.answer(OK).await;
        assert_eq!(other.text().await, "ok");
        assert!(one.is_left_alone().await);
        peer.answer(OK).await;
        assert_eq!(held.text().await, "ok");
        peer.answer(OK).await;
        assert_eq!(waiting.text().await, "ok");
    });
}

#[test]
fn the_stats_say_the_same_as_the_debug_line() {
    run(async {
        let (server, pool) = (Server::start().await, pool(|config| config.max_connections = Some(1)));
        let (origin, stats) = (server.origin(), pool.stats());
        let read = || (stats.active(), stats.queued(), stats.idle());
        server.answer_all(OK);
        assert_eq!(read(), (0, 0, 0));
        let held = hold(&pool, &origin).await;
        let waiting = send(&pool, get(&origin));
        becomes(&pool, "<Pool 1 active, 1 queued | 0 idle>").await;
        assert_eq!(read(), (1, 1, 0));
        assert_eq!((text(held).await, waiting.text().await), ("ok".to_owned(), "ok".to_owned()));
        assert_eq!(read(), (0, 0, 1));
        pool.close();
        assert_eq!(read(), (0, 0, 0));
    });
}

#[test]
fn the_queue_is_served_in_order_over_all_origins() {
    run(async {
        let pool = pool(|config| config.max_connections = Some(1));
        let (one, two) = (Server::start().await, Server::start().await);
        let origins = [one.origin(), two.origin()];
        one.answer_all(OK);
        two.answer_all(OK);
        let held = hold(&pool, &origins[0]).await;
        let served = Rc::new(RefCell::new(Vec::new()));
        let asked = [1, 0, 1, 1, 0];
        let tasks: Vec<_> = asked
            .iter()
            .map(|which| {
                let (sending, served, which) = (send(&pool, get(&origins[*which])), served.clone(), *which);
                spawn_local(async move {
                    let response = sending.response().await;
                    served.borrow_mut().push(which);
                    text(response).await
                })
            })
            .collect();
        becomes(&pool, "<Pool 1 active, 5 queued | 0 idle>").await;
        text(held).await;
        for task in tasks {
            assert_eq!(task.await.expect("no panic"), "ok");
        }
        assert_eq!(*served.borrow(), asked);
        assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 1 idle>");
    });
}

#[test]
fn a_cancelled_waiter_leaves_the_queue_and_frees_nothing() {
    run(async {
        let (server, pool) = (Server::start().await, pool(|config| config.max_connections = Some(1)));
        let origin = server.origin();
        let connections = server.answer_all(OK);
        let held = hold(&pool, &origin).await;
        let (first, second) = (send(&pool, get(&origin)), send(&pool, get(&origin)));
        becomes(&pool, "<Pool 1 active, 2 queued | 0 idle>").await;
        first.cancel().await;
        assert_eq!(format!("{pool:?}"), "<Pool 1 active, 1 queued | 0 idle>");
        text(held).await;
        assert_eq!(second.text().await, "ok");
        assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 1 idle>");
        assert_eq!(connections.count(), 1);
    });
}

#[test]
fn a_waiter_cancelled_as_it_is_served_passes_its_place_on() {
    run(async {
        let (server, pool) = (Server::start().await, pool(|config| config.max_connections = Some(1)));
        let origin = server.origin();
        server.answer_all(OK);
        let held = hold(&pool, &origin).await;
        let (first, second) = (send(&pool, get(&origin)), send(&pool, get(&origin)));
        becomes(&pool, "<Pool 1 active, 2 queued | 0 idle>").await;
        // Dropping a body closes its connection and grants the place, all before the waiter runs.
        drop(held);
        first.cancel().await;
        assert_eq!(second.text().await, "ok");
        assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 1 idle>");
    });
}

#[test]
fn an_idle_connection_of_another_origin_makes_room() {
    run(async {
        let pool = pool(|config| config.max_connections = Some(1));
        let (one, two) = (Server::start().await, Server::start().await);
        let first = send(&pool, get(&one.origin()));
        let mut peer = one.accept().await;
        peer.answer(OK).await;
        assert_eq!(first.text().await, "ok");
        let second = send(&pool, get(&two.origin()));
        peer.closed().await;
        two.accept().await.answer(OK).await;
        assert_eq!(second.text().await, "ok");
    });
}

#[test]
fn close_ends_idle_connections_now_and_the_others_when_they_are_done() {
    run(async {
        let (server, pool) = (Server::start().await, pool(|config| config.max_connections = Some(2)));
        let origin = server.origin();
        let (first, second) = (send(&pool, get(&origin)), send(&pool, get(&origin)));
        let (mut a, mut b) = (server.accept().await, server.accept().await);
        a.answer(OK).await;
        assert_eq!(first.text().await, "ok");
        pool.close();
        assert_eq!(format!("{pool:?}"), "<Pool 1 active, 0 queued | 0 idle>");
        a.closed().await;
        assert!(b.answer(OK).await.starts_with("GET / HTTP/1.1\r\n"));
        assert_eq!(second.text().await, "ok");
        assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 0 idle>");
        b.closed().await;
        pool.close();
    });
}

#[test]
fn a_request_that_waits_when_the_pool_is_closed_is_still_served() {
    run(async {
        let (server, pool) = (Server::start().await, pool(|config| config.max_connections = Some(1)));
        let origin = server.origin();
        server.answer_all(OK);
        let held = hold(&pool, &origin).await;
        let waiting = send(&pool, get(&origin));
        becomes(&pool, "<Pool 1 active, 1 queued | 0 idle>").await;
        pool.close();
        assert_eq!((text(held).await, waiting.text().await), ("ok".to_owned(), "ok".to_owned()));
        assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 0 idle>");
    });
}

#[test]
fn a_connection_that_cannot_be_made_frees_its_place() {
    run(async {
        let pool = pool(|config| config.max_connections = Some(1));
        let (server, absent) = (Server::start().await, refusing().await);
        let origin = server.origin();
        server.answer_all(OK);
        let (refused, waiting) = (send(&pool, get(&absent)), send(&pool, get(&origin)));
        let error = refused.error().await;
        assert_eq!((error.kind(), error.code()), (ErrorKind::ConnectError, Some("ECONNREFUSED")));
        assert_eq!(error.message(), format!("cannot connect to {absent}: connection refused"));
        assert_eq!(waiting.text().await, "ok");
        assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 1 idle>");
    });
}

#[test]
fn a_cancelled_request_closes_its_connection() {
    run(async {
        // Before the head, and in the middle of the body.
        for with_head in [false, true] {
            let (server, pool) = (Server::start().await, pool(|_| ()));
            let sending = send(&pool, get(&server.origin()));
            let mut peer = server.accept().await;
            peer.head().await;
            match with_head {
                true => {
                    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").await;
                    drop(sending.response().await);
                }
                false => sending.cancel().await,
            }
            assert_eq!(format!("{pool:?}"), "<Pool 0 active, 0 queued | 0 idle>");
            peer.closed().await;
        }
    });
}

#[test]
fn a_request_cancelled_while_connecting_frees_its_place() {
    run(async {
        let (server, pool) = (Server::start().await, pool(|config| config.max_connections = Some(1)));
        let (secure, plain) = (server.named("https", "127.0.0.1"), server.origin());
        let connecting = send(&pool, get(&secure));
        // No answer to the ClientHello.
        let _silent = server.accept().await;
        let waiting = send(&pool, get(&plain));
        becomes(&pool, "<Pool 1 active, 1 queued | 0 idle>").await;
        connecting.cancel().await;
        server.accept().await.answer(OK).await;
        assert_eq!(waiting.text().await, "ok");
    });
}
