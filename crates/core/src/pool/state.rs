//! Which connections there are, and what to do for the next request: decisions only, no I/O and no waiting.
//!
//! An HTTP/1.1 connection is either idle, and here, or leased, and only counted. An HTTP/2 connection is shared: it stays
//! here while streams run over it.

use super::Key;
use super::config::PoolConfig;
use super::decision::{
    Closing, Decision, Exclusive as _, Idle, Kinds, KnownProtocol, Multiplexed as _, WaitFor, Waiter,
};
use std::collections::{HashMap, HashSet, VecDeque};
use std::rc::Rc;
use tokio::sync::Notify;
use tokio::time::Instant;

pub(super) struct State<K: Kinds> {
    per_origin: HashMap<Key, PerOrigin<K>>,
    /// The last choice of origins that may choose a protocol.
    protocols: HashMap<Key, KnownProtocol>,
    /// How many streams the last connection took, of origins that refused more. A connection that goes on behind them ends it.
    taken: HashMap<Key, usize>,
    /// Connections in use and idle, of all origins.
    pub(super) open: usize,
    pub(super) idle: usize,
    /// First come, first served, over all origins; what is sent again before what is new.
    pub(super) queue: VecDeque<Waiter<K::Grant>>,
    pub(super) next_ticket: u64,
    pub(super) closed: bool,
    /// Counts how often the pool was drained: connections that began before serve no request any more.
    pub(super) generation: u32,
    pub(super) reaping: bool,
}

impl<K: Kinds> Default for State<K> {
    fn default() -> Self {
        State {
            per_origin: HashMap::default(),
            protocols: HashMap::default(),
            taken: HashMap::default(),
            open: 0,
            idle: 0,
            queue: VecDeque::default(),
            next_ticket: 0,
            closed: false,
            generation: 0,
            reaping: false,
        }
    }
}

struct PerOrigin<K: Kinds> {
    /// In use and idle.
    open: usize,
    /// The most recently used last.
    idle: Vec<Idle<K::Exclusive>>,
    /// HTTP/2, the oldest first.
    shared: Vec<Shared<K::Multiplexed>>,
    /// Connections under way that others may come to share.
    connecting: usize,
    /// Notified when none is under way any more.
    connected: Option<Rc<Notify>>,
}

impl<K: Kinds> Default for PerOrigin<K> {
    fn default() -> Self {
        PerOrigin { open: 0, idle: Vec::new(), shared: Vec::new(), connecting: 0, connected: None }
    }
}

struct Shared<C> {
    connection: Rc<C>,
    id: u64,
    /// From when on it takes no further stream.
    retires: Option<Instant>,
    /// Since when no stream has run over it, and until when it is kept; `None` while one does.
    idle: Option<(Instant, Option<Instant>)>,
}

impl<K: Kinds> State<K> {
    /// Five cases; whatever is given out is counted as taken:
    /// a shared connection has room for a stream; an idle connection fits; one that may be shared is being made, so wait;
    /// there is room for another; an idle one of another origin makes room.
    /// A request that has `waited` for a connection which was not made does not wait for another's attempt again.
    pub(super) fn decide(&mut self, key: &Key, config: &PoolConfig, waited: bool) -> Decision<K> {
        let now = Instant::now();
        let origin = self.per_origin.entry(key.clone()).or_default();
        let mut awaits_settings = false;
        for shared in &mut origin.shared {
            if !shared.connection.is_usable() || shared.has_expired(now) || shared.has_retired(now) {
                continue;
            }
            if shared.connection.open_stream() {
                self.idle -= usize::from(shared.idle.take().is_some());
                return Decision::Stream { connection: shared.connection.clone(), id: shared.id };
            }
            awaits_settings |= shared.connection.awaits_settings();
        }
        while let Some(idle) = origin.idle.pop() {
            self.idle -= 1;
            if !idle.connection.is_closed() && !idle.has_expired(now) {
                return Decision::Idle(idle);
            }
            origin.open -= 1;
            self.open -= 1;
        }
        // Its limit is not known yet, or zero, as any other's would be: it will have room.
        if awaits_settings {
            return Decision::Wait(WaitFor::Slot);
        }
        self.decide_new(key, config, waited)
    }

