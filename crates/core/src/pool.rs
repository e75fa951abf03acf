//! Which request may use which connection. Plain state behind a `RefCell`: decide inside, act outside.
//!
//! It does not connect ([`crate::connect`]), it does not send ([`crate::client`]); it counts, keeps and hands out.

mod attempt;
mod config;
mod decision;
mod key;
mod lease;
mod preconnect;
mod state;

use crate::connect::{Connector, patience};
use crate::connection::Connection;
use crate::connection::http1::Http1;
use crate::connection::http2::Http2;
use crate::connection::vigil::Vigil;
use crate::error::Error;
use crate::timeout::{Clock, Phase};
use attempt::Abandoned;
pub use config::{PoolConfig, PoolStats};
use decision::{Exclusive, Idle, Kinds, Multiplexed, Ticket, WaitFor, Waiter};
pub(crate) use key::Key;
pub(crate) use lease::Lease;
use preconnect::Turns;
use state::State;

use std::cell::RefCell;
use std::fmt;
use std::future::poll_fn;
use std::mem::take;
use std::pin::{Pin, pin};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

/// Connections by origin, with limits. One per client.
pub(crate) struct Pool {
    pub(crate) connector: Connector,
    config: PoolConfig,
    state: RefCell<State<Connections>>,
    turns: RefCell<Turns>,
    /// Attempts to connect that no request waits for.
    abandoned: RefCell<Vec<Abandoned>>,
    stats: Arc<PoolStats>,
    vigil: Rc<Vigil>,
    this: Weak<Pool>,
}

/// What a pool of real connections keeps.
enum Connections {}

type Decision = decision::Decision<Connections>;

impl Kinds for Connections {
    type Exclusive = Http1;
    type Multiplexed = Http2;
    type Grant = oneshot::Sender<Lease>;
}

impl Exclusive for Http1 {
    fn is_closed(&self) -> bool {
        self.is_closed()
    }

    fn park(&self) {
        self.park();
    }
}

impl Multiplexed for Http2 {
    fn is_usable(&self) -> bool {
        self.is_usable()
    }

    fn retire(&self) {
        self.retire();
    }

    fn open_stream(&self) -> bool {
        self.open_stream()
    }

    fn streams(&self) -> usize {
        self.streams()
    }

    fn taken(&self) -> Option<usize> {
        self.taken()
    }

    fn expect_to_take(&self, streams: usize) {
        self.expect_to_take(streams);
    }

    fn awaits_settings(&self) -> bool {
        self.awaits_settings()
    }
}

impl Pool {
    pub fn new(mut config: PoolConfig) -> Rc<Pool> {
        // Taken: they may be large, and the connector shares them with others.
        let vigil = Vigil::new(config.overrides.tcp_keepalive.map(patience));
        let connector = Connector::new(take(&mut config.tls), take(&mut config.overrides));
        Rc::new_cyclic(|this| Pool {
            connector,
            config,
            state: RefCell::default(),
            turns: RefCell::default(),
            abandoned: RefCell::default(),
            stats: Arc::default(),
            vigil,
            this: this.clone(),
        })
    }

    pub fn stats(&self) -> Arc<PoolStats> {
        self.stats.clone()
    }

    /// Closes idle connections now and the others when their responses end.
    pub fn close(&self) {
        let idle = {
            let mut state = self.state.borrow_mut();
            state.closed = true;
            state.take_all_idle()
        };
        self.end_abandoned_attempts();
        self.count();
        drop(idle);
    }

    /// A connection with this key, or the right to make one, in the order of asking; what is sent `again` comes first.
    pub(crate) async fn acquire(&self, key: &Key, again: bool, clock: &Clock) -> Result<Lease, Error> {
        let decision = self.state.borrow_mut().decide(key, &self.config, false);
        match decision {
            // On the heap, as most requests need not wait: their futures stay small.
            Decision::Wait(what) => Box::pin(self.wait(key, again, what, clock)).await,
            decision => Ok(self.lease(key, decision)),
        }
    }

    async fn wait(&self, key: &Key, again: bool, what: WaitFor, clock: &Clock) -> Result<Lease, Error> {
        self.granted(key, self.enqueue(key, again), what == WaitFor::Connection, clock).await
    }

