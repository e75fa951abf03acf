//! A header section as text: names and values on alternating lines, `"Accept\n*/*\nHost\nexample.org\n"`.
//!
//! One string crosses the binding each way, so that names keep their spelling and lines their order, which
//! `http::HeaderMap` keeps neither of. Values are latin-1 bytes (Fetch: isomorphic encode). A line feed cannot be part of
//! a name or a value, so the form is unambiguous; what else is not allowed in a request is checked here.

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use memchr::memchr;
use std::fmt;

/// The header section of a request, or of a response as it was received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldLines {
    text: Bytes,
    /// A bit for each name, see [`bit_of`]: a response is asked for eight names that it mostly does not have.
    names: u64,
}

impl FieldLines {
    /// `text` as above; it is checked by [`FieldLines::to_map`].
    pub fn new(text: Bytes) -> Self {
        let names = lines(&text).fold(0, |names, (name, _)| names | bit_of(name));
        FieldLines { text, names }
    }

    /// `name \n value \n …`
    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    /// For HTTP/2, which has names in lower case.
    ///
    /// # Errors
    ///
    /// [`IllegalField`], when a name is no token or a value has a control character.
    pub fn to_map(&self) -> Result<HeaderMap, IllegalField> {
        let text = &self.text;
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

    /// Every line, in order.
    ///
    /// # Errors
    ///
    /// As [`FieldLines::to_map`].
    pub(crate) fn checked(&self) -> impl Iterator<Item = Result<(&[u8], &[u8]), IllegalField>> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let text = &self.text[..];
            if at >= text.len() {
                return None;
            }
            let (name_end, value_end) = match Self::next(text, at) {
                Ok(ends) => ends,
                Err(error) => {
                    at = text.len();
                    return Some(Err(error));
                }
            };
            let (name, value) = (&text[at..name_end], &text[name_end + 1..value_end]);
            at = value_end + 1;
            Some(match (is_token(name), is_value(value)) {
                (true, true) => Ok((name, value)),
                (true, false) => Err(bad("value of", name)),
                (false, _) => Err(bad("name", name)),
            })
        })
    }

    /// The values of that name, in any case, line by line.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.lines_of(name).map(|(_, value)| value)
    }

    /// As [`FieldLines::get_all`], with the name as it is spelt.
    pub(crate) fn lines_of(&self, name: &str) -> impl Iterator<Item = (&[u8], &[u8])> {
        let text: &[u8] = if self.names & bit_of(name.as_bytes()) == 0 { &[] } else { &self.text };
        lines(text).filter(move |(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// Whether there is a line of that name, in any case.
    pub fn has(&self, name: &str) -> bool {
        self.get_all(name).next().is_some()
    }

    /// Leaves out every line of that name.
    pub(crate) fn remove(&mut self, name: &str) {
        let mut rest = Vec::with_capacity(self.text.len());
        for (found, value) in self.lines().filter(|(found, _)| !found.eq_ignore_ascii_case(name.as_bytes())) {
            push_line(&mut rest, found, value);
        }
        *self = FieldLines::new(rest.into());
    }

    /// Every line, in order, as it is.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        lines(&self.text)
    }

    fn next(text: &[u8], at: usize) -> Result<(usize, usize), IllegalField> {
        let line = |from: usize| memchr(b'\n', &text[from..]).map(|n| from + n);
        let name = line(at).ok_or_else(|| bad("line", &text[at..]))?;
        let value = line(name + 1).ok_or_else(|| bad("line", &text[at..name]))?;
        Ok((name, value))
    }
}

impl From<&HeaderMap> for FieldLines {
    fn from(map: &HeaderMap) -> Self {
        let mut text = Vec::with_capacity(map.len() * 32);
        for (name, value) in map {
            push_line(&mut text, name.as_str().as_bytes(), value.as_bytes());
        }
        FieldLines::new(text.into())
    }
}

/// Names and values, as they alternate. What has no end by a line feed counts as well, up to the end.
fn lines(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = Some(text);
    let mut line = move || {
        let text = rest?;
        let end = memchr(b'\n', text);
        rest = end.map(|end| &text[end + 1..]);
        Some(&text[..end.unwrap_or(text.len())])
    };
    std::iter::from_fn(move || Some((line()?, line()?)))
}

/// Of 64, by what tells the usual names apart: length and first letter. Two names may share one.
fn bit_of(name: &[u8]) -> u64 {
    let first = name.first().map_or(0, u8::to_ascii_lowercase);
    1 << ((name.len() as u64 * 5 + u64::from(first)) % 64)
}

/// One line more of the text of [`FieldLines`].
pub(crate) fn push_line(text: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    text.extend_from_slice(name);
    text.push(b'\n');
    text.extend_from_slice(value);
    text.push(b'\n');
}

/// RFC 9110 section 5.6.2.
fn is_token(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|byte| TCHAR[usize::from(*byte)])
}

