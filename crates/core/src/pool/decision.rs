//! What the pool decides about, and what it decides: plain values. [`super::state`] fills them in, [`super`] acts on them.

use super::Key;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::Instant;

/// What a pool keeps. It is a parameter so that decisions can be tested without sockets.
pub(super) trait Kinds: Sized {
    /// One exchange at a time: HTTP/1.1.
    type Exclusive: Exclusive;
    /// Many exchanges at once: HTTP/2.
    type Multiplexed: Multiplexed;
    /// The way to give a waiter what it waits for.
    type Grant;
}

pub(super) trait Exclusive {
    fn is_closed(&self) -> bool;
    /// Called for an idle connection, each time that the pool looks after them: see [`PARK_AFTER`].
    fn park(&self);
}

pub(super) trait Multiplexed {
    /// New streams may be opened, as far as is known.
    fn is_usable(&self) -> bool;
    /// No more streams are opened on it.
    fn retire(&self);
    /// Counts one more stream if the peer allows it.
    fn open_stream(&self) -> bool;
    /// Streams that are open.
    fn streams(&self) -> usize;
    /// After the peer has refused streams, as it ends the connection: how many it has taken before.
    fn taken(&self) -> Option<usize>;
    /// The last connection took so many streams and no more, and this one is given no more until they have ended.
    fn expect_to_take(&self, streams: usize);
    /// The peer's SETTINGS are not there yet, or allow no stream for now.
    fn awaits_settings(&self) -> bool;
}

/// An exclusive connection without an exchange.
pub(super) struct Idle<C> {
    pub(super) connection: C,
    /// Identifies it when it closes by itself.
    pub(super) id: u64,
    pub(super) since: Instant,
    pub(super) until: Option<Instant>,
}

impl<C: Exclusive> Idle<C> {
    /// Parks it when it is time; returns when to look again.
    pub(super) fn tend(&self, now: Instant) -> Option<Instant> {
        let park_at = self.since + PARK_AFTER;
        if park_at > now {
            return Some(self.until.map_or(park_at, |until| until.min(park_at)));
        }
        self.connection.park();
        self.until
    }

    pub(super) fn has_expired(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

/// Idle for so long, a connection is worth the work of parking for the memory that this frees.
pub(super) const PARK_AFTER: Duration = Duration::from_millis(500);

/// A place in the queue: requests that were sent before stand before the new ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket {
    pub(super) is_new: bool,
    pub(super) number: u64,
}

/// A request in the queue.
pub(super) struct Waiter<G> {
    pub(super) ticket: Ticket,
    pub(super) key: Key,
    pub(super) grant: G,
}

/// The protocol that an origin has chosen, where it may choose.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum KnownProtocol {
    Http1,
    Http2,
    /// It has said HTTP_1_1_REQUIRED.
    Http1Only,
    /// The last attempt made no connection.
    Unknown,
}

/// What a request is to do.
pub(super) enum Decision<K: Kinds> {
    /// It takes this connection.
    Idle(Idle<K::Exclusive>),
    /// It takes a stream on a connection that others use as well; the stream is counted as open there.
    Stream { connection: Rc<K::Multiplexed>, id: u64 },
    /// It may make a connection.
    Connect {
        /// The connection that had to go for it.
        evicted: Option<Closing<K>>,
        /// Others wait for this connection, as it may be one to share.
        single_flight: bool,
    },
    /// It waits.
    Wait(WaitFor),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WaitFor {
    /// A limit of the pool, or of a peer, leaves no room.
    Slot,
    /// A connection is being made that may be shared.
    Connection,
}

/// A connection that left the state: dropping it closes it, outside of the borrow.
#[allow(dead_code, reason = "held to be dropped")]
pub(super) enum Closing<K: Kinds> {
    /// Was idle.
    Idle(Idle<K::Exclusive>),
    /// Ends when its last stream does.
    Shared(Rc<K::Multiplexed>),
}
