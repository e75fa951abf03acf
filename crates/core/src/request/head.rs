//! The head of an HTTP/1.1 request, byte for byte: names as they were given, lines in their order, Host before them
//! (RFC 9110 section 7.2). hyper writes names in one case and moves lines of one name together, so it is told only what it
//! needs to frame the body, and the bytes that it writes are replaced by these ([`crate::wire`]).

use crate::error::{Error, ErrorKind};
use crate::fields::FieldLines;
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRAILER, TRANSFER_ENCODING};
use http::{Method, Uri};
use http_body::Body;

pub(crate) struct Http1Head {
    /// From the request line to the empty line.
    pub(crate) bytes: Vec<u8>,
    /// For hyper: how the body is framed, and whether the connection goes on.
    pub(crate) framing: HeaderMap,
}

/// What a head is made of.
pub(crate) struct Parts<'a> {
    pub(crate) method: &'a Method,
    /// RFC 9112 section 3.2, as it goes on the wire.
    pub(crate) target: &'a [u8],
    pub(crate) fields: &'a FieldLines,
    /// Of lines that are written in place of the caller's: Host where there is none, Proxy-Authorization.
    pub(crate) host: &'a str,
    pub(crate) proxy_authorization: Option<HeaderValue>,
}

/// RFC 9112 section 6: where the message ends.
enum Framing {
    /// As the caller's lines say, or there is no body.
    AsGiven,
    Length(u64),
    Chunked,
}

