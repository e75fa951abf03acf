//! HTTP/1.1 over one connection: hyper does the bytes, this file says what they mean for the exchange.

mod body;
mod task;

use crate::connect::Connected;
use crate::connection::meter::{MeteredSocket, MeteredStream};
use crate::connection::vigil::Vigil;
use crate::connection::{Answer, Incoming, Resend, Reuse, SendError, broken_tls};
use crate::connection_info::ConnectionInfo;
use crate::error::{Error, ErrorKind};
use crate::fields::FieldLines;
use crate::head::Head;
use crate::origin::Origin;
use crate::request::Request;
use crate::request::body::BodyError;
use crate::timeout::Clock;
use crate::timeout::watch::watch;
use crate::version::Version;
use crate::wire::{Expectation, HeadError, Heads, Upload, Wire};
pub(crate) use body::Body;
use hyper_util::rt::TokioIo;
use std::error::Error as _;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;
use task::ParkedConnection;
use tokio::task::AbortHandle;

pub(crate) struct Http1 {
    socket: Rc<MeteredSocket>,
    heads: Rc<Heads>,
    parked: Rc<ParkedConnection>,
    task: AbortHandle,
    /// An exchange is under way, so that the connection cannot serve again when it is dropped.
    busy: bool,
    info: Rc<ConnectionInfo>,
}

impl Http1 {
    /// `on_close` is called when the connection ended by itself, e.g. because the server closed it.
    pub(crate) async fn handshake(
        connected: Connected,
        origin: &Origin,
        vigil: &Rc<Vigil>,
        on_close: impl FnOnce() + 'static,
    ) -> Result<Http1, Error> {
        let Connected { stream, info, .. } = connected;
        let (socket, open) = (MeteredSocket::new(), stream.socket());
        vigil.watch(&socket);
        let (wire, heads) = Wire::new(MeteredStream::new(stream, open, socket.clone()));
        let (parked, task) = task::start(TokioIo::new(wire), on_close).await.map_err(|cause| {
            Error::new(ErrorKind::ConnectError, format!("cannot set up HTTP/1.1 with {origin}")).with_source(cause)
        })?;
        Ok(Http1 { socket, heads, parked, task, busy: false, info })
    }

    pub(crate) fn info(&self) -> &Rc<ConnectionInfo> {
        &self.info
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.parked.is_closed()
    }

    /// See [`ParkedConnection::park`].
    pub(crate) fn park(&self) {
        self.heads.forget_seen();
        self.parked.park();
    }

    /// See [`MeteredSocket::is_silent`].
    pub(crate) fn is_silent(&self) -> bool {
        self.socket.is_silent()
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.parked.is_ready()
    }

    /// Waits until the connection can take a request; false when it is closed instead.
    pub(crate) async fn unpark(&mut self) -> bool {
        self.parked.unpark().await
    }

    /// Sends the request and waits for the final response's head.
    pub(crate) async fn send(&mut self, request: &Request, clock: &Clock) -> Result<Answer, SendError> {
        let (sent, received) = (self.socket.progress.sent(), self.socket.progress.received());
        self.busy = true;
        match self.await_head(request, clock).await {
            Ok((head, incoming, is_whole)) => {
                let reuse = if is_whole { reuse(head.version, &head.fields) } else { None };
                let incoming =
                    Incoming::Http1(Body::new(incoming, &head.fields, self.socket.clone(), self.heads.clone()));
                Ok(Answer { head, incoming, progress: self.socket.progress.clone(), reuse })
            }
            Err(error) => {
                let lost = error.is_disconnect() && self.socket.progress.received() == received;
                let resend = match lost {
                    true if self.socket.progress.sent() == sent => Resend::Unsent,
                    true => Resend::Lost,
                    false => Resend::Never,
                };
                let progress = &self.socket.progress;
                let is_sent = request.body.is_over() && !progress.is_write_blocked() && progress.sent() > sent;
                Err(SendError { error, resend, sent: is_sent.then(|| progress.last_sent()) })
            }
        }
    }

