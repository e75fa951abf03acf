//! One connection, whichever version of HTTP it speaks: what the exchange and the pool see of it.

pub(crate) mod http1;
pub(crate) mod http2;
pub(crate) mod meter;
pub(crate) mod vigil;

use crate::connection_info::ConnectionInfo;
use crate::error::{Error, ErrorKind};
use crate::fields::FieldLines;
use crate::frame::Frame;
use crate::head::Head;
use crate::origin::Origin;
use crate::request::Request;
use crate::timeout::Clock;
use crate::timeout::progress::Progress;
use http1::Http1;
use http2::Http2;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;

pub(crate) enum Connection {
    Http1(Http1),
    /// Shared with others.
    Http2(Rc<Http2>),
}

/// A final response's head, and where its body comes from.
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) incoming: Incoming,
    /// What has crossed the wire for this exchange, and when.
    pub(crate) progress: Rc<Progress>,
    /// Whether the connection serves again after this response; `None` when the server closes it, and for a stream.
    pub(crate) reuse: Option<Reuse>,
}

/// A connection may serve another request after this one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reuse {
    /// How long it may be kept for that, from the server's `Keep-Alive: timeout=`.
    pub(crate) at_most: Option<Duration>,
}

/// A request that got no response.
pub(crate) struct SendError {
    pub(crate) error: Error,
    pub(crate) resend: Resend,
    /// When the last byte of the request was written, if that was so.
    pub(crate) sent: Option<Instant>,
}

impl SendError {
    fn new(error: Error, resend: Resend) -> SendError {
        SendError { error, resend, sent: None }
    }
}

/// Whether sending a request again could make it act twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resend {
    /// It may have been acted upon, or another attempt would go the same way.
    Never,
    /// The connection was lost and no byte came back: safe for an idempotent method (RFC 9110 section 9.2.2), and worth
    /// it when the connection had been idle before.
    Lost,
    /// As above, and nothing was written either.
    Unsent,
    /// HTTP/2 (RFC 9113 section 8.7): the peer says that it has not processed it.
    Refused,
    /// As above (section 6.8), nor will it process any other on this connection.
    GoneAway,
    /// As above, as it wants HTTP/1.1.
    RefusedForHttp1,
}

impl Connection {
    pub(crate) fn info(&self) -> &Rc<ConnectionInfo> {
        match self {
            Connection::Http1(connection) => connection.info(),
            Connection::Http2(connection) => connection.info(),
        }
    }

    /// Sends the request and waits for the final response's head.
    pub(crate) async fn send(&mut self, request: &Request, clock: &Clock) -> Result<Answer, SendError> {
        match self {
            Connection::Http1(connection) => connection.send(request, clock).await,
            Connection::Http2(connection) => Box::pin(connection.send(request, clock)).await,
        }
    }
}

/// A response body as it arrives.
pub(crate) enum Incoming {
    Http1(http1::Body),
    Http2(Box<http2::Body>),
}

impl Incoming {
    /// The next piece; `None` at the end.
    pub(crate) fn poll_frame(&mut self, origin: &Origin, cx: &mut Context<'_>) -> Poll<Result<Option<Frame>, Error>> {
        match self {
            Incoming::Http1(body) => body.poll_frame(origin, cx),
            Incoming::Http2(body) => body.poll_frame(origin, cx),
        }
    }

    /// Nothing comes any more, not even trailers.
    pub(crate) fn is_end(&self) -> bool {
        match self {
            Incoming::Http1(body) => body.is_end(),
            Incoming::Http2(body) => body.is_end(),
        }
    }

    /// Bytes that are still to come, when that is known.
    pub(crate) fn remaining(&self) -> Option<u64> {
        match self {
            Incoming::Http1(body) => body.remaining(),
            Incoming::Http2(body) => body.remaining(),
        }
    }

    /// Bytes so far.
    pub(crate) fn received(&self) -> u64 {
        match self {
            Incoming::Http1(body) => body.received(),
            Incoming::Http2(body) => body.received(),
        }
    }
}

/// What Content-Length says.
pub(crate) fn declared_length(fields: &FieldLines) -> Option<u64> {
    let value = fields.get_all("content-length").next()?;
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// The peer ended the connection before the whole body was there (httpx's words).
pub(crate) fn cut_short(origin: &Origin, progress: impl std::fmt::Display) -> Error {
    let what = format!("{origin}: peer closed connection without sending complete message body ({progress})");
    Error::new(ErrorKind::RemoteProtocolError, what).closed_by_peer()
}

/// The peer said what TLS does not allow, or that it has to end the connection.
pub(crate) fn broken_tls(origin: &Origin, fault: rustls::Error) -> Error {
    let cause = io::Error::new(io::ErrorKind::InvalidData, fault);
    Error::from_io(ErrorKind::ReadError, format_args!("reading from {origin} failed"), cause)
}
