//! The options of a pool, and the numbers that it shows.

use crate::connect::ConnectOverrides;
use crate::tls::TlsOptions;
use crate::version::Versions;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// The limits of a pool, and how its connections are made; `None` is no limit.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    pub max_connections: Option<usize>,
    pub max_connections_per_origin: Option<usize>,
    /// Counts idle connections only.
    pub max_keepalive_connections: Option<usize>,
    pub keepalive_expiry: Option<Duration>,
    /// So long after it was made a connection takes no further request.
    pub max_age: Option<Duration>,
    /// HTTP/2: after so much silence on a connection with streams a PING is sent, and the connection given up when it
    /// is not answered within the same time. `None`: never.
    pub ping_interval: Option<Duration>,
    pub versions: Versions,
    pub tls: TlsOptions,
    pub overrides: ConnectOverrides,
}

impl PoolConfig {
    /// Connections that one origin may have: at most nine tenths of all, so that one that does not answer leaves room for the
    /// others. Fewer than ten are not divided.
    pub(super) fn max_of_origin(&self) -> Option<usize> {
        let share = self.max_connections.map(|most| most - most / 10);
        [share, self.max_connections_per_origin].into_iter().flatten().min()
    }

    /// From when on a connection that was `established` then takes no further request.
    pub(super) fn retires(&self, established: Instant) -> Option<Instant> {
        self.max_age.and_then(|age| established.checked_add(age))
    }
}

impl Default for PoolConfig {
    fn default() -> Self {
        PoolConfig {
            max_connections: Some(1_000),
            max_connections_per_origin: None,
            max_keepalive_connections: Some(256),
            keepalive_expiry: Some(Duration::from_secs(4)),
            max_age: None,
            ping_interval: None,
            versions: Versions::default(),
            tls: TlsOptions::default(),
            overrides: ConnectOverrides::default(),
        }
    }
}

/// A pool's numbers, readable from any thread.
#[derive(Default)]
pub struct PoolStats {
    active: AtomicU32,
    idle: AtomicU32,
    queued: AtomicU32,
}

impl PoolStats {
    /// Connections in use, those being made included.
    pub fn active(&self) -> u32 {
        self.active.load(Ordering::Relaxed)
    }

    pub fn idle(&self) -> u32 {
        self.idle.load(Ordering::Relaxed)
    }

    /// Requests that wait for a connection.
    pub fn queued(&self) -> u32 {
        self.queued.load(Ordering::Relaxed)
    }

    pub(super) fn set(&self, open: usize, idle: usize, queued: usize) {
        self.active.store((open - idle) as u32, Ordering::Relaxed);
        self.idle.store(idle as u32, Ordering::Relaxed);
        self.queued.store(queued as u32, Ordering::Relaxed);
    }
}
