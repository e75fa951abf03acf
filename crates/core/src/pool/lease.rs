//! The use of one connection, or of a stream on a shared one, or the right to make a connection.

use super::attempt::Attempt;
use super::decision::{Idle, KnownProtocol};
use super::state::sooner;
use super::{Key, Pool};
use crate::connect::Connected;
use crate::connection::http1::Http1;
use crate::connection::http2::Http2;
use crate::connection::{Answer, Connection};
use crate::error::Error;
use crate::timeout::{Clock, Phase};
use crate::timings::ConnectTrace;
use crate::version::Versions;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How long an idle connection may take to become ready for another request.
const READY_TIMEOUT: Duration = Duration::from_millis(100);

/// Dropping it closes the connection, or ends the stream, and gives its slot to others.
pub(crate) struct Lease {
    pool: Rc<Pool>,
    key: Key,
    id: u64,
    claim: Claim,
    /// Others wait for the connection that is being made.
    single_flight: bool,
    reused: bool,
    /// Of the pool, when the connection was there or began to be made.
    generation: u32,
    /// Since when it has waited for a connection, where it did.
    connects_since: Option<Instant>,
    /// When it was given, where it was waited for.
    acquired: Option<Instant>,
    /// An attempt to connect is not to go on without it.
    is_bound: bool,
    /// Of the attempt that was made last.
    trace: Option<Rc<ConnectTrace>>,
    connection: Option<Connection>,
}

#[derive(PartialEq)]
enum Claim {
    /// One of the connections that the pool allows, made or not.
    Slot,
    /// A stream; the slot is the connection's own.
    Stream,
    None,
}

impl Lease {
    pub(super) fn new(
        pool: Rc<Pool>,
        key: &Key,
        id: u64,
        connection: Option<Connection>,
        single_flight: bool,
    ) -> Lease {
        let claim = match connection {
            Some(Connection::Http2(_)) => Claim::Stream,
            _ => Claim::Slot,
        };
        let reused = connection.is_some();
        let (key, generation) = (key.clone(), pool.state.borrow().generation);
        let (connects_since, acquired, trace) = (None, None, None);
        let is_bound = false;
        Lease {
            pool,
            key,
            id,
            claim,
            single_flight,
            reused,
            generation,
            connects_since,
            acquired,
            is_bound,
            trace,
            connection,
        }
    }

    /// An attempt to connect ends with the request that waits for it.
    pub(super) fn bind(&mut self) {
        self.is_bound = true;
    }

    /// It was waited for until now.
    pub(super) fn was_awaited(&mut self) {
        self.acquired = Some(Instant::now());
    }

    /// When it was given; `None`: as soon as it was asked for.
    pub(crate) fn acquired(&self) -> Option<Instant> {
        self.acquired
    }

    /// Where the time of connecting went, if that was needed.
    pub(crate) fn trace(&self) -> Option<&ConnectTrace> {
        self.trace.as_deref()
    }

    /// It has waited since then for a connection that another request made: its own attempt has the rest of that time.
    pub(super) fn connects_since(&mut self, since: Instant) {
        self.connects_since = Some(since);
    }

    /// The connection has served a request before.
    pub(crate) fn is_reused(&self) -> bool {
        self.reused
    }

    /// The connection, made when there is none or the idle one turned out to be closed. `None` when a shared one is:
    /// another has to be acquired.
    pub(crate) async fn connection(&mut self, clock: &Clock) -> Result<Option<&mut Connection>, Error> {
        let usable = match &mut self.connection {
            Some(Connection::Http1(connection)) => {
                let ready = connection.is_ready() || {
                    // One whose last request has not left it by now (its peer answered without reading it all) may
                    // never be: a new one is made instead.
                    let ready =
                        Box::pin(async { Ok(timeout(READY_TIMEOUT, connection.unpark()).await.unwrap_or(false)) });
                    clock
                        .within(Phase::Connect, self.key.origin(), ready)
                        .await
                        .map_err(|error| self.key.timed_out(error))?
                };
                ready && connection.is_silent()
            }
            Some(Connection::Http2(connection)) => {
                if connection.is_usable_now().await {
                    return Ok(self.connection.as_mut());
                }
                return Ok(None);
            }
            None => false,
        };
        if !usable {
            // On the heap, as most requests find a connection: their futures stay small.
            Box::pin(self.connect(clock)).await?;
        }
        Ok(self.connection.as_mut())
    }

    async fn connect(&mut self, clock: &Clock) -> Result<(), Error> {
        self.connection = None;
        self.reused = false;
        self.generation = self.pool.state.borrow().generation;
        let versions = self.versions();
        let trace = self.trace.insert(Rc::new(ConnectTrace::start())).clone();
        let since = self.connects_since.take().unwrap_or_else(Instant::now);
        let limit = clock.limits.connect;
        let mut attempt = Attempt::start(&self.pool, &self.key, versions, trace, since, limit, self.is_bound);
        let connected = clock.within_since(since, Phase::Connect, self.key.origin(), attempt.outcome()).await;
        drop(attempt);
        self.install(connected, versions).await
    }

