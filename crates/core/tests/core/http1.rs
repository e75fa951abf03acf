//! What goes on the wire, and what is made of what comes back.

use crate::support::server::{OK, Server};
use crate::support::{becomes, body_error, get, pool, read, request, run, send, text};
use bytes::Bytes;
use http::Method;
use std::sync::{Arc, Mutex};
use whippet_core::{ErrorKind, FieldLines, Request, RequestBody, Version};

fn with_fields(request: Request, text: &'static [u8]) -> Request {
    Request { fields: FieldLines::new(Bytes::from_static(text)), ..request }
}

const EMPTY_POOL: &str = "<Pool 0 active, 0 queued | 0 idle>";
const ONE_IDLE: &str = "<Pool 0 active, 0 queued | 1 idle>";

#[test]
fn a_request_is_written_as_it_was_given() {
    run(async {
        // Method, target, header lines, the head on the wire.
        let cases: [(&str, &str, &'static [u8], &str); 6] = [
            ("GET", "/a?b=c", b"host\nexample.org\nAccept\n*/*\n", "host: example.org\r\nAccept: */*\r\n"),
            ("GET", "/", b"X-two\n2\nx-oNe\n1\nHost\nh\nx-two\n3\n", "Host: h\r\nX-two: 2\r\nx-oNe: 1\r\nx-two: 3\r\n"),
            ("OPTIONS", "*", b"Host\nh\n", "Host: h\r\n"),
            ("OPTIONS", "http://other", b"Host\nother\n", "Host: other\r\n"),
            ("GET", "http://other/path", b"Host\nother\n", "Host: other\r\n"),
            ("BREW", "/%7Epot;x=1?q=%20", b"Host\nh\nX-Empty\n\n", "Host: h\r\nX-Empty: \r\n"),
        ];
        for (method, target, fields, lines) in cases {
            let (server, pool) = (Server::start().await, pool(|_| ()));
            let method = Method::from_bytes(method.as_bytes()).expect("a token");
            let request = Request {
                target: Bytes::from_static(target.as_bytes()),
                ..with_fields(request(method.clone(), &server.origin(), RequestBody::Empty), fields)
            };
            let sending = send(&pool, request);
            let head = server.accept().await.answer(OK).await;
            assert_eq!(head, format!("{method} {target} HTTP/1.1\r\n{lines}\r\n"));
            assert_eq!(sending.text().await, "ok");
        }
    });
}

#[test]
fn host_is_added_where_it_is_missing() {
    run(async {
        let (server, pool) = (Server::start().await, pool(|_| ()));
        let sending = send(&pool, get(&server.origin()));
        let head = server.accept().await.answer(OK).await;
        assert_eq!(head, format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", server.origin().authority()));
        assert_eq!(sending.text().await, "ok");
    });
}

#[test]
fn what_cannot_be_written_is_refused_and_nothing_is_sent() {
    run(async {
        // The header lines, or the target.
        let lines: [&'static [u8]; 4] = [b"x-a\n1\r\n", b"x a\n1\n", b"x-a\n\0\n", b"x-a\r\nx-b\n1\n"];
        let (server, pool) = (Server::start().await, pool(|_| ()));
        let mut refused: Vec<Request> =
            lines.into_iter().map(|text| with_fields(get(&server.origin()), text)).collect();
        for target in ["/a b", "/\r\nX-Injected: 1", "/\0"] {
            refused.push(Request { target: Bytes::from_static(target.as_bytes()), ..get(&server.origin()) });
        }
        for request in refused {
            let what = format!("{:?} {:?}", request.target, request.fields.to_map().is_ok());
            assert_eq!(send(&pool, request).kind().await, ErrorKind::LocalProtocolError, "{what}");
            server.accept().await.closed().await;
            assert_eq!(format!("{pool:?}"), EMPTY_POOL, "{what}");
        }
    });
}

#[test]
fn the_head_is_there_as_it_came() {
    run(async {
        let (server, pool) = (Server::start().await, pool(|_| ()));
        let sending = send(&pool, get(&server.origin()));
        let reply = b"HTTP/1.1 299 Quite well\r\nX-One: 1\r\nx-two: \xe9 \r\nX-ONE: 2\r\nContent-Length: 0\r\n\r\n";
        let mut peer = server.accept().await;
        peer.head().await;
        peer.write(reply).await;
        let head = sending.response().await.head;
        assert_eq!((head.status, head.version), (299, Version::Http11));
        assert_eq!(head.reason.as_deref(), Some(&b"Quite well"[..]));
        assert_eq!(head.fields.as_bytes(), b"X-One\n1\nx-two\n\xe9\nX-ONE\n2\nContent-Length\n0\n");
    });
}

#[test]
fn responses_end_where_the_rfc_says() {
    run(async {
        // Method, reply, body, idle connections afterwards. RFC 9112 section 6.3.
        let cases = [
            ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", 1),
            ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", 1),
            ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", "ok", 1),
            ("GET", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", "ok", 1),
            ("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;x=y\r\nk\r\n0\r\n\r\n", "ok", 1),
            ("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "ok", 1),
            ("GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", "ok", 0),
            ("GET", "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nok", "ok", 0),
            ("GET", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", 0),
            ("GET", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", "ok", 1),
            ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "", 1),
            ("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "", 1),
            ("HEAD", "HTTP/1.1 404 Not Found\r\n\r\n", "", 1),
            ("GET", "HTTP/1.1 204 No Content\r\n\r\n", "", 1),
            ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "", 1),
            ("GET", "HTTP/1.1 304 Not Modified\r\n\r\n", "", 1),
        ];
        for (method, reply, body, idle) in cases {
            let (server, pool) = (Server::start().await, pool(|_| ()));
            let method = Method::from_bytes(method.as_bytes()).expect("a token");
            let sending = send(&pool, request(method, &server.origin(), RequestBody::Empty));
            let mut peer = server.accept().await;
            peer.answer(reply).await;
            assert_eq!(sending.text().await, body, "{reply}");
            assert_eq!(format!("{pool:?}"), format!("<Pool 0 active, 0 queued | {idle} idle>"), "{reply}");
            if idle == 0 {
                peer.closed().await;
            } else {
                let next = send(&pool, get(&server.origin()));
                peer.answer(OK).await;
                assert_eq!(next.text().await, "ok", "{reply}");
            }
        }
    });
}

#[test]
fn a_response_without_length_ends_with_the_connection() {
    run(async {
        for version in ["HTTP/1.0", "HTTP/1.1"] {
            let (server, pool) = (Server::start().await, pool(|_| ()));
            let sending = send(&pool, get(&server.origin()));
            let mut peer = server.accept().await;
            peer.answer(&format!("{version} 200 OK\r\nConnection: keep-alive\r\n\r\nto the end")).await;
            drop(peer);
            assert_eq!(sending.text().await, "to the end");
            becomes(&pool, EMPTY_POOL).await;
        }
    });
}

#[test]
fn what_is_cut_short_is_an_error() {
    run(async {
        // The reply before the connection ends, the end of the message, and whether the head is there.
        let cases = [
            ("", "Server disconnected without sending a response.", false),
            ("HTTP/1.1 200 OK\r\nContent-Le", "closed the connection in the middle of the response head", false),
            ("HTTP/1.1 200 OK\r\nA: b\r\n", "closed the connection in the middle of the response head", false),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
                "peer closed connection without sending complete message body (received 4 bytes, expected 10)",
                true,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
                "peer closed connection without sending complete message body (incomplete chunked read)",
                true,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nha",
                "peer closed connection without sending complete message body (incomplete chunked read)",
                true,
            ),
        ];
        for (reply, message, has_head) in cases {
            let (server, pool) = (Server::start().await, pool(|_| ()));
            let sending = send(&pool, get(&server.origin()));
            server.accept().await.answer(reply).await;
            let error = match has_head {
                true => body_error(sending.response().await).await,
                false => sending.error().await,
            };
            assert_eq!(error.kind(), ErrorKind::RemoteProtocolError, "{reply:?}: {error}");
            assert!(error.message().ends_with(message), "{reply:?}: {error}");
            assert!(error.message().contains(&server.origin().to_string()), "{reply:?}: {error}");
            assert_eq!(format!("{pool:?}"), EMPTY_POOL);
        }
    });
}

#[test]
fn a_reset_is_a_read_error() {
    run(async {
        for (reply, has_head) in [("", false), ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", true)] {
            let (server, pool) = (Server::start().await, pool(|_| ()));
            let sending = send(&pool, get(&server.origin()));
            let mut peer = server.accept().await;
            peer.answer(reply).await;
            let error = match has_head {
                true => {
                    let response = sending.response().await;
                    peer.reset();
                    body_error(response).await
                }
                false => {
                    peer.reset();
                    sending.error().await
                }
            };
            assert_eq!((error.kind(), error.code()), (ErrorKind::ReadError, Some("ECONNRESET")), "{error}");
            assert_eq!(format!("{pool:?}"), EMPTY_POOL);
        }
    });
}

#[test]
fn replies_that_are_no_http_or_could_be_read_in_two_ways_are_refused() {
    run(async {
        const BODY: &str = "\r\n\r\n2\r\nok\r\n0\r\n\r\n";
        let heads = [
            "SSH-2.0-OpenSSH_9.2",
            "HTTP/1.1 20 OK",
            "HTTP/1.1 2x0 OK",
            "HTTP/1.1 1000 OK",
            "HTTP/2.0 200 OK",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3",
            "HTTP/1.1 200 OK\r\nContent-Length: 2, 3",
            "HTTP/1.1 200 OK\r\nContent-Length: +2",
            "HTTP/1.1 200 OK\r\nContent-Length: -1",
            "HTTP/1.1 200 OK\r\nContent-Length: 0x2",
            "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551618",
            "HTTP/1.1 200 OK\r\nContent-Length : 2",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, identity",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: \"chunked\"",
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked",
            "HTTP/1.1 200 OK\r\nno colon",
            "HTTP/1.1 200 OK\r\nX-A: nul\0nul",
            "HTTP/1.1 200 OK\r\nX\u{a0}A: 1",
        ];
        for head in heads {
            let (server, pool) = (Server::start().await, pool(|_| ()));
            let sending = send(&pool, get(&server.origin()));
            let mut peer = server.accept().await;
            peer.answer(&format!("{head}{BODY}")).await;
            let error = sending.error().await;
            assert_eq!(error.kind(), ErrorKind::RemoteProtocolError, "{head}: {error}");
            assert_eq!(format!("{pool:?}"), EMPTY_POOL, "{head}");
            peer.closed().await;
        }
    });
}

#[test]
fn chunks_that_are_none_are_refused() {
    run(async {
        let long_extension = format!("2;{}\r\nok\r\n", "x".repeat(100_000));
        let long_trailer = format!("0\r\nX: {}\r\n", "x".repeat(100_000));
        let bodies = [
            long_extension.as_str(),
            long_trailer.as_str(),
            "x\r\n",
            "0x2\r\nok\r\n",
            "+2\r\nok\r\n",
            "-2\r\nok\r\n",
            "\r\nok\r\n",
            "2\r\nokXX",
            "2\nok\r\n",
            "10000000000000000\r\n",
        ];
        for body in bodies {
            let (server, pool) = (Server::start().await, pool(|_| ()));
            let sending = send(&pool, get(&server.origin()));
            let mut peer = server.accept().await;
            peer.answer(&format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}0\r\n\r\n")).await;
            let error = body_error(sending.response().await).await;
            assert_eq!(error.kind(), ErrorKind::RemoteProtocolError, "{body:?}: {error}");
            assert_eq!(format!("{pool:?}"), EMPTY_POOL, "{body:?}");
            peer.closed().await;
        }
    });
}

#[test]
fn both_framings_at_once_end_the_connection() {
    run(async {
        // RFC 9112 section 6.3: Transfer-Encoding wins, and the connection is not trusted any further.
        let (server, pool) = (Server::start().await, pool(|_| ()));
        let sending = send(&pool, get(&server.origin()));
        let mut peer = server.accept().await;
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nTransfer-Encoding: chunked\r\n\r\n";
        peer.answer(&format!("{head}2\r\nok\r\n0\r\n\r\n")).await;
        assert_eq!(sending.text().await, "ok");
        assert_eq!(format!("{pool:?}"), EMPTY_POOL);
        peer.closed().await;
    });
}

#[test]
fn heads_have_a_size() {
    run(async {
        let flood = |lines: usize, value: usize| {
            let line = format!("X: {}\r\n", "v".repeat(value));
            format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n{}\r\nok", line.repeat(lines))
        };
        let long_reason = format!("HTTP/1.1 200 {}\r\nContent-Length: 2\r\n\r\nok", "r".repeat(2_000_000));
        for reply in [flood(2_001, 1), flood(1, 1_000_000), flood(10_000, 100), long_reason] {
            let (server, pool) = (Server::start().await, pool(|_| ()));
            let sending = send(&pool, get(&server.origin()));
            let mut peer = server.accept().await;
            peer.answer(&reply).await;
            assert_eq!(sending.kind().await, ErrorKind::RemoteProtocolError, "{} bytes", reply.len());
            becomes(&pool, EMPTY_POOL).await;
        }
    });
}

#[test]
fn trailers_come_after_the_body() {
    run(async {
        let (server, pool) = (Server::start().await, pool(|_| ()));
        let sending = send(&pool, get(&server.origin()));
        let head = "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n";
        let mut peer = server.accept().await;
        peer.answer(&format!("{head}2\r\nok\r\n0\r\nX-Sum: 42\r\n\r\n")).await;
        let mut response = sending.response().await;
        let (body, trailers) = read(&mut response).await.expect("a whole body");
        assert_eq!(body, "ok");
        assert_eq!(trailers.expect("trailers").get_all("x-sum").collect::<Vec<_>>(), [b"42"]);
        assert_eq!(format!("{pool:?}"), ONE_IDLE);
    });
}

#[test]
fn informational_responses_are_told_and_the_final_one_is_the_answer() {
    run(async {
        let (server, pool) = (Server::start().await, pool(|_| ()));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let listener = heard.clone();
        let handler = move |status: http::StatusCode, fields: &FieldLines| {
            let link = fields.get_all("link").next().map(|value| String::from_utf8_lossy(value).into_owned());
            listener.lock().expect("no panic").push((status.as_u16(), link));
        };
        let sending = send(&pool, Request { on_informational: Some(Arc::new(handler)), ..get(&server.origin()) });
        let early = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
        let mut peer = server.accept().await;
        peer.answer(&format!("{early}{OK}")).await;
        let response = sending.response().await;
        assert_eq!(response.head.status, 200);
        assert!(!response.head.fields.has("link"));
        assert_eq!(text(response).await, "ok");
        assert_eq!(*heard.lock().expect("no panic"), [(100, None), (103, Some("</a>".to_owned()))]);
        assert_eq!(format!("{pool:?}"), ONE_IDLE);
    });
}

#[test]
fn informational_responses_without_end_are_an_error() {
    run(async {
        let (server, pool) = (Server::start().await, pool(|_| ()));
        let sending = send(&pool, get(&server.origin()));
        let mut peer = server.accept().await;
        peer.head().await;
        let hints = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n".repeat(100);
        while peer.write(&hints).await {}
        let error = sending.error().await;
        assert_eq!(error.kind(), ErrorKind::RemoteProtocolError);
        assert!(error.message().ends_with("bytes before the final response"), "{error}");
        assert_eq!(format!("{pool:?}"), EMPTY_POOL);
    });
}
