use super::parse::{MAX_LINE_COUNT, USUAL_LINE_COUNT};
use super::*;
use bytes::Bytes;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn begin(heads: &Heads, on_informational: Option<InformationalHandler>) {
    let head = Http1Head { bytes: b"GET /real HTTP/1.1\r\nhOST: h\r\n\r\n".to_vec(), framing: http::HeaderMap::new() };
    heads.begin(head, on_informational, None);
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, work)
}

/// What hyper reads when this comes, in pieces of so many bytes, and the final response's head.
fn read(came: &[u8], pieces: usize) -> Result<(String, Head), String> {
    let (ours, mut theirs) = tokio::io::duplex(pieces);
    let came = came.to_vec();
    run(async move {
        let (wire, heads) = Wire::new(ours);
        begin(&heads, None);
        let mut wire = tokio::io::BufReader::with_capacity(8192, wire);
        tokio::task::spawn_local(async move { theirs.write_all(&came).await });
        let mut heard = Vec::new();
        wire.read_to_end(&mut heard).await.map_err(|error| error.to_string())?;
        let heard = String::from_utf8(heard).expect("ASCII");
        heads.take_response().map(|head| (heard, head)).ok_or_else(|| "no head".to_owned())
    })
}

#[test]
fn lines_are_as_they_came_and_hyper_is_told_what_frames_the_body() {
    let cases = [
        ("HTTP/1.1 200 OK\r\n\r\n", "", "HTTP/1.1 200\n\n"),
        ("HTTP/1.1 200\r\n\r\nbody", "", "HTTP/1.1 200\n\nbody"),
        ("HTTP/1.0 404 Not Found\nA:1\n\nb", "A\n1\n", "HTTP/1.0 404\n\nb"),
        (
            "HTTP/1.1 200 OK\r\nX-Via: 1\r\nETag: \"a\"\r\nX-VIA:  2 \r\ncontent-length: 2\r\n\r\nok",
            "X-Via\n1\nETag\n\"a\"\nX-VIA\n2\ncontent-length\n2\n",
            "HTTP/1.1 200\nContent-Length:2\n\nok",
        ),
        (
            "HTTP/1.1 200 OK\r\nTRANSFER-ENCODING: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
            "TRANSFER-ENCODING\nchunked\nConnection\nclose\n",
            "HTTP/1.1 200\nTransfer-Encoding:chunked\nConnection:close\n\n0\r\n\r\n",
        ),
        // RFC 9112 section 5.2.
        ("HTTP/1.1 200 OK\r\nCSP: a;\r\n  b;\r\n\tc \r\nB: 1\r\n\r\n", "CSP\na; b; c\nB\n1\n", "HTTP/1.1 200\n\n"),
        ("HTTP/1.1 200 OK\r\nEmpty:\r\n \r\n x\r\n\r\n", "Empty\nx\n", "HTTP/1.1 200\n\n"),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: 1\r\n\r\nHTTP/1.1 204 No Content\r\nB: 2\r\n\r\n",
            "B\n2\n",
            "HTTP/1.1 204\n\n",
        ),
    ];
    for (came, lines, hypers) in cases {
        for pieces in [1, 2, 7, came.len()] {
            let (heard, head) = read(came.as_bytes(), pieces).expect(came);
            assert_eq!(head.fields.as_bytes(), lines.as_bytes(), "{came:?} by {pieces}");
            assert_eq!(heard, hypers, "{came:?} by {pieces}");
        }
    }
}

#[test]
fn a_head_that_came_before_is_read_as_it_was_then() {
    let first = "HTTP/1.1 200 OK\r\nDate: 1\r\nContent-Length: 2\r\n\r\n";
    let responses = [
        (first, "Date\n1\nContent-Length\n2\n", "HTTP/1.1 200\nContent-Length:2\n\n"),
        (first, "Date\n1\nContent-Length\n2\n", "HTTP/1.1 200\nContent-Length:2\n\n"),
        // The same but for its end.
        (
            "HTTP/1.1 200 OK\r\nDate: 1\r\nContent-Length: 2\r\nA: 1\r\n\r\n",
            "Date\n1\nContent-Length\n2\nA\n1\n",
            "HTTP/1.1 200\nContent-Length:2\n\n",
        ),
        (first, "Date\n1\nContent-Length\n2\n", "HTTP/1.1 200\nContent-Length:2\n\n"),
        (
            "HTTP/1.1 103 Early Hints\r\nA: 1\r\n\r\nHTTP/1.1 200 OK\r\nDate: 1\r\nContent-Length: 2\r\n\r\n",
            "Date\n1\nContent-Length\n2\n",
            "HTTP/1.1 200\nContent-Length:2\n\n",
        ),
        ("HTTP/1.0 200 OK\r\nDate: 1\r\n\r\n", "Date\n1\n", "HTTP/1.0 200\n\n"),
    ];
    for body in ["ok", "HT"] {
        run(async {
            let (ours, mut theirs) = tokio::io::duplex(4096);
            let (mut wire, heads) = Wire::new(ours);
            for (came, lines, hypers) in responses {
                begin(&heads, None);
                theirs.write_all(format!("{came}{body}").as_bytes()).await.expect("room");
                let mut heard = vec![0; hypers.len() + body.len()];
                wire.read_exact(&mut heard).await.expect("as many bytes");
                assert_eq!(heard, format!("{hypers}{body}").as_bytes(), "{came:?}");
                let head = heads.take_response().expect("a head");
                assert_eq!(head.fields.as_bytes(), lines.as_bytes(), "{came:?}");
            }
        });
    }
}