    /// The final response's head and its body, and whether the request was sent to its end, as far as is known now.
    async fn await_head(
        &mut self,
        request: &Request,
        clock: &Clock,
    ) -> Result<(Head, hyper::body::Incoming, bool), Error> {
        let received = self.socket.progress.received();
        let expectation = request.expects_continue().then(Rc::<Expectation>::default);
        let mut hypers = http::Request::new(Upload::new(request.body.clone(), expectation.clone()));
        *hypers.method_mut() = request.method.clone();
        let on_informational = request.on_informational.clone();
        *hypers.headers_mut() = self.heads.begin(request.to_http1()?, on_informational, expectation.clone());
        let closed = || {
            let message = format!("{} closed the connection", request.origin);
            Error::new(ErrorKind::RemoteProtocolError, message).closed_by_peer()
        };
        let mut answer = pin!(self.parked.send(hypers).ok_or_else(closed)?);
        let response = watch(&self.socket.progress, clock, &request.body, &request.origin, answer.as_mut()).await?;
        let response = response.map_err(|cause| {
            failure(&self.socket, cause, &request.origin, self.socket.progress.received() > received)
        })?;
        let head = self.heads.take_response().ok_or_else(closed)?;
        if head.status == 101 {
            let message = format!("{} switched protocols (101); upgrades are not supported", request.origin);
            return Err(Error::new(ErrorKind::RemoteProtocolError, message));
        }
        let is_whole = expectation.is_none_or(|expectation| !expectation.is_body_missing());
        Ok((head, response.into_body(), is_whole))
    }

    /// The exchange is over and both sides are where a next request can begin.
    pub(crate) fn finished(&mut self) {
        self.busy = false;
    }
}

impl Drop for Http1 {
    fn drop(&mut self) {
        // An idle connection is shut down (TLS close_notify); one in the middle of an exchange is cut.
        if self.busy {
            self.task.abort();
        } else {
            self.parked.close();
        }
    }
}

/// hyper's error as ours, of a head; `begun`: a part of it was received.
fn failure(socket: &MeteredSocket, cause: hyper::Error, origin: &Origin, begun: bool) -> Error {
    read_failure(socket, cause, origin, |cause| {
        let what = match begun {
            true => format!("{origin} closed the connection in the middle of the response head"),
            false => format!("{origin}: Server disconnected without sending a response."),
        };
        Error::new(ErrorKind::RemoteProtocolError, what).closed_by_peer().with_source(cause)
    })
}

/// hyper's error as ours; `cut` says what it means that the peer closed the connection.
fn read_failure(
    socket: &MeteredSocket,
    cause: hyper::Error,
    origin: &Origin,
    cut: impl FnOnce(hyper::Error) -> Error,
) -> Error {
    if let Some(error) = find::<BodyError>(&cause) {
        let kind = if *error == BodyError::Aborted { ErrorKind::WriteError } else { ErrorKind::LocalProtocolError };
        return Error::new(kind, format!("{error} (to {origin})"));
    }
    if let Some(fault) = socket.tls_fault() {
        return broken_tls(origin, fault);
    }
    if let Some(error) = socket.take_write_error() {
        return Error::from_io(ErrorKind::WriteError, format_args!("sending to {origin} failed"), error);
    }
    if let Some(error) = find::<HeadError>(&cause) {
        return Error::new(ErrorKind::RemoteProtocolError, format!("{origin} sent {error}")).with_source(cause);
    }
    let eof = find::<io::Error>(&cause).is_some_and(|e| e.kind() == io::ErrorKind::UnexpectedEof);
    if cause.is_incomplete_message() || cause.is_canceled() || cause.is_closed() || eof {
        return cut(cause);
    }
    // hyper wraps what is wrong with a chunk in an I/O error of its own.
    let is_framing =
        |error: &io::Error| matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput);
    if let Some(error) = find::<io::Error>(&cause).filter(|error| !is_framing(error)) {
        let error = io::Error::new(error.kind(), error.to_string());
        return Error::from_io(ErrorKind::ReadError, format_args!("reading from {origin} failed"), error);
    }
    let why = match cause.source() {
        Some(inner) => format!("{cause}: {inner}"),
        None => cause.to_string(),
    };
    Error::new(ErrorKind::RemoteProtocolError, format!("{origin} sent no valid HTTP/1.1 response: {why}"))
        .with_source(cause)
}

