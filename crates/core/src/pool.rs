//! Who may use which connection. Plain state behind a `RefCell`: decide inside, act outside.
//!
//! It does not connect ([`crate::connect`]), it does not send ([`crate::exchange`]); it counts, keeps and hands out.

use crate::connect::Connector;
use crate::connect::tls::TlsOptions;
use crate::error::Error;
use crate::http1::Http1;
use crate::origin::Origin;
use crate::timeout::{Clock, Phase};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

/// The limits of a pool; `None` is no limit.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    pub max_connections: Option<usize>,
    pub max_connections_per_origin: Option<usize>,
    /// Counts idle connections only.
    pub max_keepalive_connections: Option<usize>,
    pub keepalive_expiry: Option<Duration>,
    pub tls: TlsOptions,
}

impl Default for PoolConfig {
    fn default() -> Self {
        PoolConfig {
            max_connections: Some(1_000),
            max_connections_per_origin: None,
            max_keepalive_connections: Some(256),
            keepalive_expiry: Some(Duration::from_secs(4)),
            tls: TlsOptions::default(),
        }
    }
}

/// A pool's numbers, readable from any thread.
#[derive(Default)]
pub struct PoolStats {
    active: AtomicU32,
    idle: AtomicU32,
    queued: AtomicU32,
}

impl PoolStats {
    /// Connections in use, those being made included.
    pub fn active(&self) -> u32 {
        self.active.load(Ordering::Relaxed)
    }

    pub fn idle(&self) -> u32 {
        self.idle.load(Ordering::Relaxed)
    }

    /// Requests that wait for a connection.
    pub fn queued(&self) -> u32 {
        self.queued.load(Ordering::Relaxed)
    }
}

/// Connections by origin, with limits. One per client.
pub struct Pool {
    pub(crate) connector: Connector,
    config: PoolConfig,
    state: RefCell<State>,
    stats: Arc<PoolStats>,
    this: Weak<Pool>,
}

#[derive(Default)]
struct State {
    places: HashMap<Origin, Place>,
    /// Active and idle, all origins.
    open: usize,
    idle: usize,
    /// First come, first served, over all origins.
    queue: VecDeque<Waiter>,
    next_ticket: u64,
    closed: bool,
    reaping: bool,
}

#[derive(Default)]
struct Place {
    /// Active and idle.
    open: usize,
    /// The most recently used last.
    idle: Vec<Idle>,
}

struct Idle {
    connection: Http1,
    /// Tells it from the others when it closes by itself.
    id: u64,
    since: Instant,
    until: Option<Instant>,
}

struct Waiter {
    ticket: u64,
    origin: Origin,
    grant: oneshot::Sender<Lease>,
}

impl Pool {
    pub fn new(config: PoolConfig) -> Rc<Pool> {
        Rc::new_cyclic(|this| Pool {
            connector: Connector::new(config.tls.clone()),
            config,
            state: RefCell::default(),
            stats: Arc::default(),
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
            state.take_idle(|_| true)
        };
        self.count();
        drop(idle);
    }

    /// A connection to `origin`, or the right to make one, in the order of asking.
    pub(crate) async fn acquire(&self, origin: &Origin, clock: &Clock) -> Result<Lease, Error> {
        let decision = self.state.borrow_mut().decide(origin, &self.config);
        match decision {
            Decision::Idle(idle) => Ok(self.lease(origin, Some(idle))),
            Decision::Room(evicted) => {
                drop(evicted);
                Ok(self.lease(origin, None))
            }
            // On the heap, as most requests need not wait: their futures stay small.
            Decision::Wait => Box::pin(self.wait(origin, clock)).await,
        }
    }

    async fn wait(&self, origin: &Origin, clock: &Clock) -> Result<Lease, Error> {
        let mut waiting = self.enqueue(origin);
        let grant = clock.within(Phase::Pool, origin, async { Ok((&mut waiting.grant).await.ok()) }).await?;
        // The pool keeps every waiter's sender until it has granted; it lives while `self` is borrowed.
        Ok(grant.expect("a waiter is granted before it is forgotten"))
    }

    fn lease(&self, origin: &Origin, idle: Option<Idle>) -> Lease {
        self.count();
        let (id, connection) = match idle {
            Some(idle) => (idle.id, Some(idle.connection)),
            None => (0, None),
        };
        let pool = self.this.upgrade().expect("called through an Rc");
        Lease { pool, origin: origin.clone(), reused: connection.is_some(), id, connection }
    }

    fn enqueue(&self, origin: &Origin) -> Waiting<'_> {
        let (sender, grant) = oneshot::channel();
        let mut state = self.state.borrow_mut();
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        state.queue.push_back(Waiter { ticket, origin: origin.clone(), grant: sender });
        drop(state);
        self.count();
        Waiting { pool: self, ticket, grant }
    }

