//! One request, in a form that can be put on the wire more than once.

pub(crate) mod body;
pub(crate) mod head;

use crate::error::{Error, ErrorKind};
use crate::fields::FieldLines;
use crate::origin::{Origin, Scheme};
use crate::proxy::Proxy;
use crate::request::body::RequestBody;
use crate::request::head::{Http1Head, Parts};
use bytes::Bytes;
use http::header::{CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE};
use http::uri::{self, Authority, PathAndQuery};
use http::{Method, StatusCode, Uri, Version};
use http_body::Body as _;
use std::sync::Arc;

/// Called for each 1xx response but 101: status code and header section.
pub type InformationalHandler = Arc<dyn Fn(StatusCode, &FieldLines) + Send + Sync>;

pub struct Request {
    pub method: Method,
    pub origin: Origin,
    /// RFC 9112 section 3.2: origin-form, or `*`, or absolute-form, as it goes on the wire.
    pub target: Bytes,
    pub fields: FieldLines,
    pub body: RequestBody,
    pub on_informational: Option<InformationalHandler>,
    /// On the way to the origin. `target` is in absolute-form already where it forwards.
    pub proxy: Option<Proxy>,
    /// The answer to a challenge of that proxy: [`crate::client::Client::send`] sees to it.
    pub proxy_answer: Option<HeaderValue>,
}

impl Request {
    /// The request as HTTP/1.1 has it: Host is there, framing is the caller's fields' or the body's.
    pub(crate) fn to_http1(&self) -> Result<Http1Head, Error> {
        let (host, proxy_authorization) = (self.origin.authority(), self.proxy_authorization().transpose()?);
        let Request { method, target, fields, .. } = self;
        Http1Head::new(Parts { method, target, fields, host: &host, proxy_authorization }, &self.body)
    }

    /// RFC 9110 section 10.1.1: the body waits for the server's word.
    pub(crate) fn expects_continue(&self) -> bool {
        !self.body.is_end_stream()
            && self.fields.get_all("expect").any(|value| value.eq_ignore_ascii_case(b"100-continue"))
    }

    /// The request as HTTP/2 has it (RFC 9113 section 8.3.1): Host becomes `:authority`, and what is said of the
    /// connection is left out.
    pub(crate) fn to_http2(&self) -> Result<http::Request<()>, Error> {
        let mut request = http::Request::new(());
        let mut headers = self.fields.to_map()?;
        for name in connection_options(&headers) {
            headers.remove(name);
        }
        for name in CONNECTION_SPECIFIC {
            headers.remove(name);
        }
        if headers.get(TE).is_some_and(|te| !te.as_bytes().eq_ignore_ascii_case(b"trailers")) {
            headers.remove(TE);
        }
        let authority = match headers.remove(HOST) {
            Some(host) => Authority::from_maybe_shared(Bytes::copy_from_slice(host.as_bytes())),
            None => Authority::from_maybe_shared(Bytes::from(self.origin.authority())),
        };
        let mut uri = uri::Parts::default();
        uri.scheme = Some(if self.origin.scheme() == Scheme::Https { uri::Scheme::HTTPS } else { uri::Scheme::HTTP });
        uri.authority = Some(authority.map_err(|_| self.bad_target())?);
        uri.path_and_query = Some(self.path_and_query()?);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = Uri::from_parts(uri).map_err(|_| self.bad_target())?;
        *request.version_mut() = Version::HTTP_2;
        *request.headers_mut() = headers;
        Ok(request)
    }

    /// An absolute-form target is for proxies: here only its path counts.
    fn path_and_query(&self) -> Result<PathAndQuery, Error> {
        if self.target.starts_with(b"/") || &self.target[..] == b"*" {
            return PathAndQuery::from_maybe_shared(self.target.clone()).map_err(|_| self.bad_target());
        }
        let target = Uri::from_maybe_shared(self.target.clone()).map_err(|_| self.bad_target())?;
        Ok(target.into_parts().path_and_query.unwrap_or(PathAndQuery::from_static("/")))
    }

    /// For a proxy that forwards, and has asked for credentials before. Of a tunnel, CONNECT had them.
    fn proxy_authorization(&self) -> Option<Result<HeaderValue, Error>> {
        let proxy = self.proxy.as_ref().filter(|proxy| proxy.options().forwards)?;
        if let Some(answer) = &self.proxy_answer {
            return Some(Ok(answer.clone()));
        }
        let uri = std::str::from_utf8(&self.target).map_err(|_| self.bad_target());
        uri.map_or_else(|error| Some(Err(error)), |uri| proxy.authorization(self.method.as_str(), uri))
    }

    /// Acting upon the request twice comes to the same as once: by its method (the "Idempotent" column of IANA's HTTP
    /// Method Registry, as far as it is used; RFC 9110 section 9.2.2), or because its key tells the server so
    /// (draft-ietf-httpapi-idempotency-key-header).
    pub(crate) fn is_idempotent(&self) -> bool {
        const METHODS: [&str; 10] =
            ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "QUERY", "PROPFIND", "REPORT", "SEARCH"];
        const KEYS: [&str; 2] = ["idempotency-key", "x-idempotency-key"];
        METHODS.contains(&self.method.as_str())
            || (matches!(self.method, Method::POST | Method::PATCH) && KEYS.iter().any(|name| self.fields.has(name)))
    }

    fn bad_target(&self) -> Error {
        // Not the target itself: its query may be a secret.
        let what = format!("illegal request target of {} bytes", self.target.len());
        Error::new(ErrorKind::LocalProtocolError, what)
    }
}

/// RFC 9113 section 8.2.2.
const CONNECTION_SPECIFIC: [HeaderName; 5] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TRANSFER_ENCODING,
    UPGRADE,
];

/// The fields that `Connection` names as belonging to it.
fn connection_options(headers: &HeaderMap) -> Vec<HeaderName> {
    let lines = headers.get_all(CONNECTION).iter();
    lines
        .flat_map(|line| line.as_bytes().split(|b| *b == b','))
        .filter_map(|option| HeaderName::from_bytes(option.trim_ascii()).ok())
        .collect()
}