    /// As above, where no connection that is there will do.
    pub(super) fn decide_new(&mut self, key: &Key, config: &PoolConfig, waited: bool) -> Decision<K> {
        let may_share = self.may_share(key, config, waited);
        if let Some(origin) = self.per_origin.get(key) {
            if may_share && origin.connecting > 0 {
                return Decision::Wait(WaitFor::Connection);
            }
            if origin.open == 0 {
                self.per_origin.remove(key);
            }
        }
        let open_here = self.open_of(key);
        let origin_is_full = config.max_of_origin().is_some_and(|most| open_here >= most);
        let evicted = match config.max_connections {
            _ if origin_is_full => return Decision::Wait(WaitFor::Slot),
            Some(most) if self.open >= most => match self.evict(Some(key)) {
                Some(closing) => Some(closing),
                None => return Decision::Wait(WaitFor::Slot),
            },
            _ => None,
        };
        if may_share && self.protocols.get(key) == Some(&KnownProtocol::Unknown) {
            self.protocols.remove(key);
        }
        self.open += 1;
        let origin = self.per_origin.entry(key.clone()).or_default();
        origin.open += 1;
        origin.connecting += usize::from(may_share);
        Decision::Connect { evicted, single_flight: may_share }
    }

    /// A connection that no request has asked for: counted as taken, when there is room for it.
    pub(super) fn enter(&mut self, key: &Key, config: &PoolConfig) -> bool {
        let is_full = |most: Option<usize>, open: usize| most.is_some_and(|most| open >= most);
        if is_full(config.max_of_origin(), self.open_of(key)) || is_full(config.max_connections, self.open) {
            return false;
        }
        self.open += 1;
        self.per_origin.entry(key.clone()).or_default().open += 1;
        true
    }

    /// Connections with it, in use and idle.
    pub(super) fn open_of(&self, key: &Key) -> usize {
        self.per_origin.get(key).map_or(0, |origin| origin.open)
    }

    /// Connections that a request could use now; one that is shared counts for all.
    pub(super) fn available(&self, key: &Key) -> usize {
        let now = Instant::now();
        let Some(origin) = self.per_origin.get(key) else { return 0 };
        let serves = |shared: &Shared<K::Multiplexed>| {
            shared.connection.is_usable() && !shared.has_expired(now) && !shared.has_retired(now)
        };
        if origin.shared.iter().any(serves) {
            return usize::MAX;
        }
        origin.idle.iter().filter(|idle| !idle.connection.is_closed() && !idle.has_expired(now)).count()
    }

    /// Takes out what is idle; the others take no new request.
    pub(super) fn drain(&mut self) -> Vec<Closing<K>> {
        self.generation += 1;
        for shared in self.per_origin.values().flat_map(|origin| &origin.shared) {
            shared.connection.retire();
        }
        self.take_all_idle()
    }

    /// Whether a new connection to `origin` is likely to be one for all.
    fn may_share(&self, key: &Key, config: &PoolConfig, waited: bool) -> bool {
        key.may_be_http2(config.versions)
            && match self.protocols.get(key) {
                Some(KnownProtocol::Http1 | KnownProtocol::Http1Only) => false,
                Some(KnownProtocol::Unknown) => !waited,
                Some(KnownProtocol::Http2) | None => true,
            }
    }

    pub(super) fn requires_http1(&self, key: &Key) -> bool {
        self.protocols.get(key) == Some(&KnownProtocol::Http1Only)
    }

    /// What the last attempt to connect has shown.
    pub(super) fn learn(&mut self, key: &Key, protocol: KnownProtocol) {
        if self.requires_http1(key) {
            return;
        }
        if self.protocols.len() >= MAX_REMEMBERED_COUNT && !self.protocols.contains_key(key) {
            self.protocols.clear();
        }
        self.protocols.insert(key.clone(), protocol);
    }

    /// A connection that others waited for was made, or was not.
    pub(super) fn end_single_flight(&mut self, key: &Key) {
        let Some(origin) = self.per_origin.get_mut(key) else { return };
        origin.connecting -= 1;
        if origin.connecting == 0
            && let Some(connected) = origin.connected.take()
        {
            connected.notify_waiters();
        }
    }

