//! The doubt whether a silent peer is still there: it begins when a caller gives up, and a PING settles it, which
//! [`tuning`](super::tuning) sends.

use super::Shared;
use crate::timeout::Clock;
use std::time::Duration;
use tokio::time::Instant;

/// A silent peer is in doubt for no longer, whatever the timeouts are.
const MAX_PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// It is asked by PING after so much silence, or half of what is borne.
const PROBE_DELAY: Duration = Duration::from_secs(1);

/// Since when nothing has come that should have, when that is tried by a PING, and until when its answer is waited for.
#[derive(Clone, Copy)]
pub(super) struct Doubt {
    pub(super) since: Instant,
    pub(super) probe_at: Instant,
    pub(super) until: Instant,
}

impl Shared {
    /// The peer has taken nothing for half of that, and what it says meanwhile is no sign that it will.
    pub(super) fn is_stuck(&self, limit: Duration) -> bool {
        let socket = &self.socket.progress;
        socket.is_write_blocked() && socket.last_sent().elapsed() >= limit / 2
    }

    /// No more streams are opened on it: those that wait for one are told.
    pub(super) fn leave(&self) {
        self.retired.set(true);
        self.asked.notify_one();
    }

    /// A caller gave up waiting for what the peer has owed since then. If nothing at all has come, the connection may lead
    /// nowhere, and the next callers should not have to find that out one after the other. `limit` is how long a silence
    /// is borne.
    pub(super) fn given_up(&self, since: Instant, limit: Duration) {
        if self.is_stuck(limit) {
            return self.leave();
        }
        if self.doubt.get().is_none() && !self.retired.get() && self.socket.progress.last_received() <= since {
            let patience = (limit / 2).min(PROBE_DELAY);
            let probe_at = (since + patience).max(Instant::now());
            let until = (since + limit).max(probe_at + patience);
            self.doubt.set(Some(Doubt { since, probe_at, until }));
            self.asked.notify_one();
        }
    }
}

/// An exchange that is dropped before it has its response.
pub(super) struct GivingUp<'a> {
    pub(super) shared: &'a Shared,
    pub(super) since: Instant,
    pub(super) limit: Duration,
}

impl GivingUp<'_> {
    pub(super) fn has_answer(self) {
        std::mem::forget(self);
    }
}

impl Drop for GivingUp<'_> {
    fn drop(&mut self) {
        self.shared.given_up(self.since, self.limit);
    }
}

/// How long a peer may say nothing before a caller that gives up makes it doubtful.
pub(super) fn longest_silence(clock: &Clock) -> Duration {
    clock.limits.read.or(clock.limits.total).map_or(MAX_PROBE_TIMEOUT, |limit| limit.min(MAX_PROBE_TIMEOUT))
}
