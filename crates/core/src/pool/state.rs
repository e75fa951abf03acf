//! Which connections there are, and what to do for the next request: decisions only, no I/O and no waiting.
//!
//! An HTTP/1.1 connection is either idle, and here, or leased, and only counted. An HTTP/2 connection is shared: it stays
//! here while streams run over it.

use super::config::PoolConfig;
use super::{Idle, Key, Waiter};
use crate::connection::http2::Http2;
use std::collections::{HashMap, HashSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

#[derive(Default)]
pub(super) struct State {
    places: HashMap<Key, Place>,
    /// What was spoken last, by origins that may choose.
    spoken: HashMap<Key, Spoken>,
    /// Active and idle, all origins.
    pub(super) open: usize,
    pub(super) idle: usize,
    /// First come, first served, over all origins.
    pub(super) queue: VecDeque<Waiter>,
    pub(super) next_ticket: u64,
    pub(super) closed: bool,
    pub(super) reaping: bool,
}

#[derive(Default)]
struct Place {
    /// Active and idle.
    open: usize,
    /// The most recently used last.
    idle: Vec<Idle>,
    /// HTTP/2, the oldest first.
    shared: Vec<Shared>,
    /// Connections under way that others may come to share.
    connecting: usize,
    /// Told when there is none under way any more.
    connected: Option<Rc<Notify>>,
}

struct Shared {
    connection: Rc<Http2>,
    id: u64,
    /// Since when no stream has run over it, and until when it is kept; `None` while one does.
    idle: Option<(Instant, Option<Instant>)>,
}

/// What an origin that may choose has chosen.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Spoken {
    Http1,
    Http2,
    /// It has said HTTP_1_1_REQUIRED.
    Http1Only,
    /// No connection was made the last time.
    Nothing,
}

