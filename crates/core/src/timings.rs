//! Where the time of one exchange goes: noted on its way, so that a failure can tell how far it came.

use crate::connection_info::{ConnectTimings, ConnectionInfo, Peer};
use std::cell::Cell;
use tokio::time::Instant;

/// The steps of making a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Dns,
    Connect,
    Tls,
}

/// A connection that is being made: the step that it is in, and what those before it took. A future that is dropped in the middle
/// leaves it as it was.
#[derive(Debug)]
pub(crate) struct ConnectTrace {
    /// `None` until there is a first step, which then began with the attempt.
    step: Cell<Option<Step>>,
    since: Cell<Instant>,
    spent: Cell<ConnectTimings>,
    peer: Cell<Option<Peer>>,
}

impl ConnectTrace {
    pub(crate) fn start() -> Self {
        ConnectTrace {
            step: Cell::new(None),
            since: Cell::new(Instant::now()),
            spent: Cell::default(),
            peer: Cell::new(None),
        }
    }

    /// From here on the time is that of `step`.
    pub(crate) fn enter(&self, step: Step) {
        if self.step.get() == Some(step) {
            return;
        }
        if self.step.get().is_some() {
            let now = Instant::now();
            self.spent.set(self.spent_until(now));
            self.since.set(now);
        }
        self.step.set(Some(step));
    }

    /// Where the socket leads, once there is one; `None`: it is being made anew.
    pub(crate) fn set_peer(&self, peer: Option<Peer>) {
        self.peer.set(peer);
    }

    pub(crate) fn peer(&self) -> Option<Peer> {
        self.peer.get()
    }

    /// What has been spent so far, the step that it is in included.
    pub(crate) fn spent(&self) -> ConnectTimings {
        self.spent_until(Instant::now())
    }

    fn spent_until(&self, now: Instant) -> ConnectTimings {
        let mut spent = self.spent.get();
        let of_step = match self.step.get() {
            Some(Step::Dns) => &mut spent.dns,
            Some(Step::Connect) | None => &mut spent.connect,
            Some(Step::Tls) => &mut spent.tls,
        };
        *of_step = Some(of_step.unwrap_or_default() + now.saturating_duration_since(self.since.get()));
        spent
    }
}

/// The moments of one exchange, as far as it came. What came to nothing before (an idle connection that had died, a server that
/// refused) counts as waiting for a connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timeline {
    /// There was a connection for it, or the right to make one.
    pub acquired: Option<Instant>,
    /// What making one took; zeros when it was there, or another request made it.
    pub connecting: ConnectTimings,
    /// It was made for this request.
    pub is_new: bool,
    /// The last byte of the request was written, as far as is known.
    pub sent: Option<Instant>,
    /// Where its connection leads, if there was one.
    pub peer: Option<Peer>,
    /// The same: since when it leads there.
    pub established: Option<Instant>,
}

impl Timeline {
    /// The request is sent over this connection.
    pub(crate) fn goes_over(&mut self, connection: &ConnectionInfo, is_new: bool) {
        self.is_new = is_new;
        self.connecting = if is_new { connection.connecting } else { connection.connecting.saved() };
        self.peer = connection.peer;
        self.established = Some(connection.established);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn ms(ms: u64) -> Option<Duration> {
        Some(Duration::from_millis(ms))
    }

    async fn pass(ms: u64) {
        tokio::time::advance(Duration::from_millis(ms)).await;
    }

    fn paused(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(test);
    }

    #[test]
    fn each_step_has_its_time_and_the_first_what_was_before_it() {
        paused(async {
            let trace = ConnectTrace::start();
            pass(1).await;
            trace.enter(Step::Dns);
            pass(10).await;
            assert_eq!(trace.spent(), ConnectTimings { dns: ms(11), connect: None, tls: None }, "in the middle of it");
            trace.enter(Step::Connect);
            pass(20).await;
            trace.enter(Step::Dns);
            pass(100).await;
            trace.enter(Step::Connect);
            trace.enter(Step::Connect);
            pass(2).await;
            trace.enter(Step::Tls);
            pass(30).await;
            let spent = trace.spent();
            assert_eq!(spent, ConnectTimings { dns: ms(111), connect: ms(22), tls: ms(30) });
            assert_eq!(spent.total(), Duration::from_millis(163));
            assert_eq!(spent.saved(), ConnectTimings { dns: ms(0), connect: ms(0), tls: ms(0) });
        });
    }

    #[test]
    fn what_failed_before_any_step_was_connecting() {
        paused(async {
            let trace = ConnectTrace::start();
            pass(3).await;
            assert_eq!(trace.spent(), ConnectTimings { dns: None, connect: ms(3), tls: None });
        });
    }
}