    /// Serves whom it can, oldest first.
    fn assign(&self) {
        loop {
            let next = self.state.borrow_mut().next_grant(&self.config);
            let Some((waiter, connection, evicted)) = next else { break };
            drop(evicted);
            let lease = self.lease(&waiter.origin, connection);
            // A waiter that went away gives the lease back by dropping it.
            let _ = waiter.grant.send(lease);
        }
        self.count();
    }

    fn count(&self) {
        let state = self.state.borrow();
        self.stats.active.store((state.open - state.idle) as u32, Ordering::Relaxed);
        self.stats.idle.store(state.idle as u32, Ordering::Relaxed);
        self.stats.queued.store(state.queue.len() as u32, Ordering::Relaxed);
    }

    /// Called by a connection that closed by itself.
    pub(crate) fn closed_by_peer(&self, origin: &Origin, id: u64) {
        let gone = self.state.borrow_mut().take_idle_of(origin, |idle| idle.id == id);
        if !gone.is_empty() {
            drop(gone);
            self.assign();
        }
    }

    fn keep(&self, origin: &Origin, idle: Idle) {
        let surplus = {
            let mut state = self.state.borrow_mut();
            state.put_idle(origin, idle);
            match self.config.max_keepalive_connections {
                Some(most) if state.idle > most => state.evict(None),
                _ => None,
            }
        };
        drop(surplus);
        if !self.state.borrow().queue.is_empty() {
            self.assign();
        } else {
            self.count();
        }
        self.reap();
    }

    /// One timer a pool closes what has been idle for too long, and puts to sleep what has been so for a while; it runs
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
            let expired = state.take_idle(|idle| idle.has_expired(now));
            let next = state.places.values().flat_map(|place| &place.idle).filter_map(|idle| idle.tend(now)).min();
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

enum Decision {
    Idle(Idle),
    /// A new connection may be made; the one that had to go for it, if any.
    Room(Option<Idle>),
    Wait,
}

impl State {
    /// Three cases in which a request need not wait; each is counted as taken.
    ///
    /// 1. An idle connection fits.  2. There is room for another.  3. An idle one of another origin makes room.
    fn decide(&mut self, origin: &Origin, config: &PoolConfig) -> Decision {
        let now = Instant::now();
        let place = self.places.entry(origin.clone()).or_default();
        while let Some(idle) = place.idle.pop() {
            self.idle -= 1;
            if !idle.connection.is_closed() && !idle.has_expired(now) {
                return Decision::Idle(idle);
            }
            place.open -= 1;
            self.open -= 1;
        }
        if place.open == 0 {
            self.places.remove(origin);
        }
        let open_here = self.places.get(origin).map_or(0, |place| place.open);
        let origin_is_full = config.max_connections_per_origin.is_some_and(|most| open_here >= most);
        let evicted = match config.max_connections {
            _ if origin_is_full => return Decision::Wait,
            Some(most) if self.open >= most => match self.evict(Some(origin)) {
                Some(idle) => Some(idle),
                None => return Decision::Wait,
            },
            _ => None,
        };
        self.open += 1;
        self.places.entry(origin.clone()).or_default().open += 1;
        Decision::Room(evicted)
    }

    fn next_grant(&mut self, config: &PoolConfig) -> Option<(Waiter, Option<Idle>, Option<Idle>)> {
        for at in 0..self.queue.len() {
            let full = config.max_connections.is_some_and(|most| self.open >= most);
            if full && self.idle == 0 {
                return None;
            }
            let origin = self.queue[at].origin.clone();
            let (connection, evicted) = match self.decide(&origin, config) {
                Decision::Idle(idle) => (Some(idle), None),
                Decision::Room(evicted) => (None, evicted),
                Decision::Wait => continue,
            };
            let waiter = self.queue.remove(at).expect("`at` is within the queue");
            return Some((waiter, connection, evicted));
        }
        None
    }

    /// Takes out the connection that has been idle for longest, of any origin but `except`.
    fn evict(&mut self, except: Option<&Origin>) -> Option<Idle> {
        let (origin, at) = self
            .places
            .iter()
            .filter(|(origin, _)| Some(*origin) != except)
            .flat_map(|(origin, place)| place.idle.iter().enumerate().map(move |(at, idle)| (origin, at, idle.since)))
            .min_by_key(|(_, _, since)| *since)
            .map(|(origin, at, _)| (origin.clone(), at))?;
        let idle = self.places.get_mut(&origin)?.idle.remove(at);
        self.idle -= 1;
        self.leave(&origin);
        Some(idle)
    }

    fn put_idle(&mut self, origin: &Origin, idle: Idle) {
        self.idle += 1;
        self.places.entry(origin.clone()).or_default().idle.push(idle);
    }

    /// One connection less.
    fn leave(&mut self, origin: &Origin) {
        self.open -= 1;
        if let Some(place) = self.places.get_mut(origin) {
            place.open -= 1;
            if place.open == 0 {
                self.places.remove(origin);
            }
        }
    }