    /// While a connection is under way that others wait for: what notifies of its end.
    pub(super) fn connecting(&mut self, key: &Key) -> Option<Rc<Notify>> {
        let origin = self.per_origin.get_mut(key).filter(|origin| origin.connecting > 0)?;
        Some(origin.connected.get_or_insert_default().clone())
    }

    /// Takes a connection among the shared ones, with one stream open on it. Its slot is counted already.
    pub(super) fn share(&mut self, key: &Key, id: u64, connection: Rc<K::Multiplexed>, retires: Option<Instant>) {
        let origin = self.per_origin.entry(key.clone()).or_default();
        let before = origin.shared.iter().rev().find_map(|shared| shared.connection.taken());
        if let Some(taken) = before.or_else(|| self.taken.get(key).copied()) {
            connection.expect_to_take(taken);
        }
        origin.shared.push(Shared { connection, id, retires, idle: None });
    }

    /// A connection leaves: what is to be remembered of it.
    fn remember(&mut self, key: &Key, connection: &K::Multiplexed) {
        let Some(taken) = connection.taken() else { return };
        if self.taken.len() >= MAX_REMEMBERED_COUNT {
            self.taken.clear();
        }
        self.taken.insert(key.clone(), taken);
    }

    /// A stream has ended. `until` is when the connection expires, should it be idle now.
    pub(super) fn end_stream(
        &mut self,
        key: &Key,
        id: u64,
        until: Option<Instant>,
        config: &PoolConfig,
    ) -> Option<Closing<K>> {
        let origin = self.per_origin.get_mut(key)?;
        let at = origin.shared.iter().position(|shared| shared.id == id)?;
        let shared = &mut origin.shared[at];
        if shared.connection.streams() > 0 {
            return None;
        }
        let now = Instant::now();
        let until = sooner(until, shared.retires);
        let unwanted =
            self.closed || config.max_keepalive_connections == Some(0) || until.is_some_and(|until| until <= now);
        if unwanted || !shared.connection.is_usable() {
            let closing = origin.shared.remove(at).connection;
            self.remember(key, &closing);
            self.leave(key);
            return Some(Closing::Shared(closing));
        }
        self.taken.remove(key);
        shared.idle = Some((now, until));
        self.idle += 1;
        self.surplus(config)
    }

    /// A shared connection has ended; its streams may still be on their way to that news.
    pub(super) fn unshare(&mut self, key: &Key, id: u64) -> Option<Closing<K>> {
        let origin = self.per_origin.get_mut(key)?;
        let at = origin.shared.iter().position(|shared| shared.id == id)?;
        let shared = origin.shared.remove(at);
        self.idle -= usize::from(shared.idle.is_some());
        self.remember(key, &shared.connection);
        self.leave(key);
        Some(Closing::Shared(shared.connection))
    }