#[test]
fn phrases_of_the_servers_own_are_kept() {
    let cases = [
        ("200 OK", None),
        ("200", None),
        ("200 Fine", Some("Fine")),
        ("413 Payload Too Large", Some("Payload Too Large")),
        ("200 Gr\u{fc}n", Some("Gr\u{fc}n")),
    ];
    for (line, phrase) in cases {
        let (_, head) = read(format!("HTTP/1.1 {line}\r\n\r\n").as_bytes(), 100).expect(line);
        assert_eq!(head.reason, phrase.map(|phrase| Bytes::from(phrase.to_owned())), "{line}");
    }
}

#[test]
fn many_lines_and_no_more() {
    let head = |lines: usize| format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(lines));
    for lines in [0, USUAL_LINE_COUNT, USUAL_LINE_COUNT + 1, MAX_LINE_COUNT] {
        let (_, head) = read(head(lines).as_bytes(), 4096).expect("a head");
        assert_eq!(head.fields.get_all("A").count(), lines);
    }
    let error = read(head(MAX_LINE_COUNT + 1).as_bytes(), 4096).expect_err("too many lines");
    assert_eq!(error, "more than 2000 header lines");
    let informational = head(MAX_LINE_COUNT + 1).replace("200 OK", "103 Early Hints");
    assert_eq!(read(informational.as_bytes(), 4096).expect_err("too many lines"), "more than 2000 header lines");
}

#[test]
fn heads_that_are_refused() {
    let long = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "x".repeat(MAX_HEAD_BYTES));
    let endless = format!("HTTP/1.1 103 Early Hints\r\nA: {}\r\n\r\n", "x".repeat(1000)).repeat(1_100);
    let cases = [
        (long.as_str(), "a head of more than 409600 bytes"),
        (&endless, "more than 1048576 bytes before the final response"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 2\r\n\r\n", "a Content-Length that is folded over several lines"),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n chunked\r\n\r\n",
            "a Transfer-Encoding that is folded over several lines",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "a message with the transfer coding 'gzip, chunked'",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n",
            "a message with the transfer coding 'chunked'",
        ),
        ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "a message with the transfer coding 'chunked'"),
        ("HTTP/1.1 200 OK\r\nX-Foo : 1\r\n\r\n", "no valid HTTP/1.1 response: invalid header name"),
        ("HTTP/1.1 200 OK\r\n folded: 1\r\n\r\n", "no valid HTTP/1.1 response: invalid header name"),
        ("HTTP/1.1 99 Odd\r\n\r\n", "no valid HTTP/1.1 response: invalid response status"),
        ("HTTP/2 200 OK\r\n\r\n", "no valid HTTP/1.1 response: invalid HTTP version"),
    ];
    for (came, why) in cases {
        for pieces in [999, 65_536] {
            let error = read(came.as_bytes(), pieces).map(|_| ()).expect_err(why);
            assert_eq!(error, why, "{:.60?} by {pieces}", came);
        }
    }
}

#[test]
fn informational_heads_are_passed_on() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let handler = seen.clone();
    run(async {
        let reply = b"HTTP/1.1 103 Early Hints\r\nLink: a\r\nlink: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
        let (mut wire, heads) = Wire::new(&reply[..]);
        begin(
            &heads,
            Some(Arc::new(move |status, fields| {
                handler.lock().expect("no panic").push((status.as_u16(), fields.as_bytes().to_vec()));
            })),
        );
        wire.read_to_end(&mut Vec::new()).await.expect("a head");
    });
    assert_eq!(*seen.lock().expect("no panic"), [(103, b"Link\na\nlink\nb\n".to_vec())]);
}

#[test]
fn the_real_head_is_written_in_place_of_hypers() {
    const HYPERS: &[u8] = b"GET / HTTP/1.1\r\nx: y\r\n\r\n";
    const REAL: &[u8] = b"GET /real HTTP/1.1\r\nhOST: h\r\n\r\n";
    for room in [1, 5, REAL.len(), 1000] {
        for body in ["", "body"] {
            let written = run(async {
                let (ours, mut theirs) = tokio::io::duplex(room);
                let (mut wire, heads) = Wire::new(ours);
                begin(&heads, None);
                let heard = tokio::task::spawn_local(async move {
                    let mut heard = Vec::new();
                    theirs.read_to_end(&mut heard).await.map(|_| heard)
                });
                let first = wire.write(&[HYPERS, body.as_bytes()].concat()).await.expect("room");
                assert!(first >= HYPERS.len(), "hyper's head is written at once");
                wire.write_all(&body.as_bytes()[first - HYPERS.len()..]).await.expect("room");
                wire.write_all(b"next").await.expect("room");
                drop(wire);
                heard.await.expect("no panic").expect("an end")
            });
            assert_eq!(written, [REAL, body.as_bytes(), b"next"].concat(), "{body:?} by {room}");
        }
    }
}