    fn take_idle(&mut self, which: impl Fn(&Idle) -> bool) -> Vec<Idle> {
        let origins: Vec<Origin> =
            self.places.iter().filter(|(_, place)| place.idle.iter().any(&which)).map(|(o, _)| o.clone()).collect();
        origins.iter().flat_map(|origin| self.take_idle_of(origin, &which)).collect()
    }

    fn take_idle_of(&mut self, origin: &Origin, which: impl Fn(&Idle) -> bool) -> Vec<Idle> {
        let Some(place) = self.places.get_mut(origin) else { return Vec::new() };
        let taken: Vec<Idle> = place.idle.extract_if(.., |idle| which(idle)).collect();
        self.idle -= taken.len();
        for _ in &taken {
            self.leave(origin);
        }
        taken
    }
}

impl Idle {
    /// Puts it to sleep when it is time; returns when to look again.
    fn tend(&self, now: Instant) -> Option<Instant> {
        let asleep_from = self.since + SLEEP_AFTER;
        if asleep_from > now {
            return Some(self.until.map_or(asleep_from, |until| until.min(asleep_from)));
        }
        self.connection.fall_asleep();
        self.until
    }

    fn has_expired(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

/// A place in the queue; dropping it leaves the queue.
struct Waiting<'a> {
    pool: &'a Pool,
    ticket: u64,
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

/// The use of one connection, or the right to make one. Dropping it closes the connection and frees its place.
pub(crate) struct Lease {
    pool: Rc<Pool>,
    origin: Origin,
    id: u64,
    reused: bool,
    connection: Option<Http1>,
}

impl Lease {
    /// The connection has served a request before.
    pub(crate) fn is_reused(&self) -> bool {
        self.reused
    }

    /// The connection, made when there is none or the idle one turned out to be closed.
    pub(crate) async fn connection(&mut self, clock: &Clock) -> Result<&mut Http1, Error> {
        let ready = match &mut self.connection {
            Some(connection) if connection.is_ready() => true,
            Some(connection) => {
                let ready = Box::pin(async { Ok(connection.becomes_ready().await) });
                clock.within(Phase::Connect, &self.origin, ready).await?
            }
            None => false,
        };
        let usable = ready && self.connection.as_ref().is_some_and(|connection| connection.meter().is_silent());
        if !usable {
            // On the heap, as most requests find a connection: their futures stay small.
            Box::pin(self.connect(clock)).await?;
        }
        Ok(self.connection.as_mut().expect("it was usable, or made"))
    }

    async fn connect(&mut self, clock: &Clock) -> Result<(), Error> {
        self.connection = None;
        self.reused = false;
        let (pool, origin) = (&self.pool, &self.origin);
        let stream = clock.within(Phase::Connect, origin, pool.connector.connect(origin)).await?;
        self.id = pool.next_id();
        let on_close = {
            let (pool, origin, id) = (Rc::downgrade(pool), origin.clone(), self.id);
            move || {
                if let Some(pool) = pool.upgrade() {
                    pool.closed_by_peer(&origin, id);
                }
            }
        };
        self.connection = Some(Http1::handshake(stream, origin, on_close).await?);
        Ok(())
    }

    /// Closes the idle connection that came with the lease; the next is a new one.
    pub(crate) fn discard(&mut self) {
        self.connection = None;
    }

    /// Gives the connection back for others to use, for `at_most` so long.
    pub(crate) fn release(mut self, at_most: Option<Duration>) {
        let pool = self.pool.clone();
        let expiry = match (pool.config.keepalive_expiry, at_most) {
            (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        let unwanted = pool.state.borrow().closed
            || expiry.is_some_and(|expiry| expiry.is_zero())
            || pool.config.max_keepalive_connections == Some(0);
        if let Some(connection) = &mut self.connection {
            connection.finished();
        }
        let Some(connection) = self.connection.take_if(|connection| !unwanted && !connection.is_closed()) else {
            return;
        };
        let since = Instant::now();
        let until = expiry.and_then(|expiry| since.checked_add(expiry));
        let (origin, id) = (self.origin.clone(), self.id);
        // Its place is not freed but goes to the idle connection.
        self.id = KEPT;
        drop(self);
        pool.keep(&origin, Idle { connection, id, since, until });
    }
}

/// Idle for so long, a connection is worth waking up later for the memory that it frees now.
const SLEEP_AFTER: Duration = Duration::from_millis(500);

/// A lease whose place has gone to an idle connection.
const KEPT: u64 = u64::MAX;

impl Drop for Lease {
    fn drop(&mut self) {
        self.connection = None;
        if self.id != KEPT {
            self.pool.state.borrow_mut().leave(&self.origin);
            self.pool.assign();
        }
    }
}

impl Pool {
    fn next_id(&self) -> u64 {
        thread_local!(static NEXT: Cell<u64> = const { Cell::new(1) });
        NEXT.replace(NEXT.get() + 1)
    }
}
