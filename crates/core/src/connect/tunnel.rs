//! CONNECT (RFC 9110 section 9.3.6), over any stream: to the proxy before, to the origin afterwards. hyper reads the reply; the
//! TLS within the tunnel is `tls`'s work, as without one.

use crate::error::{Error, ErrorKind, Refusal, io_code};
use crate::proxy::{AuthAttempt, Proxy};
use crate::request::body::RequestBody;
use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, HOST, HeaderMap, HeaderValue, PROXY_AUTHORIZATION};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper::ext::ReasonPhrase;
use hyper_util::rt::TokioIo;
use std::error::Error as _;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

/// The head of the reply.
const MAX_HEAD_BYTES: usize = 64 * 1024;
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
    let shaken =
        Builder::new().title_case_headers(true).max_buf_size(MAX_HEAD_BYTES).handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = shaken.map_err(|cause| request.failed(cause))?;
    let mut connection = Driven { connection, is_over: false };
    let mut is_used = false;
    loop {
        let head = request.head(challenged)?;
        let response = match connection.until(sender.send_request(head)).await {
            Ok(response) => response,
            // It was closed with the challenge, without having said so.
            Err(_) if is_used => return Ok(None),
            Err(cause) => return Err(request.failed(cause)),
        };
        is_used = true;
        // "Any 2xx (Successful) response indicates that the sender will switch to tunnel mode immediately after the
        // response header section": whatever that header section says about a body means nothing.
        if response.status().is_success() {
            proxy.accepted(challenged);
            let parts = connection.connection.into_parts();
            return Ok(Some((parts.io.into_inner(), parts.read_buf)));
        }
        let challenge = match response.status() {
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => proxy.challenged(response.headers(), challenged),
            _ => None,
        };
        let (refusal, is_whole) = connection.read(response).await;
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
    fn head(self, challenged: &mut AuthAttempt) -> Result<Request<RequestBody>, Error> {
        let illegal = |_| Error::new(ErrorKind::LocalProtocolError, format!("illegal host in '{}'", self.shown()));
        if self.authority.contains('@') {
            return Err(illegal(()));
        }
        let uri = Uri::from_maybe_shared(Bytes::copy_from_slice(self.authority.as_bytes())).map_err(|_| illegal(()))?;
        let host = HeaderValue::from_str(self.authority).map_err(|_| illegal(()))?;
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host);
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        let answer = self.proxy.answer(challenged, "CONNECT", self.authority);
        if let Some(answer) = answer.or_else(|| self.proxy.authorization("CONNECT", self.authority)) {
            headers.insert(PROXY_AUTHORIZATION, answer?);
        }
        let own = &self.proxy.options().fields;
        for name in own.keys().filter(|name| *name != HOST) {
            for (at, value) in own.get_all(name).iter().enumerate() {
                match at {
                    0 => drop(headers.insert(name, value.clone())),
                    _ => drop(headers.append(name, value.clone())),
                }
            }
        }
        let mut request = Request::new(RequestBody::Empty);
        *request.method_mut() = Method::CONNECT;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(request)
    }

    fn refused(self, refusal: Refusal) -> Error {
        let (status, phrase) = (refusal.status.as_u16(), refusal.phrase());
        let message = format!("{status} {phrase} (CONNECT {} by {})", self.shown(), self.proxy);
        Error::new(ErrorKind::ProxyError, message).with_refusal(refusal).at_proxy()
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
    connection: Connection<TokioIo<S>, RequestBody>,
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
    async fn read(&mut self, response: Response<Incoming>) -> (Refusal, bool) {
        let (head, mut body) = response.into_parts();
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
        let reason = head.extensions.get::<ReasonPhrase>().filter(|reason| !reason.as_bytes().is_empty());
        let reason = reason.map(|reason| Bytes::copy_from_slice(reason.as_bytes()));
        (Refusal { status: head.status, reason, headers: head.headers, body: bytes.freeze() }, is_whole)
    }
}

#[cfg(test)]
mod tests;