/// RFC 9110 section 5.6.2, by byte.
const TCHAR: [bool; 256] = {
    let (mut table, mut byte) = ([false; 256], 0);
    while byte < 256 {
        table[byte] = (byte as u8 as char).is_ascii_alphanumeric();
        byte += 1;
    }
    let (others, mut at) = (b"!#$%&'*+-.^_`|~", 0);
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
};

/// RFC 9110 section 5.5: visible characters, blanks, and anything beyond ASCII.
fn is_value(value: &[u8]) -> bool {
    // Without a way out in the middle, so that many bytes are compared at a time.
    let is_bad = |byte: &u8| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f;
    !value.iter().fold(false, |found, byte| found | is_bad(byte))
}

/// A line that HTTP does not allow; the text names it.
#[derive(Debug)]
pub struct IllegalField(String);

impl fmt::Display for IllegalField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for IllegalField {}

fn bad(what: &str, name: &[u8]) -> IllegalField {
    IllegalField(format!("illegal header {what} '{}'", name.escape_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &'static [u8]) -> Result<HeaderMap, IllegalField> {
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
    fn finds_names_that_share_a_bit_with_others() {
        // 10 · 5 + 'c' and 9 · 5 + 'h' are the same.
        assert_eq!(bit_of(b"connection"), bit_of(b"happiness"));
        let fields = FieldLines::new(Bytes::from_static(b"Connection\nclose\nX\n1\nconnection\nte\n"));
        assert!(!fields.has("happiness"));
        let found: Vec<_> = fields.get_all("CONNECTION").collect();
        assert_eq!(found, [&b"close"[..], b"te"]);
    }

    #[test]
    fn refuses_injection() {
        for text in [&b"a\rb\n1\n"[..], b"a\n1\r\n", b"a\n\0\n", b"\n1\n", b"a b\n1\n", b"a\n1", b"a"] {
            assert!(parse(text).is_err(), "{}", text.escape_ascii());
            let fields = FieldLines::new(Bytes::from_static(text));
            assert!(fields.checked().any(|line| line.is_err()), "{}", text.escape_ascii());
        }
    }

    /// RFC 9110 sections 5.6.2 and 5.5.
    #[test]
    fn each_byte_of_a_name_and_of_a_value() {
        for byte in 0..=255_u8 {
            let is_tchar = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            assert_eq!(is_token(&[b'a', byte]), is_tchar, "{byte}");
            let is_text = byte == b'\t' || (byte >= 0x20 && byte != 0x7f);
            for at in [0, 17, 40] {
                let mut value = [b'v'; 41];
                value[at] = byte;
                assert_eq!(is_value(&value), is_text, "{byte}");
            }
        }
    }

    #[test]
    fn removes_a_name_in_any_case() {
        let mut fields = FieldLines::new(Bytes::from_static(b"X-A\n1\nx-B\n2\nx-a\n3\n"));
        fields.remove("x-a");
        assert_eq!(fields.as_bytes(), b"x-B\n2\n");
    }
}
