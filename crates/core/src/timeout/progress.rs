//! How much has crossed the wire, and when: what the timeouts of writing and reading are measured by.

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
}

impl Progress {
    pub(crate) fn new() -> Rc<Self> {
        let now = Instant::now();
        Rc::new(Progress {
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
}