/// The cause of type `T` anywhere in the chain.
fn find<'a, T: std::error::Error + 'static>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        if let Some(io) = error.downcast_ref::<io::Error>()
            && let Some(found) = io.get_ref().and_then(|inner| inner.downcast_ref::<T>())
        {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// Whether the connection may serve another request after this response, and for how long it may be kept for one.
fn reuse(version: Version, fields: &FieldLines) -> Option<Reuse> {
    is_persistent(version, fields).then(|| Reuse { at_most: keep_alive_timeout(fields) })
}

/// Whether the server leaves the connection open after this response (RFC 9112 section 9.3). Both framings at once end
/// it: section 6.3 asks for that.
fn is_persistent(version: Version, fields: &FieldLines) -> bool {
    if fields.has("transfer-encoding") && fields.has("content-length") {
        return false;
    }
    let has = |option: &[u8]| {
        let mut options = fields.get_all("connection").flat_map(|line| line.split(|b| *b == b','));
        options.any(|found| found.trim_ascii().eq_ignore_ascii_case(option))
    };
    match version {
        Version::Http11 => !has(b"close"),
        _ => has(b"keep-alive"),
    }
}

/// `Keep-Alive: timeout=5` with a second to spare, so that the server never closes first.
fn keep_alive_timeout(fields: &FieldLines) -> Option<Duration> {
    let line = std::str::from_utf8(fields.get_all("keep-alive").next()?).ok()?;
    let seconds = line.split(',').find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("timeout").then(|| value.trim().parse::<u64>().ok())?
    })?;
    Some(Duration::from_secs(seconds.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Lines<'a> = &'a [(&'static str, &'static str)];

    fn fields(lines: Lines<'_>) -> FieldLines {
        let text: String = lines.iter().map(|(name, value)| format!("{name}\n{value}\n")).collect();
        FieldLines::new(text.into())
    }

    #[test]
    fn a_connection_serves_again_when_the_response_leaves_it_open() {
        let cases: [(Version, Lines<'_>, bool); 11] = [
            (Version::Http11, &[], true),
            (Version::Http11, &[("connection", "close")], false),
            (Version::Http11, &[("connection", "x, Close")], false),
            (Version::Http11, &[("connection", "x")], true),
            (Version::Http11, &[("connection", "closed")], true),
            (Version::Http11, &[("transfer-encoding", "chunked")], true),
            (Version::Http11, &[("transfer-encoding", "chunked"), ("content-length", "3")], false),
            (Version::Http10, &[], false),
            (Version::Http10, &[("connection", "Keep-Alive")], true),
            (Version::Http10, &[("connection", "x,keep-alive")], true),
            (
                Version::Http10,
                &[("connection", "keep-alive"), ("transfer-encoding", "chunked"), ("content-length", "3")],
                false,
            ),
        ];
        for (version, lines, open) in cases {
            assert_eq!(reuse(version, &fields(lines)).is_some(), open, "{version:?} {lines:?}");
        }
        let closes_in_either_line = fields(&[("connection", "x"), ("connection", "close")]);
        assert!(reuse(Version::Http11, &closes_in_either_line).is_none());
    }

    #[test]
    fn keep_alive_has_a_second_to_spare() {
        let cases = [
            ("timeout=5", Some(4)),
            ("max=100, timeout=2", Some(1)),
            ("Timeout = 0", Some(0)),
            ("max=1", None),
            ("timeout=soon", None),
            ("timeout", None),
        ];
        for (value, seconds) in cases {
            let reuse = reuse(Version::Http11, &fields(&[("keep-alive", value)])).expect("HTTP/1.1 is persistent");
            assert_eq!(reuse.at_most, seconds.map(Duration::from_secs), "{value}");
        }
    }
}
