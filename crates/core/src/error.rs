//! One kind per phase and cause; the OS or rustls cause is kept and mapped, by table, to the `code` Node users know.

mod codes;

use crate::fields::{FieldLines, IllegalField};
use crate::timings::Timeline;
use bytes::Bytes;
pub(crate) use codes::io_text;
pub(crate) use codes::{ADDRESS_FORBIDDEN, NO_APPLICATION_PROTOCOL, code_of_alert, io_code};
use http::StatusCode;
use std::fmt;
use std::io;

/// What went wrong, by phase. The names are those of the JavaScript classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    PoolTimeout,
    ConnectTimeout,
    WriteTimeout,
    ReadTimeout,
    TotalTimeout,
    ConnectError,
    WriteError,
    ReadError,
    LocalProtocolError,
    RemoteProtocolError,
    ResponseTooLarge,
    /// A proxy refused, or does not speak its protocol.
    ProxyError,
    /// A body is not what its Content-Encoding says.
    DecodingError,
    /// A file that a body is written to, or read from, could not be.
    FileError,
    /// The request was dropped before it finished: the pool's thread is ending, or a bug.
    CloseError,
}

/// A failed exchange.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    code: Option<&'static str>,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    at_proxy: bool,
    closed_by_peer: bool,
    refusal: Option<Box<Refusal>>,
    timeline: Option<Box<Timeline>>,
}

/// A proxy's answer to CONNECT, when it was not the tunnel that was asked for.
#[derive(Debug)]
pub struct Refusal {
    pub status: u16,
    /// None when it is the usual one.
    pub reason: Option<Bytes>,
    pub fields: FieldLines,
    /// Its beginning, without content decoding.
    pub body: Bytes,
}

impl Refusal {
    pub(crate) fn phrase(&self) -> String {
        match &self.reason {
            Some(reason) => reason[..reason.len().min(200)].escape_ascii().to_string(),
            None => {
                let status = StatusCode::from_u16(self.status).ok();
                status.and_then(|status| status.canonical_reason()).unwrap_or_default().to_owned()
            }
        }
    }
}

impl Error {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Error {
            kind,
            code: None,
            message,
            source: None,
            at_proxy: false,
            closed_by_peer: false,
            refusal: None,
            timeline: None,
        }
    }

    /// The code that Node's own modules give the same fault, e.g. `ECONNREFUSED` or `CERT_HAS_EXPIRED`.
    pub fn with_code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// `kind` with the cause's code and text: `"{what}: {cause}"`.
    pub fn from_io(kind: ErrorKind, what: impl fmt::Display, cause: io::Error) -> Self {
        let code = io_code(&cause);
        let error = Error::new(kind, format!("{what}: {}", io_text(&cause))).with_source(cause);
        Error { code, ..error }
    }

    /// It happened on the way to a proxy, or there.
    pub(crate) fn at_proxy(mut self) -> Self {
        self.at_proxy = true;
        self
    }

    /// The peer closed the connection, in order, before the response was complete.
    pub(crate) fn closed_by_peer(mut self) -> Self {
        self.closed_by_peer = true;
        self
    }

    /// The same with another message.
    pub(crate) fn with_message(mut self, reword: impl FnOnce(&str) -> String) -> Self {
        self.message = reword(&self.message);
        self
    }

    pub(crate) fn with_refusal(mut self, refusal: Refusal) -> Self {
        self.refusal = Some(Box::new(refusal));
        self
    }

    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The connection ended. If no byte had been received before, nothing else is known of the fault.
    pub(crate) fn is_disconnect(&self) -> bool {
        matches!(self.kind, ErrorKind::RemoteProtocolError | ErrorKind::ReadError | ErrorKind::WriteError)
    }

    pub fn code(&self) -> Option<&'static str> {
        self.code
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether it was not the origin that failed, but the way to a proxy, or the proxy.
    pub fn is_at_proxy(&self) -> bool {
        self.at_proxy
    }

    /// Whether the peer closed the connection, in order, before the response was complete: what it sent until then was no fault.
    pub fn is_closed_by_peer(&self) -> bool {
        self.closed_by_peer
    }

    pub(crate) fn with_timeline(mut self, timeline: Timeline) -> Self {
        self.timeline = Some(Box::new(timeline));
        self
    }

    /// How far the exchange had come that got no response.
    pub fn timeline(&self) -> Option<&Timeline> {
        self.timeline.as_deref()
    }

    pub fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_deref()
    }
}

impl From<IllegalField> for Error {
    fn from(cause: IllegalField) -> Self {
        Error::new(ErrorKind::LocalProtocolError, cause.to_string()).with_source(cause)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|s| s as _)
    }
}
