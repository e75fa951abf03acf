//! The five timeouts. The error already knows which phase ran out.
//!
//! pool: waiting for a connection or a place for one. connect: resolve, TCP and TLS together. write: no progress while
//! there is something to write. read: no byte while the peer owes one. total: everything, the body included.

pub(crate) mod progress;
pub(crate) mod watch;

use crate::error::{Error, ErrorKind};
use crate::origin::Origin;
use std::fmt;
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
}

impl Clock {
    pub(crate) fn start(limits: Timeouts) -> Self {
        Clock { limits, started: Instant::now() }
    }

    /// When the whole exchange has to be over.
    fn end(&self) -> Option<Instant> {
        self.limits.total.and_then(|total| self.started.checked_add(total))
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
            Some((phase, deadline)) => match timeout_at(deadline, work).await {
                Ok(done) => done,
                Err(_) => Err(self.expired(phase, origin)),
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

struct Millis(Duration);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.as_micros() as f64 / 1000.0;
        write!(f, "{ms} ms")
    }
}
