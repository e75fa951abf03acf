//! CONNECT (RFC 9110 section 9.3.6), over any stream: to the proxy before, to the origin afterwards. hyper reads the reply; the
//! TLS within the tunnel is `tls`'s work, as without one.

use crate::error::{Error, ErrorKind, Refusal, io_code};
use crate::fields::{FieldLines, push_line};
use crate::head::Head;
use crate::proxy::{AuthAttempt, Proxy};
use crate::request::body::RequestBody;
use crate::request::head::{Http1Head, Parts};
use crate::wire::{HeadError, Wire};
use bytes::{Bytes, BytesMut};
use http::uri::Authority;
use http::{Method, Request, StatusCode};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use std::error::Error as _;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::str::FromStr;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

/// What is kept of the body of a refusal.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// A refusal is one, also when its body does not come.
const BODY_TIMEOUT: Duration = Duration::from_secs(1);

/// Asks for a tunnel to `authority` (`host:port`), and returns it with what came through it meanwhile. None: the proxy wants credentials, closes, and may be asked once more over
/// another connection.
///
/// `challenged` is what the proxy has asked for, over all connections of one attempt.
pub(crate) async fn open<S>(
    stream: S,
    proxy: &Proxy,
    authority: &str,
    challenged: &mut AuthAttempt,
) -> Result<Option<(S, Bytes)>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let request = Connect { proxy, authority };
    let (wire, heads) = Wire::new(stream);
    let shaken = Builder::new().handshake(TokioIo::new(wire)).await;
    let (mut sender, connection) = shaken.map_err(|cause| request.failed(cause))?;
    let mut connection = Driven { connection, is_over: false };
    let mut is_used = false;
    loop {
        let mut hypers = Request::new(RequestBody::Empty);
        *hypers.method_mut() = Method::CONNECT;
        *hypers.headers_mut() = heads.begin(request.head(challenged)?, None, None);
        let response = match connection.until(sender.send_request(hypers)).await {
            Ok(response) => response,
            // It was closed with the challenge, without having said so.
            Err(_) if is_used => return Ok(None),
            Err(cause) => return Err(request.failed(cause)),
        };
        is_used = true;
        let head = heads.take_response().ok_or_else(|| request.said_nothing())?;
        // "Any 2xx (Successful) response indicates that the sender will switch to tunnel mode immediately after the
        // response header section": whatever that header section says about a body means nothing.
        if response.status().is_success() {
            proxy.accepted(challenged);
            let parts = connection.connection.into_parts();
            let ahead = match heads.take_ahead() {
                ahead if ahead.is_empty() => parts.read_buf,
                ahead => [&parts.read_buf[..], &ahead].concat().into(),
            };
            return Ok(Some((parts.io.into_inner().into_inner(), ahead)));
        }
        let challenge = match response.status() {
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => proxy.challenged(&head.fields, challenged),
            _ => None,
        };
        let (refusal, is_whole) = connection.read(head, response.into_body()).await;
        match challenge {
            Some(challenge) => *challenged = challenge,
            None => return Err(request.refused(refusal)),
        }
        if !is_whole || !connection.is_ready(&mut sender).await {
            return Ok(None);
        }
    }
}

#[derive(Clone, Copy)]
struct Connect<'a> {
    proxy: &'a Proxy,
    authority: &'a str,
}

