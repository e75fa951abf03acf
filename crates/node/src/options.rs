//! Options as JavaScript gives them, turned into the core's types once.

use bytes::Bytes;
use napi::Error;
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use whippet_core::{
    AddressGuard, AddressOverrides, AddressSet, ClientAuth, ConnectOverrides, PoolConfig, Proxy, Timeouts, Verify,
    Versions,
};

/// The options of a pool. Times in milliseconds; left out is "no limit".
#[napi(object)]
pub struct PoolOptions {
    pub max_connections: Option<u32>,
    pub max_connections_per_origin: Option<u32>,
    pub max_keepalive_connections: Option<u32>,
    pub keepalive_expiry_ms: Option<f64>,
    /// Age after which a connection takes no further request.
    pub max_age_ms: Option<f64>,
    /// Silence after which TCP probes the peer.
    pub tcp_keepalive_ms: Option<f64>,
    /// Of HTTP/2 connections that are silent.
    pub ping_interval_ms: Option<f64>,
    /// The versions that may be spoken.
    pub http1: bool,
    pub http2: bool,
    pub tls: TlsOptions,
    /// A unix socket or a named pipe that all connections lead to.
    pub socket_path: Option<String>,
    /// The address that connections start from.
    pub local_address: Option<String>,
    /// Addresses that are known beforehand.
    pub resolve: Option<Vec<ResolveRule>>,
    /// `public`, addresses and CIDRs: connections lead nowhere else.
    pub allow_addresses: Option<Vec<String>>,
    /// Addresses and CIDRs that they do not lead to.
    pub deny_addresses: Option<Vec<String>>,
    /// The id of the listener that looks names up, instead of the system.
    pub lookup: Option<u32>,
    /// How long an answer about a name is used again; left out: not.
    pub dns_ttl_ms: Option<f64>,
}

/// One host's address, instead of DNS's.
#[napi(object)]
pub struct ResolveRule {
    /// As in an origin; IPv6 without brackets.
    pub host: String,
    /// Left out: any.
    pub port: Option<u16>,
    /// Without brackets.
    pub address: String,
}

impl TryFrom<PoolOptions> for PoolConfig {
    type Error = Error;

    fn try_from(options: PoolOptions) -> Result<Self, Error> {
        let mut resolve = AddressOverrides::default();
        for rule in options.resolve.unwrap_or_default() {
            resolve.insert(&rule.host, rule.port, address(&rule.address)?);
        }
        Ok(PoolConfig {
            max_connections: options.max_connections.map(|n| n as usize),
            max_connections_per_origin: options.max_connections_per_origin.map(|n| n as usize),
            max_keepalive_connections: options.max_keepalive_connections.map(|n| n as usize),
            keepalive_expiry: options.keepalive_expiry_ms.map(duration),
            max_age: options.max_age_ms.map(duration),
            ping_interval: options.ping_interval_ms.map(duration),
            versions: Versions { http1: options.http1, http2: options.http2 },
            tls: options.tls.into(),
            overrides: ConnectOverrides {
                socket_path: options.socket_path.map(PathBuf::from),
                local_address: options.local_address.as_deref().map(address).transpose()?,
                resolve,
                guard: AddressGuard {
                    allow: options.allow_addresses.as_deref().map(addresses).transpose()?,
                    deny: options.deny_addresses.as_deref().map(addresses).transpose()?,
                },
                // Made by the engine, which has the way to it.
                lookup: None,
                tcp_keepalive: options.tcp_keepalive_ms.map(duration),
                dns_ttl: options.dns_ttl_ms.map(duration),
            },
        })
    }
}

/// What TLS connections depend on: those of a pool, or those to an https proxy.
#[napi(object)]
pub struct TlsOptions {
    /// True: the platform's trust store. False: no verification.
    pub verify: bool,
    /// DER certificates to trust instead of the platform's store.
    pub roots: Option<Vec<Uint8Array>>,
    /// DER certificates to trust besides the platform's store.
    pub extra_roots: Option<Vec<Uint8Array>>,
    /// The client's own certificate, the one of the key first: DER.
    pub client_cert: Option<Vec<Uint8Array>>,
    /// Its private key: PKCS#8, DER.
    pub client_key: Option<Uint8Array>,
    /// The file that TLS secrets are appended to.
    pub key_log: Option<String>,
}

impl From<TlsOptions> for whippet_core::TlsOptions {
    fn from(options: TlsOptions) -> Self {
        let verify = match (options.roots, options.verify) {
            (Some(roots), _) => Verify::Roots(certificates(&roots)),
            (None, true) => Verify::Platform,
            (None, false) => Verify::Off,
        };
        let client_auth = match (options.client_cert, options.client_key) {
            (Some(chain), Some(key)) => {
                Some(Arc::new(ClientAuth { chain: certificates(&chain), key: key.to_vec().into() }))
            }
            _ => None,
        };
        let extra_roots = certificates(&options.extra_roots.unwrap_or_default());
        whippet_core::TlsOptions { verify, extra_roots, client_auth, key_log: options.key_log.map(PathBuf::from) }
    }
}

fn certificates<C: From<Vec<u8>>>(ders: &[Uint8Array]) -> Vec<C> {
    ders.iter().map(|der| C::from(der.to_vec())).collect()
}

/// The façade has checked it by Node's rules, which are these.
fn address(text: &str) -> Result<IpAddr, Error> {
    text.parse().map_err(|_| Error::from_reason(format!("not an IP address: '{text}'")))
}

/// As above.
fn addresses(entries: &[String]) -> Result<AddressSet, Error> {
    let parsed = AddressSet::parse(entries.iter().map(String::as_str));
    parsed.map_err(|entry| Error::from_reason(format!("neither an IP address nor a CIDR: '{entry}'")))
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
    pub(crate) proxy: Option<Proxy>,
}

impl Profile {
    pub(crate) fn new(options: ProfileOptions, proxy: Option<Proxy>) -> Self {
        Profile {
            proxy,
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
