//! Making a connection, in a task of its own: when the request that asked for it gives up, the next one to that origin is to find
//! what has been done so far, and not to begin anew each time.

use super::{Key, Lease, Pool};
use crate::connect::Connected;
use crate::error::{Error, ErrorKind};
use crate::timeout::unless;
use crate::timings::ConnectTrace;
use crate::version::Versions;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinHandle, spawn_local};
use tokio::time::{Instant, sleep_until};

/// Attempts to connect to one origin that no request waits for any more.
const MAX_ABANDONED_COUNT: usize = 8;

/// How long one of them takes at most where there is no connect timeout.
const MAX_ABANDONED_TIME: Duration = Duration::from_secs(30);

/// One that a request waits for. Dropping it leaves it to the pool.
pub(super) struct Attempt {
    pool: Rc<Pool>,
    key: Key,
    task: JoinHandle<()>,
    outcome: oneshot::Receiver<Result<Connected, Error>>,
    /// When it is over for a request that has given up.
    until: Instant,
    /// It ends with the request.
    is_bound: bool,
}

/// One that no request waits for.
pub(super) struct Abandoned {
    key: Key,
    task: AbortHandle,
}

impl Attempt {
    /// `since` the request has waited for a connection, and may do so for as long as `limit`.
    pub(super) fn start(
        pool: &Rc<Pool>,
        key: &Key,
        versions: Versions,
        trace: Rc<ConnectTrace>,
        since: Instant,
        limit: Option<Duration>,
        is_bound: bool,
    ) -> Attempt {
        let (mut sender, outcome) = oneshot::channel();
        let until = since + limit.unwrap_or(MAX_ABANDONED_TIME).min(MAX_ABANDONED_TIME);
        let task = spawn_local({
            let (pool, key, generation) = (pool.clone(), key.clone(), pool.state.borrow().generation);
            async move {
                let connected = {
                    let connecting = pool.connector.connect(key.origin(), key.proxy(), versions, &trace);
                    // As long as a request waits, its own timeouts count.
                    let given_up = async {
                        sender.closed().await;
                        sleep_until(until).await;
                    };
                    unless(connecting, given_up).await
                };
                let Some(connected) = connected else { return };
                if let Err(Ok(connected)) = sender.send(connected) {
                    pool.adopt(&key, connected, versions, generation).await;
                }
            }
        });
        Attempt { pool: pool.clone(), key: key.clone(), task, outcome, until, is_bound }
    }

    pub(super) async fn outcome(&mut self) -> Result<Connected, Error> {
        if let Ok(outcome) = (&mut self.outcome).await {
            return outcome;
        }
        // It ends without an outcome in a panic, which is the request's.
        match (&mut self.task).await {
            Err(failed) if failed.is_panic() => std::panic::resume_unwind(failed.into_panic()),
            _ => Err(Error::new(ErrorKind::CloseError, "an attempt to connect was lost")),
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if self.task.is_finished() {
            return;
        }
        if self.is_bound || self.until <= Instant::now() || !self.pool.abandon(&self.key, &self.task) {
            self.task.abort();
        }
    }
}

impl Pool {
    /// Whether it may go on without a request.
    fn abandon(&self, key: &Key, task: &JoinHandle<()>) -> bool {
        let mut abandoned = self.abandoned.borrow_mut();
        abandoned.retain(|other| !other.task.is_finished());
        let may =
            !self.state.borrow().closed && abandoned.iter().filter(|a| a.key == *key).count() < MAX_ABANDONED_COUNT;
        if may {
            abandoned.push(Abandoned { key: key.clone(), task: task.abort_handle() });
        }
        may
    }

    /// A request is about to connect to the origin: those that no request waits for give way where there would be too many
    /// connections with it.
    pub(super) fn end_surplus_attempts(&self, key: &Key) {
        let mut abandoned = self.abandoned.borrow_mut();
        abandoned.retain(|attempt| !attempt.task.is_finished());
        let (open, open_here) = {
            let state = self.state.borrow();
            (state.open, state.open_of(key))
        };
        let is_beyond = |most: Option<usize>, count: usize| most.is_some_and(|most| count > most);
        while !abandoned.is_empty() {
            let is_here = |attempt: &Abandoned| attempt.key == *key;
            let here = abandoned.iter().filter(|attempt| is_here(attempt)).count();
            let one = if is_beyond(self.config.max_of_origin(), open_here + here) {
                abandoned.iter().position(is_here)
            } else {
                is_beyond(self.config.max_connections, open + abandoned.len()).then_some(0)
            };
            let Some(one) = one else { break };
            abandoned.remove(one).task.abort();
        }
    }

    /// Ends those that no request waits for.
    pub(super) fn end_abandoned_attempts(&self) {
        for attempt in self.abandoned.take() {
            attempt.task.abort();
        }
    }

    /// Takes a connection that no request waits for any more, if there is room for it.
    async fn adopt(self: &Rc<Self>, key: &Key, connected: Connected, versions: Versions, generation: u32) {
        let has_room = {
            let mut state = self.state.borrow_mut();
            !state.closed && state.generation == generation && state.enter(key, &self.config)
        };
        if has_room {
            let mut lease = Lease::new(self.clone(), key, 0, None, false);
            if lease.install(Ok(connected), versions).await.is_ok() {
                lease.release(None);
            }
        }
    }
}