    /// The first place in the queue, after others of the kind: for a request that is sent again, taken before its last
    /// connection's place is given away.
    pub(crate) fn enqueue_first(&self, key: &Key) -> Waiting<'_> {
        self.enqueue(key, true)
    }

    /// As [`Pool::acquire`], from that place.
    pub(crate) async fn acquire_first(&self, key: &Key, waiting: Waiting<'_>, clock: &Clock) -> Result<Lease, Error> {
        self.assign();
        self.granted(key, waiting, true, clock).await
    }

    async fn granted(
        &self,
        key: &Key,
        mut waiting: Waiting<'_>,
        may_share: bool,
        clock: &Clock,
    ) -> Result<Lease, Error> {
        if may_share {
            let since = Instant::now();
            let connected = async { Ok(self.connected(key, &mut waiting.grant).await) };
            if let Some(mut lease) =
                clock.within(Phase::Connect, key.origin(), connected).await.map_err(|error| key.timed_out(error))?
            {
                lease.connects_since(since);
                lease.was_awaited();
                return Ok(lease);
            }
        }
        let grant = clock.within(Phase::Pool, key.origin(), async { Ok((&mut waiting.grant).await.ok()) }).await?;
        // The pool keeps every waiter's sender until it has granted; it lives while `self` is borrowed.
        let mut lease = grant.expect("a waiter is granted before it is forgotten");
        lease.was_awaited();
        Ok(lease)
    }

    /// Waits for what was granted while a connection was being made; `None` when that has ended without.
    async fn connected(&self, key: &Key, grant: &mut oneshot::Receiver<Lease>) -> Option<Lease> {
        loop {
            let connecting = self.state.borrow_mut().connecting(key)?;
            let mut ended = pin!(connecting.notified());
            let granted = poll_fn(|cx| match Pin::new(&mut *grant).poll(cx) {
                Poll::Ready(granted) => Poll::Ready(granted.ok()),
                Poll::Pending => ended.as_mut().poll(cx).map(|()| None),
            });
            if let Some(lease) = granted.await {
                return Some(lease);
            }
        }
    }

    fn lease(&self, key: &Key, decision: Decision) -> Lease {
        self.count();
        let pool = self.this.upgrade().expect("called through an Rc");
        match decision {
            Decision::Idle(idle) => Lease::new(pool, key, idle.id, Some(Connection::Http1(idle.connection)), false),
            Decision::Stream { connection, id } => {
                Lease::new(pool, key, id, Some(Connection::Http2(connection)), false)
            }
            Decision::Connect { evicted, single_flight } => {
                drop(evicted);
                self.end_surplus_attempts(key);
                Lease::new(pool, key, 0, None, single_flight)
            }
            Decision::Wait(_) => unreachable!("a request that waits gets no lease"),
        }
    }

    fn enqueue(&self, key: &Key, again: bool) -> Waiting<'_> {
        let (sender, grant) = oneshot::channel();
        let mut state = self.state.borrow_mut();
        let ticket = Ticket { is_new: !again, number: state.next_ticket };
        state.next_ticket += 1;
        let place = state.queue.partition_point(|waiter| waiter.ticket < ticket);
        state.queue.insert(place, Waiter { ticket, key: key.clone(), grant: sender });
        drop(state);
        self.count();
        Waiting { pool: self, ticket, grant }
    }

    /// Serves every waiter that can be served, oldest first.
    fn assign(&self) {
        while !self.state.borrow().queue.is_empty() {
            let next = self.state.borrow_mut().next_grant(&self.config);
            let Some((waiter, decision)) = next else { break };
            let lease = self.lease(&waiter.key, decision);
            // A waiter that went away gives the lease back by dropping it.
            let _ = waiter.grant.send(lease);
        }
        self.count();
    }

    fn count(&self) {
        let state = self.state.borrow();
        self.stats.set(state.open, state.idle, state.queue.len());
    }

    /// Called by an idle HTTP/1.1 connection that closed by itself.
    fn closed_by_peer(&self, key: &Key, id: u64) {
        let gone = self.state.borrow_mut().take_by_id(key, id);
        if gone.is_some() {
            drop(gone);
            self.assign();
        }
    }

    /// Called by a shared connection that has ended.
    fn shared_ended(&self, key: &Key, id: u64) {
        let gone = self.state.borrow_mut().unshare(key, id);
        drop(gone);
        self.assign();
    }

    /// When a connection that is idle from now on expires; `at_most` is the server's wish.
    fn expiry(&self, at_most: Option<Duration>) -> Option<Instant> {
        let expiry = match (self.config.keepalive_expiry, at_most) {
            (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        expiry.and_then(|expiry| Instant::now().checked_add(expiry))
    }

    fn keep(&self, key: &Key, idle: Idle<Http1>) {
        let surplus = self.state.borrow_mut().put_idle(key, idle, &self.config);
        drop(surplus);
        self.settle();
    }

    /// A stream has ended, so that there is room for another, or the connection is idle.
    fn stream_ended(&self, key: &Key, id: u64) {
        let gone = self.state.borrow_mut().end_stream(key, id, self.expiry(None), &self.config);
        drop(gone);
        self.settle();
    }

    fn settle(&self) {
        if !self.state.borrow().queue.is_empty() {
            self.assign();
        } else {
            self.count();
        }
        if self.state.borrow().idle > 0 {
            self.reap();
        }
    }

    /// One timer a pool closes what has been idle for too long, and parks what has been so for a while; it runs
    /// only while something is idle.
    fn reap(&self) {
        if std::mem::replace(&mut self.state.borrow_mut().reaping, true) {
            return;
        }
        let this = self.this.clone();
        tokio::task::spawn_local(async move {
            loop {
                let Some(next) = this.upgrade().and_then(|pool| pool.reap_once()) else { return };
                sleep_until(next).await;
            }
        });
    }

    /// Closes what has expired; returns when to come back.
    fn reap_once(&self) -> Option<Instant> {
        // Not more often than this, however many connections expire one after the other.
        const PAUSE: Duration = Duration::from_millis(50);
        let now = Instant::now();
        let (expired, next) = {
            let mut state = self.state.borrow_mut();
            let expired = state.take_expired(now);
            let next = state.tend(now);
            state.reaping = next.is_some();
            (expired, next)
        };
        if !expired.is_empty() {
            drop(expired);
            self.assign();
        }
        next.map(|next| next.max(now + PAUSE))
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.borrow();
        write!(f, "<Pool {} active, {} queued | {} idle>", state.open - state.idle, state.queue.len(), state.idle)
    }
}

/// A place in the queue; dropping it leaves the queue.
pub(crate) struct Waiting<'a> {
    pool: &'a Pool,
    ticket: Ticket,
    grant: oneshot::Receiver<Lease>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.state.borrow_mut();
        let left = state.queue.binary_search_by_key(&self.ticket, |waiter| waiter.ticket).ok();
        let waiter = left.and_then(|at| state.queue.remove(at));
        drop(state);
        if waiter.is_some() {
            self.pool.count();
        }
    }
}
