//! A header section as text: names and values on alternating lines, `"accept\n*/*\nhost\nexample.org\n"`.
//!
//! One string crosses from JavaScript and is turned into an `http::HeaderMap` as often as the request is sent. Values
//! are latin-1 bytes (Fetch: isomorphic encode) and share the text's memory. A line feed cannot be part of a name or a
//! value, so the form is unambiguous; what else is not allowed is checked by `http` here.

use crate::error::{Error, ErrorKind};
use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};

/// The lines of one header section.
#[derive(Clone, Default)]
pub struct FieldLines(Bytes);

impl FieldLines {
    /// `text` as above; it is checked by [`FieldLines::to_map`].
    pub fn new(text: Bytes) -> Self {
        FieldLines(text)
    }

    /// The lines as a map, in their order.
    ///
    /// # Errors
    ///
    /// A `LocalProtocolError` that names the header, when a name is no token or a value has a control character.
    pub fn to_map(&self) -> Result<HeaderMap, Error> {
        let text = &self.0;
        let mut map = HeaderMap::with_capacity(12);
        let mut at = 0;
        while at < text.len() {
            let (name_end, value_end) = Self::next(text, at)?;
            let name = &text[at..name_end];
            let key = HeaderName::from_bytes(name).map_err(|_| bad("name", name))?;
            let value = HeaderValue::from_maybe_shared(text.slice(name_end + 1..value_end))
                .map_err(|_| bad("value of", name))?;
            map.append(key, value);
            at = value_end + 1;
        }
        Ok(map)
    }

    /// Whether there is a line of that name, in any case.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.split(|byte| *byte == b'\n').step_by(2).any(|found| found.eq_ignore_ascii_case(name.as_bytes()))
    }

    fn next(text: &[u8], at: usize) -> Result<(usize, usize), Error> {
        let line = |from: usize| text[from..].iter().position(|b| *b == b'\n').map(|n| from + n);
        let name = line(at).ok_or_else(|| bad("line", &text[at..]))?;
        let value = line(name + 1).ok_or_else(|| bad("line", &text[at..name]))?;
        Ok((name, value))
    }
}

fn bad(what: &str, name: &[u8]) -> Error {
    let name = name.escape_ascii().to_string();
    Error::new(ErrorKind::LocalProtocolError, format!("illegal header {what} '{name}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &'static [u8]) -> Result<HeaderMap, Error> {
        FieldLines::new(Bytes::from_static(text)).to_map()
    }

    #[test]
    fn keeps_order_duplicates_and_latin1() {
        let map = parse(b"Host\na\nx-b\n1\nX-B\n2\nx-c\n\xe9\n").expect("well-formed");
        let all: Vec<_> = map.iter().map(|(k, v)| (k.as_str(), v.as_bytes().to_vec())).collect();
        let want: Vec<(&str, Vec<u8>)> =
            vec![("host", b"a".into()), ("x-b", b"1".into()), ("x-b", b"2".into()), ("x-c", vec![0xe9])];
        assert_eq!(all, want);
    }

    #[test]
    fn finds_names_and_not_values() {
        let fields = FieldLines::new(Bytes::from_static(b"a\nidempotency-key\nX-Key\n1\n"));
        let has = ["a", "x-key", "idempotency-key", "1", "x"].map(|name| fields.has(name));
        assert_eq!(has, [true, true, false, false, false]);
    }

    #[test]
    fn refuses_injection() {
        for text in [&b"a\rb\n1\n"[..], b"a\n1\r\n", b"a\n\0\n", b"\n1\n", b"a b\n1\n", b"a\n1", b"a"] {
            assert!(parse(text).is_err(), "{}", text.escape_ascii());
        }
    }
}