impl Http1Head {
    /// # Errors
    ///
    /// [`ErrorKind::LocalProtocolError`] for what cannot be written.
    pub(crate) fn new(parts: Parts<'_>, body: &impl Body) -> Result<Http1Head, Error> {
        let Parts { method, target, fields, host, proxy_authorization } = parts;
        let bad_target = || {
            let target = target.escape_ascii();
            Error::new(ErrorKind::LocalProtocolError, format!("illegal request target '{target}'"))
        };
        // `http` looks no further than the '#' of a fragment.
        if target.iter().any(|byte| byte.is_ascii_control() || *byte == b' ') {
            return Err(bad_target());
        }
        Uri::try_from(target).map_err(|_| bad_target())?;
        let mut bytes = Vec::with_capacity(target.len() + fields.as_bytes().len() + 128);
        for part in [method.as_str().as_bytes(), b" ", target, b" HTTP/1.1\r\n"] {
            bytes.extend_from_slice(part);
        }
        let mut framing = HeaderMap::new();
        for name in FRAMING {
            // What is no value is found where the lines are written.
            let values = fields.get_all(name.as_str()).filter_map(|value| HeaderValue::from_bytes(value).ok());
            for value in values {
                framing.append(&name, value);
            }
        }
        let given_host = fields.lines_of("host").next();
        match given_host {
            Some((name, value)) => write_line(&mut bytes, name, value),
            None if host.bytes().any(|byte| byte <= b' ' || byte == 0x7f) => return Err(bad_target()),
            None => write_line(&mut bytes, b"Host", host.as_bytes()),
        }
        let added = decide(method, &mut framing, body);
        let mut is_first_host = given_host.is_some();
        for line in fields.checked() {
            let (name, value) = line?;
            let is_replaced = proxy_authorization.is_some() && name.eq_ignore_ascii_case(b"proxy-authorization");
            let has_no_say = framing_name(name).is_some_and(|name| !framing.contains_key(name));
            if is_first_host && name.eq_ignore_ascii_case(b"host") {
                is_first_host = false;
            } else if !is_replaced && !has_no_say {
                write_line(&mut bytes, name, value);
            }
        }
        match added {
            Framing::AsGiven => {}
            Framing::Length(length) => {
                let length = HeaderValue::from(length);
                write_line(&mut bytes, b"Content-Length", length.as_bytes());
                framing.insert(CONTENT_LENGTH, length);
            }
            Framing::Chunked => {
                write_line(&mut bytes, b"Transfer-Encoding", b"chunked");
                framing.append(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
            }
        }
        if let Some(answer) = proxy_authorization {
            write_line(&mut bytes, b"Proxy-Authorization", answer.as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        Ok(Http1Head { bytes, framing })
    }
}

/// What has to be added for this body. Lines that do not count are taken out of `framing`, and are not written: both
/// framings at once are how requests are smuggled.
fn decide(method: &Method, framing: &mut HeaderMap, body: &impl Body) -> Framing {
    if body.is_end_stream() {
        framing.remove(TRANSFER_ENCODING);
        return Framing::AsGiven;
    }
    if let Some(last) = framing.get_all(TRANSFER_ENCODING).iter().next_back() {
        let is_chunked = last
            .as_bytes()
            .rsplit(|byte| *byte == b',')
            .next()
            .is_some_and(|last| last.trim_ascii().eq_ignore_ascii_case(b"chunked"));
        framing.remove(CONTENT_LENGTH);
        return if is_chunked { Framing::AsGiven } else { Framing::Chunked };
    }
    if has_one_length(framing) {
        return Framing::AsGiven;
    }
    framing.remove(CONTENT_LENGTH);
    match body.size_hint().exact() {
        Some(length) => Framing::Length(length),
        // Such a request hardly ever has a body, and hyper writes none unless it is told.
        None if matches!(*method, Method::GET | Method::HEAD | Method::CONNECT) => Framing::AsGiven,
        None => Framing::Chunked,
    }
}

/// Content-Length is there, a number, and the same in every line.
fn has_one_length(framing: &HeaderMap) -> bool {
    let mut lengths = framing.get_all(CONTENT_LENGTH).iter().map(|value| {
        let text = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        text.and_then(|text| text.parse::<u64>().ok())
    });
    let first = lengths.next().flatten();
    first.is_some() && lengths.all(|length| length == first)
}

/// What hyper is told.
const FRAMING: [HeaderName; 4] = [TRAILER, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING];

fn framing_name(name: &[u8]) -> Option<HeaderName> {
    // Most names have another length than any of these.
    FRAMING.into_iter().find(|known| name.eq_ignore_ascii_case(known.as_str().as_bytes()))
}

fn write_line(bytes: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    for part in [name, b": ", value, b"\r\n"] {
        bytes.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::body::RequestBody;
    use bytes::Bytes;

    /// The lines on the wire, and the names that hyper is told.
    fn written(method: Method, fields: &'static str, body: &RequestBody) -> (String, Vec<String>) {
        let fields = FieldLines::new(Bytes::from_static(fields.as_bytes()));
        body.declare(&fields);
        let parts = Parts { method: &method, target: b"/", fields: &fields, host: "h", proxy_authorization: None };
        let head = Http1Head::new(parts, body).expect("a head that can be written");
        let text = String::from_utf8(head.bytes).expect("ASCII");
        let lines = text.strip_prefix(&format!("{method} / HTTP/1.1\r\n")).expect("a request line");
        (lines.replace("\r\n", "|"), head.framing.keys().map(ToString::to_string).collect())
    }

    #[test]
    fn names_and_order_are_the_callers_and_host_is_first() {
        let cases = [
            ("", "Host: h||"),
            ("SOAPAction\n1\napiKEY\n2\nx-lower\n3\n", "Host: h|SOAPAction: 1|apiKEY: 2|x-lower: 3||"),
            ("X-A\n1\nB\n2\nhOST\nother\nx-a\n3\nX-A\n\n", "hOST: other|X-A: 1|B: 2|x-a: 3|X-A: ||"),
        ];
        for (fields, lines) in cases {
            assert_eq!(written(Method::GET, fields, &RequestBody::Empty).0, lines);
        }
    }

    #[test]
    fn a_target_is_one_word() {
        let fields = FieldLines::new(Bytes::new());
        let is_written = |target: &[u8]| {
            let parts = Parts { method: &Method::GET, target, fields: &fields, host: "h", proxy_authorization: None };
            Http1Head::new(parts, &RequestBody::Empty).is_ok()
        };
        for target in [&b"/"[..], b"*", b"/a?b", b"/a?b#c", b"http://h/a#b"] {
            assert!(is_written(target), "{}", target.escape_ascii());
        }
        for before in ["/a", "/a?b", "/a#", "/a?b#c", "http://h/a#"] {
            for byte in [b' ', b'\t', b'\r', b'\n', 0, 0x7f] {
                let target = [before.as_bytes(), &[byte], b"X: 1"].concat();
                assert!(!is_written(&target), "{}", target.escape_ascii());
            }
        }
    }

    #[test]
    fn a_body_is_framed_once() {
        let stream = || RequestBody::channel(|_| ()).1;
        let bytes = || RequestBody::Bytes(Bytes::from_static(b"12345"));
        let cases: [(Method, &str, RequestBody, &str, &[&str]); 12] = [
            (Method::POST, "", RequestBody::Empty, "", &[]),
            (Method::POST, "content-length\n0\n", RequestBody::Empty, "content-length: 0|", &["content-length"]),
            (Method::POST, "Transfer-Encoding\nchunked\n", RequestBody::Empty, "", &[]),
            (Method::POST, "", bytes(), "Content-Length: 5|", &["content-length"]),
            (Method::GET, "", bytes(), "Content-Length: 5|", &["content-length"]),
            (Method::POST, "CONTENT-length\n5\n", bytes(), "CONTENT-length: 5|", &["content-length"]),
            (
                Method::POST,
                "Content-Length\n5\nX\n1\nContent-Length\n6\n",
                bytes(),
                "X: 1|Content-Length: 5|",
                &["content-length"],
            ),
            (Method::POST, "", stream(), "Transfer-Encoding: chunked|", &["transfer-encoding"]),
            (Method::GET, "", stream(), "", &[]),
            (Method::POST, "Content-Length\n9\n", stream(), "Content-Length: 9|", &["content-length"]),
            (
                Method::POST,
                "Content-Length\n9\nTransfer-Encoding\ngzip, Chunked\n",
                stream(),
                "Transfer-Encoding: gzip, Chunked|",
                &["transfer-encoding"],
            ),
            (
                Method::POST,
                "Transfer-Encoding\ngzip\n",
                stream(),
                "Transfer-Encoding: gzip|Transfer-Encoding: chunked|",
                &["transfer-encoding"],
            ),
        ];
        for (method, fields, body, lines, framing) in cases {
            let (written, told) = written(method, fields, &body);
            assert_eq!(written, format!("Host: h|{lines}|"), "{fields:?}");
            assert_eq!(told, framing, "{fields:?}");
        }
    }
}
