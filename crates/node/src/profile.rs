//! Options as JavaScript gives them, turned into the core's types once.

use bytes::Bytes;
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use std::time::Duration;
use whippet_core::{PoolConfig, Timeouts, TlsOptions, Verify, Versions};

/// The options of a pool. Times in milliseconds; left out is "no limit".
#[napi(object)]
pub struct PoolOptions {
    pub max_connections: Option<u32>,
    pub max_connections_per_origin: Option<u32>,
    pub max_keepalive_connections: Option<u32>,
    pub keepalive_expiry_ms: Option<f64>,
    /// Of HTTP/2 connections that are silent.
    pub ping_interval_ms: Option<f64>,
    /// The versions that may be spoken.
    pub http1: bool,
    pub http2: bool,
    /// True: the platform's trust store. False: no verification.
    pub verify: bool,
    /// DER certificates to trust instead of the platform's store.
    pub roots: Option<Vec<Uint8Array>>,
}

impl From<PoolOptions> for PoolConfig {
    fn from(options: PoolOptions) -> Self {
        let verify = match (options.roots, options.verify) {
            (Some(roots), _) => Verify::Roots(roots.iter().map(|der| der.to_vec().into()).collect()),
            (None, true) => Verify::Platform,
            (None, false) => Verify::Off,
        };
        PoolConfig {
            max_connections: options.max_connections.map(|n| n as usize),
            max_connections_per_origin: options.max_connections_per_origin.map(|n| n as usize),
            max_keepalive_connections: options.max_keepalive_connections.map(|n| n as usize),
            keepalive_expiry: options.keepalive_expiry_ms.map(duration),
            ping_interval: options.ping_interval_ms.map(duration),
            versions: Versions { http1: options.http1, http2: options.http2 },
            tls: TlsOptions { verify },
        }
    }
}

/// What requests of one kind have in common, registered once and named by a number afterwards. Times in milliseconds;
/// left out is "no limit".
#[napi(object)]
pub struct ProfileOptions {
    pub pool: u32,
    pub pool_timeout_ms: Option<f64>,
    pub connect_timeout_ms: Option<f64>,
    pub write_timeout_ms: Option<f64>,
    pub read_timeout_ms: Option<f64>,
    pub total_timeout_ms: Option<f64>,
    /// The largest body that is held in memory, in bytes.
    pub max_response_size: Option<f64>,
}

pub(crate) struct Profile {
    pub(crate) pool: u32,
    pub(crate) timeouts: Timeouts,
    pub(crate) max_response_size: Option<u64>,
}

impl From<ProfileOptions> for Profile {
    fn from(options: ProfileOptions) -> Self {
        Profile {
            pool: options.pool,
            timeouts: Timeouts {
                pool: options.pool_timeout_ms.map(duration),
                connect: options.connect_timeout_ms.map(duration),
                write: options.write_timeout_ms.map(duration),
                read: options.read_timeout_ms.map(duration),
                total: options.total_timeout_ms.map(duration),
            },
            max_response_size: options.max_response_size.map(|bytes| bytes as u64),
        }
    }
}

/// The façade has checked that it is a number from 0 to 2^31.
fn duration(ms: f64) -> Duration {
    Duration::from_micros((ms * 1000.0) as u64)
}

/// JavaScript may change its bytes while they are sent, so they are copied here.
pub(crate) fn copy(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}
