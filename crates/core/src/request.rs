//! One request, in a form that can be put on the wire more than once.

use crate::body::RequestBody;
use crate::error::{Error, ErrorKind};
use crate::fields::FieldLines;
use crate::origin::Origin;
use bytes::Bytes;
use http::header::{HOST, HeaderMap, HeaderValue};
use http::{Method, StatusCode, Uri};
use std::sync::Arc;

/// Called for each 1xx response but 101: status code and header section.
pub type InformationalHandler = Arc<dyn Fn(StatusCode, &HeaderMap) + Send + Sync>;

pub struct Request {
    pub method: Method,
    pub origin: Origin,
    /// RFC 9112 section 3.2: origin-form, or `*`, or absolute-form, as it goes on the wire.
    pub target: Bytes,
    pub fields: FieldLines,
    pub body: RequestBody,
    pub on_informational: Option<InformationalHandler>,
}

impl Request {
    /// The request as HTTP/1.1 has it: Host is there, framing is the caller's fields' or hyper's.
    pub(crate) fn to_http1(&self) -> Result<http::Request<RequestBody>, Error> {
        let mut request = http::Request::new(self.body.clone());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = Uri::from_maybe_shared(self.target.clone()).map_err(|_| self.bad_target())?;
        let mut headers = self.fields.to_map()?;
        if !headers.contains_key(HOST) {
            let host = HeaderValue::from_str(&self.origin.authority()).map_err(|_| self.bad_target())?;
            headers.insert(HOST, host);
        }
        *request.headers_mut() = headers;
        if let Some(handler) = self.on_informational.clone() {
            hyper::ext::on_informational(&mut request, move |response| handler(response.status(), response.headers()));
        }
        Ok(request)
    }

    /// RFC 9110 section 9.2.2.
    pub(crate) fn is_idempotent(&self) -> bool {
        matches!(
            self.method,
            Method::GET | Method::HEAD | Method::PUT | Method::DELETE | Method::OPTIONS | Method::TRACE
        )
    }

    fn bad_target(&self) -> Error {
        let target = self.target.escape_ascii();
        Error::new(ErrorKind::LocalProtocolError, format!("illegal request target '{target}'"))
    }
}
