//! Connections before the requests that need them, and no connection from before.

use super::{Decision, Key, Pool};
use crate::error::{Error, ErrorKind};
use crate::timeout::{Clock, Phase};
use crate::timings::{ConnectTrace, Timeline};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::JoinSet;

/// Calls for one key take turns, so that each counts what those before it have made.
#[derive(Default)]
pub(super) struct Turns(HashMap<Key, Arc<Mutex<()>>>);

impl Turns {
    fn lock(&mut self, key: &Key) -> impl Future<Output = OwnedMutexGuard<()>> + use<> {
        // Those that no call holds any more.
        self.0.retain(|_, turn| Arc::strong_count(turn) > 1);
        self.0.entry(key.clone()).or_default().clone().lock_owned()
    }
}

impl Pool {
    /// Resolves when `count` connections are there to be used, as far as the limits allow so many: those that are idle count, and
    /// one that is shared counts for all. They are made as for a request, which comes first where they have to wait.
    pub(crate) async fn preconnect(self: Rc<Self>, key: Key, count: usize, clock: Clock) -> Result<(), Error> {
        let turn = self.turns.borrow_mut().lock(&key);
        let turn = async { Ok(turn.await) };
        let _turn = clock.within(Phase::Connect, key.origin(), turn).await.map_err(|error| key.timed_out(error))?;
        let config = &self.config;
        let limits = [config.max_connections, config.max_of_origin(), config.max_keepalive_connections];
        let count = limits.into_iter().flatten().fold(count, usize::min);
        if self.available(&key) < count && key.may_be_http2(config.versions) {
            // What the others are depends on what this one turns out to be.
            self.add(&key, &clock).await?;
        }
        let mut attempts = JoinSet::new();
        for _ in self.available(&key)..count {
            let (pool, key, clock) = (self.clone(), key.clone(), clock.clone());
            attempts.spawn_local(async move { pool.add(&key, &clock).await });
        }
        let mut outcome = Ok(());
        while let Some(ended) = attempts.join_next().await {
            let failed = |panicked| {
                Err(Error::new(ErrorKind::CloseError, "an attempt to connect was lost").with_source(panicked))
            };
            outcome = outcome.and(ended.unwrap_or_else(failed));
        }
        outcome
    }

    /// One more connection, and back into the pool with it.
    async fn add(&self, key: &Key, clock: &Clock) -> Result<(), Error> {
        loop {
            let asked = tokio::time::Instant::now();
            let decision = self.state.borrow_mut().decide_new(key, &self.config, false);
            let mut lease = match decision {
                Decision::Wait(what) => Box::pin(self.wait(key, false, what, clock)).await?,
                decision => self.lease(key, decision),
            };
            lease.bind();
            match lease.connection(clock).await {
                Ok(Some(_)) => {
                    lease.release(None);
                    return Ok(());
                }
                Ok(None) => {}
                Err(error) => {
                    let trace = lease.trace();
                    return Err(error.with_timeline(Timeline {
                        acquired: Some(lease.acquired().unwrap_or(asked)),
                        connecting: trace.map(ConnectTrace::spent).unwrap_or_default(),
                        peer: trace.and_then(ConnectTrace::peer),
                        ..Timeline::default()
                    }));
                }
            }
        }
    }

    fn available(&self, key: &Key) -> usize {
        self.state.borrow().available(key)
    }

    /// For another network: closes what is idle, and gives no other connection of now to another request: each ends with the responses that it carries.
    pub(crate) fn drain(&self) {
        self.connector.forget_names();
        self.end_abandoned_attempts();
        let idle = self.state.borrow_mut().drain();
        self.count();
        drop(idle);
        self.assign();
    }
}
