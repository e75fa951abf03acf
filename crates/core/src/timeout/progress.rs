//! How much has crossed the wire, and when: what the timeouts of writing and reading are measured by.

use crate::connect::Socket;
use std::cell::Cell;
use std::rc::Rc;
use tokio::time::Instant;

/// The bytes of one connection, or of one HTTP/2 stream.
pub(crate) struct Progress {
    received: Cell<u64>,
    sent: Cell<u64>,
    last_received: Cell<Instant>,
    last_sent: Cell<Instant>,
    /// The peer does not take what there is to write.
    write_blocked: Cell<bool>,
    /// Of a connection: its socket, for as long as it is open.
    socket: Cell<Option<Socket>>,
    /// Of an HTTP/2 stream: that of its connection, which has the socket.
    connection: Option<Rc<Progress>>,
    delivery: Cell<Option<Delivery>>,
}

/// How far what was sent last has got on its way to the peer.
#[derive(Clone, Copy)]
struct Delivery {
    /// When that was sent.
    sent: Instant,
    /// Acknowledged bytes of the connection from which on the peer has it.
    target: u64,
    acknowledged: u64,
    is_done: bool,
    /// When that was last seen to grow.
    since: Instant,
}

/// What an HTTP/2 stream has handed over may still wait here in front of a socket that takes nothing: a chunk, and the frames of
/// other streams about it.
const MAX_AHEAD_BYTES: u64 = 512 * 1024;

impl Progress {
    /// Of a connection.
    pub(crate) fn new() -> Rc<Self> {
        Self::with(None)
    }

    /// Of one HTTP/2 stream on `connection`.
    pub(crate) fn of_stream(connection: &Rc<Progress>) -> Rc<Self> {
        Self::with(Some(connection.clone()))
    }

    fn with(connection: Option<Rc<Progress>>) -> Rc<Self> {
        let now = Instant::now();
        Rc::new(Progress {
            socket: Cell::new(None),
            connection,
            delivery: Cell::new(None),
            received: Cell::new(0),
            sent: Cell::new(0),
            last_received: Cell::new(now),
            last_sent: Cell::new(now),
            write_blocked: Cell::new(false),
        })
    }

    pub(crate) fn received(&self) -> u64 {
        self.received.get()
    }

    pub(crate) fn sent(&self) -> u64 {
        self.sent.get()
    }

    pub(crate) fn last_received(&self) -> Instant {
        self.last_received.get()
    }

    pub(crate) fn last_sent(&self) -> Instant {
        self.last_sent.get()
    }

    pub(crate) fn is_write_blocked(&self) -> bool {
        self.write_blocked.get()
    }

    pub(crate) fn add_received(&self, bytes: u64) {
        self.received.set(self.received.get() + bytes);
        self.last_received.set(Instant::now());
    }

    pub(crate) fn add_sent(&self, bytes: u64) {
        self.sent.set(self.sent.get() + bytes);
        self.last_sent.set(Instant::now());
    }

    pub(crate) fn set_write_blocked(&self, blocked: bool) {
        self.write_blocked.set(blocked);
    }

    pub(crate) fn socket(&self) -> Option<Socket> {
        self.connection.as_ref().map_or_else(|| self.socket.get(), |connection| connection.socket())
    }

    pub(crate) fn set_socket(&self, socket: Option<Socket>) {
        self.socket.set(socket);
    }

    /// Asks the kernel how much of what was sent has arrived: up to megabytes wait in its send buffer where the path is slow,
    /// and until the peer has them it can answer nothing.
    pub(crate) fn look_at_delivery(&self) {
        let last = self.delivery.get().filter(|delivery| delivery.sent == self.last_sent());
        if last.is_some_and(|delivery| delivery.is_done) {
            return;
        }
        let Some(queue) = self.socket().and_then(Socket::send_queue) else { return };
        let is_blocked = self.connection.as_ref().is_some_and(|connection| connection.is_write_blocked());
        let target = last.map_or_else(
            || queue.acknowledged + queue.unacknowledged + if is_blocked { MAX_AHEAD_BYTES } else { 0 },
            |delivery| delivery.target,
        );
        let is_done = queue.acknowledged >= target || (queue.unacknowledged == 0 && !is_blocked);
        let since = match last {
            Some(last) if last.acknowledged == queue.acknowledged && !is_done => last.since,
            // What had arrived by the first look has taken no time.
            None if is_done => self.last_sent(),
            _ => Instant::now(),
        };
        let delivery = Delivery { sent: self.last_sent(), target, acknowledged: queue.acknowledged, is_done, since };
        self.delivery.set(Some(delivery));
    }

    /// Since when the peer has all that was sent, or, with true, since when no more of it has arrived.
    pub(crate) fn delivered(&self) -> (bool, Instant) {
        match self.delivery.get().filter(|delivery| delivery.sent == self.last_sent()) {
            Some(delivery) => (!delivery.is_done, delivery.since),
            None => (false, self.last_sent()),
        }
    }
}
