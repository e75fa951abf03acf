//! A request's head as JavaScript packs it: whatever is in it, what goes to the wire over HTTP/1 is one request, with no line that
//! was not given; over HTTP/2 it is refused or sent.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use std::time::Duration;
use tokio::time::sleep;
use whippet_core::fuzzing::{Ending, Script, serve, take_written};
use whippet_core::{
    AddressOverrides, Client, ConnectOverrides, PoolConfig, Request, RequestBody, Timeouts, TlsOptions, Verify,
    Versions,
};
use whippet_fuzz::{Input, on_runtime};

#[allow(dead_code)]
#[path = "../../../node/src/head.rs"]
mod head;

use head::Head;

const CONTENT: &[u8] = b"content";

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let choice = input.byte();
    let text = input.rest();
    let Ok(head) = Head::parse(text.to_vec()) else { return };
    if head.origin.scheme() == whippet_core::Scheme::Https {
        return;
    }
    let is_http2 = choice & 1 != 0;
    let mut sender = None;
    let body = match choice >> 1 & 3 {
        0 => RequestBody::Empty,
        1 | 2 => RequestBody::Bytes(Bytes::from_static(CONTENT)),
        _ => {
            let (ours, body) = RequestBody::channel(|_| ());
            sender = Some(ours);
            body
        }
    };
    let is_empty = matches!(body, RequestBody::Empty);
    let (method, target, fields) = (head.method.clone(), head.target.clone(), head.fields.clone());
    let response = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let groups = vec![vec![Bytes::from_static(response)]];
    serve([Script { groups, ending: Ending::Fin }]);
    on_runtime(async {
        let versions = Versions { http1: !is_http2, http2: is_http2 };
        let tls = TlsOptions { verify: Verify::Off, ..TlsOptions::default() };
        let mut resolve = AddressOverrides::default();
        resolve.insert(head.origin.host(), None, [10, 0, 0, 1].into());
        let overrides = ConnectOverrides { resolve, ..ConnectOverrides::default() };
        let client = Client::new(PoolConfig { versions, tls, overrides, ..PoolConfig::default() });
        let request = Request {
            method: head.method,
            origin: head.origin,
            target: head.target,
            fields: head.fields,
            body,
            on_informational: None,
            proxy: None,
            proxy_answer: None,
        };
        if let Some(sender) = sender {
            sender.push(Bytes::from_static(CONTENT));
            sender.end();
        }
        let limit = Some(Duration::from_secs(1));
        let timeouts = Timeouts { read: limit, write: limit, total: limit, ..Timeouts::default() };
        drop(client.send(request, timeouts).await);
        sleep(Duration::from_millis(1)).await;
    });
    for written in take_written() {
        let written = written.borrow();
        if !is_http2 && !written.is_empty() {
            check(&written, method.as_str().as_bytes(), &target, fields.as_bytes(), is_empty);
        }
    }
});

/// One head of lines that were given, or that frame the body.
fn check(written: &[u8], method: &[u8], target: &[u8], fields: &[u8], is_empty: bool) {
    let shown = written.escape_ascii();
    let end = written.windows(4).position(|window| window == b"\r\n\r\n").expect("an end of the head") + 4;
    assert!(!is_empty || end == written.len(), "more than a head: {shown}");
    let mut lines = split(&written[..end - 4]);
    let first = lines.next().expect("a request line");
    assert_eq!(first, [method, b" ", target, b" HTTP/1.1"].concat(), "{shown}");
    assert_eq!(first.split(|byte| *byte == b' ').count(), 3, "{shown}");
    let given: Vec<&[u8]> = fields.split(|byte| *byte == b'\n').collect();
    let mut hosts = 0;
    for line in lines {
        assert!(!line.iter().any(|byte| b"\r\n\0".contains(byte)), "{shown}");
        let colon = line.windows(2).position(|window| window == b": ").expect("a name and a value");
        let (name, value) = (&line[..colon], &line[colon + 2..]);
        hosts += usize::from(name.eq_ignore_ascii_case(b"host"));
        let is_given = given.chunks(2).any(|line| line[0] == name && line.get(1).is_some_and(|line| *line == value));
        let is_ours = [&b"Host"[..], b"Content-Length", b"Transfer-Encoding"].contains(&name);
        assert!(is_given || is_ours, "{} in {shown}", line.escape_ascii());
    }
    assert!(hosts >= 1, "{shown}");
}

fn split(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(head);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = text.windows(2).position(|window| window == b"\r\n");
        rest = end.map(|end| &text[end + 2..]);
        Some(&text[..end.unwrap_or(text.len())])
    })
}
