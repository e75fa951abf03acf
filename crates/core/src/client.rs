//! The client: a pool, and one exchange over it: a connection, the request on it, and, when the connection had died idle or
//! refused it, once more on another.

mod resend;

use crate::connection::{Answer, Connection, Resend, SendError};
use crate::error::Error;
use crate::origin::Origin;
use crate::pool::{Key, Pool, PoolConfig, PoolStats};
use crate::proxy::{AuthAttempt, Proxy};
use crate::request::Request;
use crate::request::body::RequestBody;
use crate::response::Response;
use crate::timeout::{Clock, Phase, Timeouts};
use crate::timings::{ConnectTrace, Timeline};
use resend::Resends;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use tokio::time::{Instant, sleep};

/// Sends requests over connections of its own. Clones share them.
///
/// Its methods are to be called within a tokio current-thread runtime with a `LocalSet`.
#[derive(Clone)]
pub struct Client {
    pool: Rc<Pool>,
}

impl Client {
    /// A client without connections; nothing is looked up or read before the first request.
    pub fn new(config: PoolConfig) -> Client {
        Client { pool: Pool::new(config) }
    }

    /// The numbers of its connections, readable from any thread and kept up to date.
    pub fn stats(&self) -> Arc<PoolStats> {
        self.pool.stats()
    }

    /// Closes idle connections now and the others when their responses end.
    pub fn close(&self) {
        self.pool.close();
    }

    /// Opens connections to `origin`, or by way of `proxy`, until `count` are there, idle ones included; one that many requests share
    /// counts for all. No more than the limits allow.
    ///
    /// # Errors
    ///
    /// As those of a request that got no connection.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the attempts that are under way.
    pub async fn preconnect(
        &self,
        origin: &Origin,
        proxy: Option<&Proxy>,
        count: usize,
        timeouts: Timeouts,
    ) -> Result<(), Error> {
        let clock = Clock::start(timeouts);
        if proxy.is_some() {
            self.pool.connector.check_behind_proxy(origin)?;
        }
        self.pool.clone().preconnect(Key::new(origin, proxy), count, clock).await
    }

    /// Closes idle connections now and the others when their responses end; new requests get new connections.
    pub fn drain(&self) {
        self.pool.drain();
    }

    /// Sends `request` and resolves once the final response's headers are received.
    ///
    /// # Errors
    ///
    /// When there is no final response: the kind says in which phase it failed, and the code why, where Node has one for it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the exchange: a request in the queue leaves it, an HTTP/1.1 connection that it was using is
    /// closed, and an HTTP/2 stream is reset. A connection that is being made becomes the pool's, as far as it allows that.
    pub async fn send(&self, request: Request, timeouts: Timeouts) -> Result<Response, Error> {
        let mut timeline = Timeline::default();
        match self.exchange(request, timeouts, &mut timeline).await {
            Ok(response) => Ok(response),
            Err(error) => Err(error.with_timeline(timeline)),
        }
    }

    /// What `timeline` says counts when it fails.
    async fn exchange(
        &self,
        mut request: Request,
        timeouts: Timeouts,
        timeline: &mut Timeline,
    ) -> Result<Response, Error> {
        let clock = Clock::start(timeouts);
        let mut asked = clock.started();
        request.body.declare(&request.fields);
        let mut upload = StopOnDrop(Some(request.body.clone()));
        if request.proxy.is_some() {
            // Each time: a proxy that forwards carries requests for many origins over one connection.
            self.pool.connector.check_behind_proxy(&request.origin)?;
        }
        let key = Key::new(&request.origin, request.proxy.as_ref());
        let mut resends = Resends::default();
        let mut attempt = AuthAttempt::default();
        let mut waiting = None;
        loop {
            *timeline = Timeline::default();
            let mut lease = match waiting.take() {
                Some(waiting) => Box::pin(self.pool.acquire_first(&key, waiting, &clock)).await?,
                None => self.pool.acquire(&key, resends.any(), &clock).await?,
            };
            timeline.acquired = Some(lease.acquired().unwrap_or(asked));
            if resends.any() {
                // Where one connection had died, the others may have as well.
                lease.discard();
            }
            let connection = match lease.connection(&clock).await {
                Ok(Some(connection)) => connection,
                Ok(None) => {
                    asked = Instant::now();
                    continue;
                }
                Err(error) => {
                    timeline.connecting = lease.trace().map(ConnectTrace::spent).unwrap_or_default();
                    timeline.peer = lease.trace().and_then(ConnectTrace::peer);
                    return Err(error);
                }
            };
            let info = connection.info().clone();
            timeline.goes_over(&info, info.established > timeline.acquired.unwrap_or(asked));
            if let (true, Connection::Http2(connection)) = (resends.any(), &*connection) {
                let settled = async {
                    connection.settled().await;
                    Ok(())
                };
                clock.within(Phase::Pool, &request.origin, Box::pin(settled)).await?;
            }
            let outcome = connection.send(&request, &clock).await;
            match outcome {
                Ok(answer) if lease.is_misplaced(&answer) && resends.again_elsewhere(&request) => lease.retire(),
                Ok(answer) if answer_challenge(&mut request, &answer, &mut attempt)? => {}
                Ok(answer) => {
                    let timeline = Timeline { sent: Some(answer.progress.last_sent()), ..*timeline };
                    let upload = upload.keep();
                    return Ok(Response::new(answer, lease, upload, clock, request.origin, timeline, info));
                }
                Err(SendError { error, resend, sent }) => {
                    timeline.sent = sent;
                    if !resends.again(&request, resend, lease.is_reused(), lease.may_be_http1()) {
                        return Err(error);
                    }
                    if resend == Resend::RefusedForHttp1 {
                        lease.require_http1();
                    }
                }
            }
            request.body = request.body.replay();
            upload.0 = Some(request.body.clone());
            match resends.pause() {
                None => waiting = Some(self.pool.enqueue_first(&key)),
                Some(pause) => {
                    drop(lease);
                    let paused = async {
                        sleep(pause).await;
                        Ok(())
                    };
                    clock.within(Phase::Pool, &request.origin, Box::pin(paused)).await?;
                }
            }
            asked = Instant::now();
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pool.fmt(f)
    }
}

/// True: a proxy that forwards wants credentials that there are, and the request is to be sent once more, with them. (407 to
/// CONNECT is answered in `connect/tunnel.rs`.)
fn answer_challenge(request: &mut Request, answer: &Answer, attempt: &mut AuthAttempt) -> Result<bool, Error> {
    let Some(proxy) = request.proxy.clone().filter(|proxy| proxy.options().forwards) else { return Ok(false) };
    if answer.head.status != 407 {
        proxy.accepted(attempt);
        return Ok(false);
    }
    let Some(challenge) = proxy.challenged(&answer.head.fields, attempt) else { return Ok(false) };
    if !request.body.is_replayable() {
        return Ok(false);
    }
    *attempt = challenge;
    let uri = String::from_utf8_lossy(&request.target).into_owned();
    request.proxy_answer = proxy.answer(attempt, request.method.as_str(), &uri).transpose()?;
    Ok(true)
}

/// Stops the producer of a streamed body, however the exchange ends.
struct StopOnDrop(Option<RequestBody>);

impl StopOnDrop {
    fn keep(mut self) -> RequestBody {
        self.0.take().unwrap_or(RequestBody::Empty)
    }
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        if let Some(body) = self.0.take() {
            body.stop();
        }
    }
}