impl Connect<'_> {
    /// It says nothing of the request that is to follow: neither its cookies nor its credentials are the proxy's business.
    fn head(self, challenged: &mut AuthAttempt) -> Result<Http1Head, Error> {
        let illegal = || Error::new(ErrorKind::LocalProtocolError, format!("illegal host in '{}'", self.shown()));
        if self.authority.contains('@') || Authority::from_str(self.authority).is_err() {
            return Err(illegal());
        }
        let answer = self.proxy.answer(challenged, "CONNECT", self.authority);
        let answer = answer.or_else(|| self.proxy.authorization("CONNECT", self.authority)).transpose()?;
        let own = &self.proxy.options().fields;
        let mut text = Vec::new();
        push_line(&mut text, b"Host", self.authority.as_bytes());
        if !own.has("accept") {
            push_line(&mut text, b"Accept", b"*/*");
        }
        // The user's word goes before the answer to a challenge.
        let answer = answer.filter(|_| !own.has("proxy-authorization"));
        for (name, value) in own.lines().filter(|(name, _)| !name.eq_ignore_ascii_case(b"host")) {
            push_line(&mut text, name, value);
        }
        let parts = Parts {
            method: &Method::CONNECT,
            target: self.authority.as_bytes(),
            fields: &FieldLines::new(text.into()),
            host: self.authority,
            proxy_authorization: answer,
        };
        Http1Head::new(parts, &RequestBody::Empty)
    }

    fn refused(self, refusal: Refusal) -> Error {
        let (status, phrase) = (refusal.status, refusal.phrase());
        let message = format!("{status} {phrase} (CONNECT {} by {})", self.shown(), self.proxy);
        Error::new(ErrorKind::ProxyError, message).with_refusal(refusal).at_proxy()
    }

    fn said_nothing(self) -> Error {
        let message = format!("{} sent no reply to CONNECT {}", self.proxy, self.shown());
        Error::new(ErrorKind::ProxyError, message).at_proxy()
    }

    fn failed(self, cause: hyper::Error) -> Error {
        let Connect { proxy, .. } = self;
        let authority = self.shown();
        let broken = cause.source().and_then(|source| source.downcast_ref::<io::Error>());
        let code = broken.and_then(io_code);
        let message = match broken {
            _ if cause.is_incomplete_message() || cause.is_canceled() || cause.is_closed() => {
                format!("{proxy} closed the connection instead of answering CONNECT {authority}")
            }
            Some(broken) if broken.get_ref().is_some_and(|inner| inner.is::<HeadError>()) => {
                format!("{proxy} sent no valid reply to CONNECT {authority}: {broken}")
            }
            Some(broken) => format!("{proxy} did not answer CONNECT {authority}: {broken}"),
            None => format!("{proxy} sent no valid reply to CONNECT {authority}: {cause}"),
        };
        let error = Error::new(ErrorKind::ProxyError, message).with_source(cause).at_proxy();
        if let Some(code) = code { error.with_code(code) } else { error }
    }

    /// Names can be long.
    fn shown(self) -> String {
        match self.authority.char_indices().nth(300) {
            Some((end, _)) => format!("{}…", &self.authority[..end]),
            None => self.authority.to_owned(),
        }
    }
}

/// hyper's connection, polled by the call that waits for something that it does.
struct Driven<S: AsyncRead + AsyncWrite + Unpin + 'static> {
    connection: Connection<TokioIo<Wire<S>>, RequestBody>,
    is_over: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Driven<S> {
    async fn until<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|cx| {
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(done);
            }
            if !self.is_over && self.connection.poll_without_shutdown(cx).is_ready() {
                self.is_over = true;
            }
            work.as_mut().poll(cx)
        })
        .await
    }

    async fn is_ready(&mut self, sender: &mut SendRequest<RequestBody>) -> bool {
        !self.is_over && self.until(sender.ready()).await.is_ok()
    }

    /// The refusal with as much of its body as comes soon, and whether that was all.
    async fn read(&mut self, head: Head, mut body: Incoming) -> (Refusal, bool) {
        let mut bytes = BytesMut::new();
        let everything = async {
            while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
                let Ok(frame) = frame else { return false };
                let Some(data) = frame.data_ref() else { continue };
                let room = MAX_BODY_BYTES - bytes.len();
                bytes.extend_from_slice(&data[..data.len().min(room)]);
                if data.len() > room {
                    return false;
                }
            }
            true
        };
        let is_whole = timeout(BODY_TIMEOUT, self.until(everything)).await.unwrap_or(false);
        let Head { status, reason, fields, .. } = head;
        (Refusal { status, reason, fields, body: bytes.freeze() }, is_whole)
    }
}

#[cfg(test)]
mod tests;
