//! The five timeouts. The error already knows which phase ran out.
//!
//! pool: waiting for a connection or a place for one. connect: resolve, TCP and TLS together. write: no progress while
//! there is something to write. read: no byte while the peer owes one. total: everything, the body included.

pub(crate) mod progress;
pub(crate) mod watch;

use crate::error::{Error, ErrorKind};
use crate::origin::Origin;
use std::cell::Cell;
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// `None` is off.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timeouts {
    pub pool: Option<Duration>,
    pub connect: Option<Duration>,
    pub write: Option<Duration>,
    pub read: Option<Duration>,
    pub total: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Pool,
    Connect,
    Write,
    Read,
    Total,
}

/// One request's timeouts, running.
#[derive(Clone)]
pub(crate) struct Clock {
    pub(crate) limits: Timeouts,
    started: Instant,
    /// The end of the whole exchange, put off: see [`Clock::until`].
    extended: Cell<Option<Instant>>,
}

impl Clock {
    pub(crate) fn start(limits: Timeouts) -> Self {
        Clock { limits, started: Instant::now(), extended: Cell::new(None) }
    }

    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// When the whole exchange has to be over.
    fn end(&self) -> Option<Instant> {
        self.limits.total.and_then(|total| self.started.checked_add(total)).max(self.extended.get())
    }

    /// Whether the whole exchange should be over by now: what never waits asks this, as no timer interrupts it.
    pub(crate) fn is_over(&self) -> bool {
        self.end().is_some_and(|end| end <= Instant::now())
    }

    /// Waits for `work` until `deadline`; `None` when it has passed.
    ///
    /// A deadline that is overdue is believed only when the sockets were looked at once more: the process may have stood
    /// still (a stopped container, a laptop's lid), and what it waits for has arrived meanwhile. Where that was so, the
    /// exchange has a moment longer in all, for the rest of what is there.
    pub(crate) async fn until<T>(&self, deadline: Instant, mut work: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        let mut done = timeout_at(deadline, work.as_mut()).await.ok();
        for _ in 0..MAX_LOOK_COUNT {
            if done.is_some() {
                break;
            }
            // Lets the driver look at the sockets and the connection's task read from them.
            tokio::task::yield_now().await;
            done = match poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await {
                Poll::Ready(done) => Some(done),
                Poll::Pending => None,
            };
        }
        if done.is_some() && self.limits.total.is_some() {
            let now = Instant::now();
            let late = now.saturating_duration_since(deadline);
            if late > MAX_LATENESS {
                self.extended.set(now.checked_add(late.min(MAX_EXTENSION)));
            }
        }
        done
    }

    /// The sooner of `deadline` in `phase` and the end of the whole exchange.
    pub(crate) fn sooner(&self, phase: Phase, deadline: Option<Instant>) -> Option<(Phase, Instant)> {
        match (deadline, self.end()) {
            (Some(deadline), Some(end)) if end < deadline => Some((Phase::Total, end)),
            (Some(deadline), _) => Some((phase, deadline)),
            (None, Some(end)) => Some((Phase::Total, end)),
            (None, None) => None,
        }
    }

    /// Runs `work` under the limit of `phase` and what is left of the total.
    pub(crate) async fn within<T>(
        &self,
        phase: Phase,
        origin: &Origin,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        self.within_since(Instant::now(), phase, origin, work).await
    }

    /// As above, for a phase that began before.
    pub(crate) async fn within_since<T>(
        &self,
        since: Instant,
        phase: Phase,
        origin: &Origin,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let limit = match phase {
            Phase::Pool => self.limits.pool,
            Phase::Connect => self.limits.connect,
            Phase::Write => self.limits.write,
            Phase::Read => self.limits.read,
            Phase::Total => None,
        };
        let deadline = limit.and_then(|limit| since.checked_add(limit));
        match self.sooner(phase, deadline) {
            None => work.await,
            Some((phase, deadline)) => match self.until(deadline, pin!(work)).await {
                Some(done) => done,
                None => Err(self.expired(phase, origin)),
            },
        }
    }

    pub(crate) fn expired(&self, phase: Phase, origin: &Origin) -> Error {
        let limits = &self.limits;
        let (kind, limit) = match phase {
            Phase::Pool => (ErrorKind::PoolTimeout, limits.pool),
            Phase::Connect => (ErrorKind::ConnectTimeout, limits.connect),
            Phase::Write => (ErrorKind::WriteTimeout, limits.write),
            Phase::Read => (ErrorKind::ReadTimeout, limits.read),
            Phase::Total => (ErrorKind::TotalTimeout, limits.total),
        };
        let ms = Millis(limit.unwrap_or_default());
        let message = match phase {
            Phase::Pool => format!("no free connection for {origin} within {ms}"),
            Phase::Connect => format!("no connection to {origin} within {ms}"),
            Phase::Write => format!("{origin} took no data for {ms}"),
            Phase::Read => format!("no data from {origin} for {ms}"),
            Phase::Total => format!("{origin} did not finish within {ms} in all"),
        };
        Error::new(kind, message)
    }
}

/// What `work` comes to; `None` when `other` comes first.
pub(crate) async fn unless<T>(work: impl Future<Output = T>, other: impl Future<Output = ()>) -> Option<T> {
    let (mut work, mut other) = (pin!(work), pin!(other));
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => other.as_mut().poll(cx).map(|()| None),
    })
    .await
}

/// A timer that is so late was not served: a busy thread is never late by this much.
const MAX_LATENESS: Duration = Duration::from_millis(50);

/// What was received during a standstill is read within as long as that took, and this at most.
const MAX_EXTENSION: Duration = Duration::from_secs(1);

/// One for the driver, one for a connection's task that only then has something to read.
const MAX_LOOK_COUNT: usize = 2;

struct Millis(Duration);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.as_micros() as f64 / 1000.0;
        write!(f, "{ms} ms")
    }
}
