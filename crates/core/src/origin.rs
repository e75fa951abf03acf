//! Scheme, host and port: where a request is for. Parsed once at the edge, trusted afterwards.

use crate::error::{Error, ErrorKind};
use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

/// How an origin is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Without TLS.
    Http,
    /// Over TLS.
    Https,
}

/// The origin of a request (RFC 6454), cheap to clone. The host is canonical already: lower case, punycode, an IPv6 address
/// without brackets. One name serves DNS, SNI, verification and the pool's key.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Origin(Rc<Parts>);

#[derive(PartialEq, Eq, Hash)]
struct Parts {
    scheme: Scheme,
    host: Box<str>,
    port: u16,
}

impl Origin {
    pub(crate) fn new(scheme: Scheme, host: &str, port: u16) -> Origin {
        Origin(Rc::new(Parts { scheme, host: host.into(), port }))
    }

    /// Reads `http://host`, `https://host:port`, `https://[v6]:port`.
    ///
    /// # Errors
    ///
    /// A `LocalProtocolError` when the text has another form.
    pub fn parse(text: &str) -> Result<Origin, Error> {
        let bad = || Error::new(ErrorKind::LocalProtocolError, format!("not an origin: {text:?}"));
        let (scheme, authority) = match text.split_once("://") {
            Some(("http", rest)) => (Scheme::Http, rest),
            Some(("https", rest)) => (Scheme::Https, rest),
            _ => return Err(bad()),
        };
        let default = if scheme == Scheme::Https { 443 } else { 80 };
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']').ok_or_else(bad)?;
                // RFC 6874: a zone follows "%25".
                (Cow::Owned(host.replacen("%25", "%", 1)), rest.strip_prefix(':'))
            }
            None => match authority.split_once(':') {
                Some((host, port)) => (Cow::Borrowed(host), Some(port)),
                None => (Cow::Borrowed(authority), None),
            },
        };
        let port = match port {
            Some(port) => port.parse().map_err(|_| bad())?,
            None => default,
        };
        if host.is_empty() {
            return Err(bad());
        }
        Ok(Origin::new(scheme, &host, port))
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> Scheme {
        self.0.scheme
    }

    /// Without brackets, also for IPv6; the zone of an address behind a `%`.
    pub fn host(&self) -> &str {
        &self.0.host
    }

    /// As a peer is told it: a zone means something on this machine alone (RFC 6874 section 4).
    pub(crate) fn host_for_peers(&self) -> &str {
        self.0.host.split_once('%').map_or(&*self.0.host, |(address, _zone)| address)
    }

    /// The scheme's default where the text has none.
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// The `Host` header's value: the port only when it is not the scheme's default.
    pub fn authority(&self) -> String {
        self.with_port(self.host_for_peers())
    }

    fn with_port(&self, host: &str) -> String {
        let Parts { scheme, port, .. } = &*self.0;
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_string() };
        match (scheme, port) {
            (Scheme::Http, 80) | (Scheme::Https, 443) => host,
            _ => format!("{host}:{port}"),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.0.scheme == Scheme::Https { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.with_port(self.host()))
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_and_prints_origins() {
        // text, host, port, printed
        let cases = [
            ("http://example.org", "example.org", 80, "http://example.org"),
            ("https://example.org", "example.org", 443, "https://example.org"),
            ("https://example.org:443", "example.org", 443, "https://example.org"),
            ("http://example.org:443", "example.org", 443, "http://example.org:443"),
            ("http://[::1]", "::1", 80, "http://[::1]"),
            ("https://[fe80::1]:8443", "fe80::1", 8443, "https://[fe80::1]:8443"),
            ("http://[fe80::1%25eth0]", "fe80::1%eth0", 80, "http://[fe80::1%eth0]"),
        ];
        for (text, host, port, printed) in cases {
            let origin = Origin::parse(text).expect(text);
            assert_eq!((origin.host(), origin.port(), origin.to_string().as_str()), (host, port, printed));
        }
    }

    #[test]
    fn refuses_what_is_no_origin() {
        for text in ["", "example.org", "ftp://a", "http://", "http://a:99999", "http://a:b", "http://[::1"] {
            assert!(Origin::parse(text).is_err(), "{text}");
        }
    }
}
