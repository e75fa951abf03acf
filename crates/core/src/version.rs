//! The versions of HTTP: the one that a response came in, and those that a connection may speak.

use crate::origin::Scheme;

/// The version of HTTP that a response came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
    /// HTTP/2.
    Http2,
}

impl From<http::Version> for Version {
    fn from(version: http::Version) -> Version {
        match version {
            http::Version::HTTP_2 => Version::Http2,
            http::Version::HTTP_10 => Version::Http10,
            _ => Version::Http11,
        }
    }
}

/// The versions of HTTP that may be spoken; at least one of them is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// HTTP/1.1, and HTTP/1.0 where the server answers in it.
    pub http1: bool,
    /// HTTP/2.
    pub http2: bool,
}

impl Default for Versions {
    fn default() -> Self {
        Versions { http1: true, http2: true }
    }
}

impl Versions {
    /// Nothing but HTTP/1.1.
    pub(crate) const HTTP1: Versions = Versions { http1: true, http2: false };

    /// Over TLS both sides choose by ALPN; without it HTTP/2 needs to be known beforehand (RFC 9113 section 3.3), which
    /// allowing nothing else says.
    pub(crate) fn may_be_http2(self, scheme: Scheme) -> bool {
        self.http2 && (scheme == Scheme::Https || !self.http1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http2_needs_alpn_or_to_be_the_only_version() {
        // http1, http2, over http, over https
        let cases = [(true, true, false, true), (false, true, true, true), (true, false, false, false)];
        for (http1, http2, over_http, over_https) in cases {
            let versions = Versions { http1, http2 };
            assert_eq!(versions.may_be_http2(Scheme::Http), over_http, "{versions:?}");
            assert_eq!(versions.may_be_http2(Scheme::Https), over_https, "{versions:?}");
        }
    }
}
