//! Waiting under the timeouts that depend on progress: write, read and total.

use crate::error::Error;
use crate::origin::Origin;
use crate::request::body::RequestBody;
use crate::timeout::progress::Progress;
use crate::timeout::{Clock, Phase};
use std::pin::Pin;
use tokio::time::Instant;

/// Waits for `work`, for as long as the progress of the wire and of the request's body leaves every timeout intact.
pub(crate) async fn watch<T>(
    progress: &Progress,
    clock: &Clock,
    body: &RequestBody,
    origin: &Origin,
    mut work: Pin<&mut impl Future<Output = T>>,
) -> Result<T, Error> {
    let started = Instant::now();
    // While a body is on its way the phase changes without a wake-up: no deadline that comes into being after this moment can
    // be sooner than the shorter limit from it. The kernel's queue is looked at more often, to see when it last shrank.
    let shorter =
        [clock.limits.read, clock.limits.write].into_iter().flatten().min().map(|limit| limit / LOOKS_PER_LIMIT);
    loop {
        let deadline = progress.deadline(clock, body, started).map(|(_, deadline)| deadline);
        let look_again = shorter.filter(|_| !body.is_empty()).and_then(|limit| Instant::now().checked_add(limit));
        let Some(next) = [deadline, look_again].into_iter().flatten().min() else { return Ok(work.await) };
        if let Some(done) = clock.until(next, work.as_mut()).await {
            return Ok(done);
        }
        if !body.is_empty() {
            progress.look_at_delivery();
        }
        // What has moved meanwhile counts.
        if let Some((phase, deadline)) = progress.deadline(clock, body, started)
            && deadline <= Instant::now()
        {
            return Err(clock.expired(phase, origin));
        }
    }
}

const LOOKS_PER_LIMIT: u32 = 4;

impl Progress {
    /// What the exchange waits for now, and until when at most. With a stream whose producer is slow there is nothing
    /// that the peer could be late with.
    fn deadline(&self, clock: &Clock, body: &RequestBody, started: Instant) -> Option<(Phase, Instant)> {
        let (phase, limit, since) = match (self.is_write_blocked(), body.is_over()) {
            (true, _) => (Phase::Write, clock.limits.write, self.last_sent()),
            (false, true) => match self.delivered() {
                (true, since) => (Phase::Write, clock.limits.write, since),
                (false, since) => (Phase::Read, clock.limits.read, since.max(self.last_received())),
            },
            (false, false) => (Phase::Write, None, started),
        };
        clock.sooner(phase, limit.and_then(|limit| since.max(started).checked_add(limit)))
    }
}