    /// The oldest waiter that can be served, and with what.
    pub(super) fn next_grant(&mut self, config: &PoolConfig) -> Option<(Waiter<K::Grant>, Decision<K>)> {
        // Then most need not be asked, and they may be of thousands of origins.
        let only_streams = self.idle == 0 && config.max_connections.is_some_and(|most| self.open >= most);
        if only_streams && self.per_origin.values().all(|origin| origin.shared.is_empty()) {
            return None;
        }
        let mut waiting: HashSet<Key> = HashSet::new();
        for at in 0..self.queue.len() {
            let key = &self.queue[at].key;
            let has_streams = || self.per_origin.get(key).is_some_and(|origin| !origin.shared.is_empty());
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
    fn surplus(&mut self, config: &PoolConfig) -> Option<Closing<K>> {
        match config.max_keepalive_connections {
            Some(most) if self.idle > most => self.evict(None),
            _ => None,
        }
    }

    /// Takes out the connection that has been idle for longest, of any origin but `except`.
    fn evict(&mut self, except: Option<&Key>) -> Option<Closing<K>> {
        let (_, key, id) = self
            .per_origin
            .iter()
            .filter(|(key, _)| Some(*key) != except)
            .flat_map(|(key, origin)| origin.all_idle().map(move |(since, id)| (since, key, id)))
            .min_by_key(|(since, ..)| *since)?;
        let key = key.clone();
        self.take_idle_of(&key, |idle| idle.id == id, |shared| shared.id == id).pop()
    }

    pub(super) fn put_idle(&mut self, key: &Key, idle: Idle<K::Exclusive>, config: &PoolConfig) -> Option<Closing<K>> {
        self.idle += 1;
        self.per_origin.entry(key.clone()).or_default().idle.push(idle);
        self.surplus(config)
    }

    /// One connection less.
    pub(super) fn leave(&mut self, key: &Key) {
        self.open -= 1;
        if let Some(origin) = self.per_origin.get_mut(key) {
            origin.open -= 1;
            if origin.open == 0 {
                self.per_origin.remove(key);
            }
        }
    }

    /// Takes out every idle connection.
    pub(super) fn take_all_idle(&mut self) -> Vec<Closing<K>> {
        self.take_idle(|_| true, |_| true)
    }

    pub(super) fn take_expired(&mut self, now: Instant) -> Vec<Closing<K>> {
        self.take_idle(|idle| idle.has_expired(now), |shared| shared.has_expired(now))
    }

    pub(super) fn take_by_id(&mut self, key: &Key, id: u64) -> Option<Closing<K>> {
        self.take_idle_of(key, |idle| idle.id == id, |_| false).pop()
    }

    /// Parks what has been idle for long enough; returns when to look again.
    pub(super) fn tend(&self, now: Instant) -> Option<Instant> {
        let tended = self.per_origin.values().flat_map(|origin| {
            let shared = origin.shared.iter().filter_map(|shared| shared.idle?.1);
            origin.idle.iter().filter_map(|idle| idle.tend(now)).chain(shared)
        });
        tended.min()
    }

    fn take_idle(
        &mut self,
        which: impl Fn(&Idle<K::Exclusive>) -> bool,
        which_shared: impl Fn(&Shared<K::Multiplexed>) -> bool,
    ) -> Vec<Closing<K>> {
        let is_one = |origin: &PerOrigin<K>| {
            origin.idle.iter().any(&which) || origin.shared.iter().any(|s| s.idle.is_some() && which_shared(s))
        };
        let keys: Vec<Key> =
            self.per_origin.iter().filter(|(_, origin)| is_one(origin)).map(|(key, _)| key.clone()).collect();
        keys.iter().flat_map(|key| self.take_idle_of(key, &which, &which_shared)).collect()
    }

    fn take_idle_of(
        &mut self,
        key: &Key,
        which: impl Fn(&Idle<K::Exclusive>) -> bool,
        which_shared: impl Fn(&Shared<K::Multiplexed>) -> bool,
    ) -> Vec<Closing<K>> {
        let Some(origin) = self.per_origin.get_mut(key) else { return Vec::new() };
        let idle = origin.idle.extract_if(.., |idle| which(idle)).map(Closing::Idle);
        let shared = origin.shared.extract_if(.., |shared| shared.idle.is_some() && which_shared(shared));
        let taken: Vec<_> = idle.chain(shared.map(|shared| Closing::Shared(shared.connection))).collect();
        self.idle -= taken.len();
        for _ in &taken {
            self.leave(key);
        }
        taken
    }
}

/// Origins of which something is remembered that is likely, and may be lost.
const MAX_REMEMBERED_COUNT: usize = 4_096;

impl<K: Kinds> PerOrigin<K> {
    fn all_idle(&self) -> impl Iterator<Item = (Instant, u64)> {
        let shared = self.shared.iter().filter_map(|shared| Some((shared.idle?.0, shared.id)));
        self.idle.iter().map(|idle| (idle.since, idle.id)).chain(shared)
    }
}

impl<C> Shared<C> {
    /// It is too old; the streams that run over it end in peace.
    fn has_retired(&self, now: Instant) -> bool {
        self.retires.is_some_and(|retires| retires <= now)
    }

    fn has_expired(&self, now: Instant) -> bool {
        self.idle.is_some_and(|(_, until)| until.is_some_and(|until| until <= now))
    }
}

/// The sooner of two moments, of which one or both may never come.
pub(super) fn sooner(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests;
