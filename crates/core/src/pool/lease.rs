//! The use of one connection, or of a stream on a shared one, or the right to make a connection.

use super::state::Spoken;
use super::{Idle, Key, Pool};
use crate::connect::Connected;
use crate::connection::Connection;
use crate::connection::http1::Http1;
use crate::connection::http2::Http2;
use crate::error::Error;
use crate::timeout::{Clock, Phase};
use crate::version::Versions;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How long an idle connection may take to become ready for another request.
const GRACE: Duration = Duration::from_millis(100);

/// Dropping it closes the connection, or ends the stream, and gives its place to others.
pub(crate) struct Lease {
    pool: Rc<Pool>,
    key: Key,
    id: u64,
    holds: Holds,
    /// Others wait for the connection that is being made.
    leads: bool,
    reused: bool,
    /// Since when it has waited for a connection, where it did.
    connects_since: Option<Instant>,
    connection: Option<Connection>,
}

#[derive(PartialEq)]
enum Holds {
    /// One of the pool's connections, made or not.
    Place,
    /// A stream; the connection's place is its own.
    Stream,
    Nothing,
}

impl Lease {
    pub(super) fn new(pool: Rc<Pool>, key: &Key, id: u64, connection: Option<Connection>, leads: bool) -> Lease {
        let holds = match connection {
            Some(Connection::Http2(_)) => Holds::Stream,
            _ => Holds::Place,
        };
        let reused = connection.is_some();
        Lease { pool, key: key.clone(), id, holds, leads, reused, connects_since: None, connection }
    }

    /// It has waited since then for a connection that somebody else made: its own attempt has the rest of that time.
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
                        Box::pin(async { Ok(timeout(GRACE, connection.becomes_ready()).await.unwrap_or(false)) });
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
        let versions = self.versions();
        let connecting = self.pool.connector.connect(self.key.origin(), self.key.proxy(), versions);
        let since = self.connects_since.take().unwrap_or_else(Instant::now);
        let connected = clock.within_since(since, Phase::Connect, self.key.origin(), connecting).await;
        let connection = match connected {
            Ok(connected) => self.set_up(connected).await,
            Err(error) => Err(self.key.timed_out(error)),
        };
        let spoken = match &connection {
            Ok(Connection::Http1(_)) => Spoken::Http1,
            Ok(Connection::Http2(_)) => Spoken::Http2,
            Err(_) => Spoken::Nothing,
        };
        if versions.may_be_http2(self.key.origin().scheme()) {
            self.pool.state.borrow_mut().learn(&self.key, spoken);
        }
        let connection = self.connection.insert(connection?);
        if let Connection::Http2(connection) = connection {
            connection.open_stream();
            self.holds = Holds::Stream;
            self.pool.state.borrow_mut().share(&self.key, self.id, connection.clone());
        }
        self.stop_leading();
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
                Http2::handshake(connected.stream, self.key.origin(), ping_interval, on_room, on_end).await?;
            return Ok(Connection::Http2(connection));
        }
        let on_close = move || {
            if let Some(pool) = pool.upgrade() {
                pool.closed_by_peer(&key, id);
            }
        };
        Ok(Connection::Http1(Http1::handshake(connected.stream, self.key.origin(), on_close).await?))
    }

    /// Those who waited for this connection may share it, or make their own.
    fn stop_leading(&mut self) {
        if std::mem::take(&mut self.leads) {
            self.pool.state.borrow_mut().led(&self.key);
            self.pool.assign();
        }
    }

    /// The peer wants HTTP/1.1 for this origin; false where that is not allowed.
    pub(crate) fn require_http1(&self) -> bool {
        let allowed = self.pool.config.versions.http1;
        if allowed {
            self.pool.state.borrow_mut().learn(&self.key, Spoken::Http1Only);
        }
        allowed
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
        if self.holds == Holds::Place {
            self.connection = None;
        }
    }

    /// Gives the connection back for others to use, for `at_most` so long.
    pub(crate) fn release(mut self, at_most: Option<Duration>) {
        if self.holds != Holds::Place {
            return;
        }
        let pool = self.pool.clone();
        let until = pool.expiry(at_most);
        let since = Instant::now();
        let unwanted = pool.state.borrow().closed
            || until.is_some_and(|until| until <= since)
            || pool.config.max_keepalive_connections == Some(0);
        let Some(Connection::Http1(mut connection)) = self.connection.take() else { return };
        connection.finished();
        if unwanted || connection.is_closed() {
            return;
        }
        let (key, id) = (self.key.clone(), self.id);
        // Its place is not freed but goes to the idle connection.
        self.holds = Holds::Nothing;
        drop(self);
        pool.keep(&key, Idle { connection, id, since, until });
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let connection = self.connection.take();
        match self.holds {
            Holds::Nothing => {}
            Holds::Stream => {
                if let Some(Connection::Http2(connection)) = &connection {
                    connection.close_stream();
                }
                self.pool.stream_ended(&self.key, self.id);
            }
            Holds::Place => {
                drop(connection);
                if self.leads {
                    self.pool.state.borrow_mut().led(&self.key);
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