pub(super) enum Decision {
    Idle(Idle),
    /// A stream on a connection that others use as well; it is counted as open there.
    Stream {
        connection: Rc<Http2>,
        id: u64,
    },
    /// A new connection may be made.
    Room {
        /// The one that had to go for it.
        evicted: Option<Gone>,
        /// Others wait for this connection, as it may be one to share.
        leads: bool,
    },
    Wait(WaitFor),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WaitFor {
    Place,
    /// A connection that somebody else is making.
    Connection,
}

/// Connections that left the state: dropping them closes them, outside of the borrow.
pub(super) enum Gone {
    Idle(#[expect(dead_code, reason = "held to be dropped")] Idle),
    Shared(#[expect(dead_code, reason = "held to be dropped")] Rc<Http2>),
}

impl State {
    /// Five cases; whatever is given out is counted as taken:
    /// a shared connection has room for a stream; an idle connection fits; one that may be shared is being made, so wait;
    /// there is room for another; an idle one of another origin makes room.
    /// Who `waited` for a connection that was not made does not wait for another's attempt again.
    pub(super) fn decide(&mut self, key: &Key, config: &PoolConfig, waited: bool) -> Decision {
        let now = Instant::now();
        let may_share = self.may_share(key, config, waited);
        let place = self.places.entry(key.clone()).or_default();
        let mut settles = false;
        for shared in &mut place.shared {
            if !shared.connection.is_usable() || shared.has_expired(now) {
                continue;
            }
            if shared.connection.open_stream() {
                self.idle -= usize::from(shared.idle.take().is_some());
                return Decision::Stream { connection: shared.connection.clone(), id: shared.id };
            }
            settles |= shared.connection.is_unsettled();
        }
        while let Some(idle) = place.idle.pop() {
            self.idle -= 1;
            if !idle.connection.is_closed() && !idle.has_expired(now) {
                return Decision::Idle(idle);
            }
            place.open -= 1;
            self.open -= 1;
        }
        // Its limit is not known yet, or zero, as any other's would be: it will have room.
        if settles {
            return Decision::Wait(WaitFor::Place);
        }
        if may_share && place.connecting > 0 {
            return Decision::Wait(WaitFor::Connection);
        }
        if place.open == 0 {
            self.places.remove(key);
        }
        let open_here = self.places.get(key).map_or(0, |place| place.open);
        let origin_is_full = config.max_connections_per_origin.is_some_and(|most| open_here >= most);
        let evicted = match config.max_connections {
            _ if origin_is_full => return Decision::Wait(WaitFor::Place),
            Some(most) if self.open >= most => match self.evict(Some(key)) {
                Some(gone) => Some(gone),
                None => return Decision::Wait(WaitFor::Place),
            },
            _ => None,
        };
        if may_share && self.spoken.get(key) == Some(&Spoken::Nothing) {
            self.spoken.remove(key);
        }
        self.open += 1;
        let place = self.places.entry(key.clone()).or_default();
        place.open += 1;
        place.connecting += usize::from(may_share);
        Decision::Room { evicted, leads: may_share }
    }

    /// Whether a new connection to `origin` is likely to be one for all.
    fn may_share(&self, key: &Key, config: &PoolConfig, waited: bool) -> bool {
        key.may_be_http2(config.versions)
            && match self.spoken.get(key) {
                Some(Spoken::Http1 | Spoken::Http1Only) => false,
                Some(Spoken::Nothing) => !waited,
                Some(Spoken::Http2) | None => true,
            }
    }

    pub(super) fn requires_http1(&self, key: &Key) -> bool {
        self.spoken.get(key) == Some(&Spoken::Http1Only)
    }

    /// What the last attempt to connect has shown.
    pub(super) fn learn(&mut self, key: &Key, spoken: Spoken) {
        // It is a memory of what is likely, so it may be lost.
        const MOST: usize = 4_096;
        if self.requires_http1(key) {
            return;
        }
        if self.spoken.len() >= MOST && !self.spoken.contains_key(key) {
            self.spoken.clear();
        }
        self.spoken.insert(key.clone(), spoken);
    }

    /// A leading connection was made, or was not.
    pub(super) fn led(&mut self, key: &Key) {
        let Some(place) = self.places.get_mut(key) else { return };
        place.connecting -= 1;
        if place.connecting == 0
            && let Some(connected) = place.connected.take()
        {
            connected.notify_waiters();
        }
    }

    /// While a leading connection is under way: what tells of its end.
    pub(super) fn connecting(&mut self, key: &Key) -> Option<Rc<Notify>> {
        let place = self.places.get_mut(key).filter(|place| place.connecting > 0)?;
        Some(place.connected.get_or_insert_default().clone())
    }

    /// Takes a connection among the shared ones, with one stream open on it. Its place is counted already.
    pub(super) fn share(&mut self, key: &Key, id: u64, connection: Rc<Http2>) {
        let place = self.places.entry(key.clone()).or_default();
        place.shared.push(Shared { connection, id, idle: None });
    }

    /// A stream has ended. `until` is when the connection expires, should it be idle now.
    pub(super) fn end_stream(
        &mut self,
        key: &Key,
        id: u64,
        until: Option<Instant>,
        config: &PoolConfig,
    ) -> Option<Gone> {
        let place = self.places.get_mut(key)?;
        let at = place.shared.iter().position(|shared| shared.id == id)?;
        let shared = &mut place.shared[at];
        if shared.connection.streams() > 0 {
            return None;
        }
        let unwanted =
            self.closed || config.max_keepalive_connections == Some(0) || until.is_some_and(|u| u <= Instant::now());
        if unwanted || !shared.connection.is_usable() {
            let gone = place.shared.remove(at).connection;
            self.leave(key);
            return Some(Gone::Shared(gone));
        }
        shared.idle = Some((Instant::now(), until));
        self.idle += 1;
        self.surplus(config)
    }

    /// A shared connection has ended; streams may still be told so.
    pub(super) fn unshare(&mut self, key: &Key, id: u64) -> Option<Gone> {
        let place = self.places.get_mut(key)?;
        let at = place.shared.iter().position(|shared| shared.id == id)?;
        let shared = place.shared.remove(at);
        self.idle -= usize::from(shared.idle.is_some());
        self.leave(key);
        Some(Gone::Shared(shared.connection))
    }

    /// The oldest waiter that can be served, and with what.
    pub(super) fn next_grant(&mut self, config: &PoolConfig) -> Option<(Waiter, Decision)> {
        // Then most need not be asked, and they may be of thousands of origins.
        let only_streams = self.idle == 0 && config.max_connections.is_some_and(|most| self.open >= most);
        if only_streams && self.places.values().all(|place| place.shared.is_empty()) {
            return None;
        }
        let mut waiting: HashSet<Key> = HashSet::new();
        for at in 0..self.queue.len() {
            let key = &self.queue[at].key;
            let has_streams = || self.places.get(key).is_some_and(|place| !place.shared.is_empty());
            if waiting.contains(key) || (only_streams && !has_streams()) {
                continue;
            }
            let key = key.clone();
            match self.decide(&key, config, true) {
                Decision::Wait(_) => {
                    waiting.insert(key);
                }
                decision => {
                    let waiter = self.queue.remove(at).expect("`at` is within the queue");
                    return Some((waiter, decision));
                }
            }
        }
        None
    }

    /// The idle connection that is one too many, if any.
    fn surplus(&mut self, config: &PoolConfig) -> Option<Gone> {
        match config.max_keepalive_connections {
            Some(most) if self.idle > most => self.evict(None),
            _ => None,
        }
    }

    /// Takes out the connection that has been idle for longest, of any origin but `except`.
    fn evict(&mut self, except: Option<&Key>) -> Option<Gone> {
        let (_, key, id) = self
            .places
            .iter()
            .filter(|(key, _)| Some(*key) != except)
            .flat_map(|(key, place)| place.all_idle().map(move |(since, id)| (since, key, id)))
            .min_by_key(|(since, ..)| *since)?;
        let key = key.clone();
        let (idle, shared) = self.take_idle_of(&key, |idle| idle.id == id, |shared| shared.id == id);
        idle.into_iter().map(Gone::Idle).chain(shared.into_iter().map(Gone::Shared)).next()
    }

    pub(super) fn put_idle(&mut self, key: &Key, idle: Idle, config: &PoolConfig) -> Option<Gone> {
        self.idle += 1;
        self.places.entry(key.clone()).or_default().idle.push(idle);
        self.surplus(config)
    }

    /// One connection less.
    pub(super) fn leave(&mut self, key: &Key) {
        self.open -= 1;
        if let Some(place) = self.places.get_mut(key) {
            place.open -= 1;
            if place.open == 0 {
                self.places.remove(key);
            }
        }
    }

    /// Takes out every idle connection.
    pub(super) fn take_all_idle(&mut self) -> Vec<Gone> {
        self.take_idle(|_| true, |_| true)
    }

    pub(super) fn take_expired(&mut self, now: Instant) -> Vec<Gone> {
        self.take_idle(|idle| idle.has_expired(now), |shared| shared.has_expired(now))
    }

    pub(super) fn take_by_id(&mut self, key: &Key, id: u64) -> Option<Idle> {
        self.take_idle_of(key, |idle| idle.id == id, |_| false).0.pop()
    }

    /// Puts to sleep what has been idle for long enough; returns when to look again.
    pub(super) fn tend(&self, now: Instant) -> Option<Instant> {
        let tended = self.places.values().flat_map(|place| {
            let shared = place.shared.iter().filter_map(|shared| shared.idle?.1);
            place.idle.iter().filter_map(|idle| idle.tend(now)).chain(shared)
        });
        tended.min()
    }

    fn take_idle(&mut self, which: impl Fn(&Idle) -> bool, which_shared: impl Fn(&Shared) -> bool) -> Vec<Gone> {
        let is_one = |place: &Place| {
            place.idle.iter().any(&which) || place.shared.iter().any(|s| s.idle.is_some() && which_shared(s))
        };
        let keys: Vec<Key> =
            self.places.iter().filter(|(_, place)| is_one(place)).map(|(key, _)| key.clone()).collect();
        let mut gone = Vec::new();
        for key in &keys {
            let (idle, shared) = self.take_idle_of(key, &which, &which_shared);
            gone.extend(idle.into_iter().map(Gone::Idle));
            gone.extend(shared.into_iter().map(Gone::Shared));
        }
        gone
    }

    fn take_idle_of(
        &mut self,
        key: &Key,
        which: impl Fn(&Idle) -> bool,
        which_shared: impl Fn(&Shared) -> bool,
    ) -> (Vec<Idle>, Vec<Rc<Http2>>) {
        let Some(place) = self.places.get_mut(key) else { return Default::default() };
        let idle: Vec<Idle> = place.idle.extract_if(.., |idle| which(idle)).collect();
        let shared = place.shared.extract_if(.., |shared| shared.idle.is_some() && which_shared(shared));
        let shared: Vec<Rc<Http2>> = shared.map(|shared| shared.connection).collect();
        let taken = idle.len() + shared.len();
        self.idle -= taken;
        for _ in 0..taken {
            self.leave(key);
        }
        (idle, shared)
    }
}

impl Place {
    fn all_idle(&self) -> impl Iterator<Item = (Instant, u64)> {
        let shared = self.shared.iter().filter_map(|shared| Some((shared.idle?.0, shared.id)));
        self.idle.iter().map(|idle| (idle.since, idle.id)).chain(shared)
    }
}

impl Shared {
    fn has_expired(&self, now: Instant) -> bool {
        self.idle.is_some_and(|(_, until)| until.is_some_and(|until| until <= now))
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

/// Idle for so long, a connection is worth waking up later for the memory that it frees now.
const SLEEP_AFTER: Duration = Duration::from_millis(500);