    /// The outcome of an attempt to connect, for the request that has waited for it and for those that may share it.
    pub(super) async fn install(
        &mut self,
        connected: Result<Connected, Error>,
        versions: Versions,
    ) -> Result<(), Error> {
        let connection = match connected {
            Ok(connected) => self.set_up(connected).await,
            Err(error) => Err(self.key.timed_out(error)),
        };
        let protocol = match &connection {
            Ok(Connection::Http1(_)) => KnownProtocol::Http1,
            Ok(Connection::Http2(_)) => KnownProtocol::Http2,
            Err(_) => KnownProtocol::Unknown,
        };
        if versions.may_be_http2(self.key.origin().scheme()) {
            self.pool.state.borrow_mut().learn(&self.key, protocol);
        }
        let connection = self.connection.insert(connection?);
        if let Connection::Http2(connection) = connection {
            connection.open_stream();
            self.claim = Claim::Stream;
            let retires = self.pool.config.retires(connection.info().established);
            let mut state = self.pool.state.borrow_mut();
            if self.generation != state.generation {
                // For this request alone.
                connection.retire();
            }
            state.share(&self.key, self.id, connection.clone(), retires);
            drop(state);
        }
        self.end_single_flight();
        Ok(())
    }

    fn versions(&self) -> Versions {
        let versions = self.key.versions(self.pool.config.versions);
        let http1_only = versions.http1 && self.pool.state.borrow().requires_http1(&self.key);
        Versions { http2: versions.http2 && !http1_only, ..versions }
    }

    async fn set_up(&mut self, connected: Connected) -> Result<Connection, Error> {
        self.id = next_id();
        let (pool, key, id) = (Rc::downgrade(&self.pool), self.key.clone(), self.id);
        if connected.is_http2 {
            let on_room = {
                let pool = pool.clone();
                move || {
                    if let Some(pool) = pool.upgrade() {
                        pool.assign();
                    }
                }
            };
            let on_end = move || {
                if let Some(pool) = pool.upgrade() {
                    pool.shared_ended(&key, id);
                }
            };
            let ping_interval = self.pool.config.ping_interval;
            let connection =
                Http2::handshake(connected, self.key.origin(), &self.pool.vigil, ping_interval, on_room, on_end)
                    .await?;
            return Ok(Connection::Http2(connection));
        }
        let on_close = move || {
            if let Some(pool) = pool.upgrade() {
                pool.closed_by_peer(&key, id);
            }
        };
        Ok(Connection::Http1(Http1::handshake(connected, self.key.origin(), &self.pool.vigil, on_close).await?))
    }

    /// The requests that waited for this connection may share it, or make their own.
    fn end_single_flight(&mut self) {
        if std::mem::take(&mut self.single_flight) {
            self.pool.state.borrow_mut().end_single_flight(&self.key);
            self.pool.assign();
        }
    }

    /// Whether HTTP/1.1 is allowed.
    pub(crate) fn may_be_http1(&self) -> bool {
        self.pool.config.versions.http1
    }

    /// The peer has said that it wants HTTP/1.1 for this origin.
    pub(crate) fn require_http1(&self) {
        self.pool.state.borrow_mut().learn(&self.key, KnownProtocol::Http1Only);
    }

    /// The response is about the connection and not about the request, which another may carry: 408 with `close`, as
    /// servers say goodbye to an idle connection (RFC 9110 section 15.5.9), or over HTTP/2 421 (section 15.5.20).
    pub(crate) fn is_misplaced(&self, answer: &Answer) -> bool {
        match (&self.connection, answer.head.status) {
            (Some(Connection::Http1(_)), 408) => self.reused && answer.reuse.is_none(),
            (Some(Connection::Http2(_)), 421) => true,
            _ => false,
        }
    }

    /// A shared connection gets no more requests.
    pub(crate) fn retire(&self) {
        if let Some(Connection::Http2(connection)) = &self.connection {
            connection.retire();
        }
    }

    /// A timeout ran out: see [`Http2::suspect`]. An HTTP/1.1 connection is closed anyway.
    pub(crate) fn suspect(&self, clock: &Clock) {
        if let Some(Connection::Http2(connection)) = &self.connection {
            connection.suspect(clock);
        }
    }

    /// Closes the idle connection that came with the lease; the next is a new one. A shared one stays: the pool gives no
    /// more streams on one that has refused any.
    pub(crate) fn discard(&mut self) {
        if self.claim == Claim::Slot {
            self.connection = None;
        }
    }

    /// Gives the connection back for others to use, for `at_most` so long.
    pub(crate) fn release(mut self, at_most: Option<Duration>) {
        if self.claim != Claim::Slot {
            return;
        }
        let pool = self.pool.clone();
        let Some(Connection::Http1(mut connection)) = self.connection.take() else { return };
        let until = sooner(pool.expiry(at_most), pool.config.retires(connection.info().established));
        let since = Instant::now();
        let unwanted = pool.state.borrow().closed
            || pool.state.borrow().generation != self.generation
            || until.is_some_and(|until| until <= since)
            || pool.config.max_keepalive_connections == Some(0);
        connection.finished();
        if unwanted || connection.is_closed() {
            return;
        }
        let (key, id) = (self.key.clone(), self.id);
        // Its slot is not freed but goes to the idle connection.
        self.claim = Claim::None;
        drop(self);
        pool.keep(&key, Idle { connection, id, since, until });
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let connection = self.connection.take();
        match self.claim {
            Claim::None => {}
            Claim::Stream => {
                if let Some(Connection::Http2(connection)) = &connection {
                    connection.close_stream();
                }
                self.pool.stream_ended(&self.key, self.id);
            }
            Claim::Slot => {
                drop(connection);
                if self.single_flight {
                    self.pool.state.borrow_mut().end_single_flight(&self.key);
                }
                self.pool.state.borrow_mut().leave(&self.key);
                self.pool.assign();
            }
        }
    }
}

fn next_id() -> u64 {
    thread_local!(static NEXT: Cell<u64> = const { Cell::new(1) });
    NEXT.replace(NEXT.get() + 1)
}
