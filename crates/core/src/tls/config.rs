//! rustls' configurations, one per process for equal options: a thousand clients parse their roots once. Each has its own
//! sessions, so that none is resumed that was begun under other options.

use super::key_log::KeyLog;
use super::odd_name::OddNameVerifier;
use super::platform::{self, provider};
use super::verifier::{AcceptAny, Verifier};
use super::{TlsOptions, Verify};
use crate::version::Versions;
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

/// Options that no client uses any more are remembered up to this number: short-lived clients come one after another.
const MAX_REMEMBERED_COUNT: usize = 8;

/// Ports with sessions, per configuration.
const MAX_PORT_COUNT: usize = 64;

/// Of one port: rustls keeps them for an eighth as many servers.
const MAX_SESSION_COUNT: usize = 256;

/// Options, and what was made of them.
pub(super) struct Shared {
    options: TlsOptions,
    base: OnceLock<Base>,
    making: Mutex<()>,
    /// rustls keeps sessions by name alone. Two servers of one host are two peers: neither is shown the other's tickets,
    /// nor loses its own by them.
    by_port: Mutex<HashMap<u16, Port>>,
}

/// What all configurations have in common.
struct Base {
    config: ClientConfig,
    verifier: Arc<dyn ServerCertVerifier>,
}

/// The sessions of one port, and a configuration for each choice of ALPN, which share them.
struct Port {
    sessions: Resumption,
    variants: Vec<(Versions, Arc<ClientConfig>)>,
}

#[derive(Default)]
struct Known {
    in_use: Vec<Weak<Shared>>,
    /// The one used last at the end. None with a private key: that goes with the last client that has it.
    remembered: VecDeque<Arc<Shared>>,
}

impl Shared {
    /// The one for these options.
    pub(super) fn of(options: TlsOptions) -> Arc<Shared> {
        static KNOWN: Mutex<Known> = Mutex::new(Known { in_use: Vec::new(), remembered: VecDeque::new() });
        KNOWN.lock().unwrap_or_else(PoisonError::into_inner).find(options)
    }

    /// For servers at this port, which are offered these versions; none before `make`.
    pub(super) fn config(&self, port: u16, versions: Versions) -> Option<Arc<ClientConfig>> {
        let base = self.base.get()?;
        let mut by_port = self.by_port.lock().unwrap_or_else(PoisonError::into_inner);
        if by_port.len() >= MAX_PORT_COUNT && !by_port.contains_key(&port) {
            by_port.clear();
        }
        let port = by_port.entry(port).or_insert_with(|| Port {
            sessions: Resumption::in_memory_sessions(MAX_SESSION_COUNT),
            variants: Vec::new(),
        });
        if let Some((_, config)) = port.variants.iter().find(|(offered, _)| *offered == versions) {
            return Some(config.clone());
        }
        let mut config = base.config.clone();
        config.resumption = port.sessions.clone();
        // RFC 7301 section 3.1: the preferred one first.
        let protocols = [(versions.http2, &b"h2"[..]), (versions.http1, b"http/1.1")];
        config.alpn_protocols = protocols.iter().filter(|(on, _)| *on).map(|(_, name)| name.to_vec()).collect();
        let config = Arc::new(config);
        port.variants.push((versions, config.clone()));
        Some(config)
    }

    /// The same for a host that rustls is given another name for: see `odd_name`. It has no sessions, which would be the other's.
    pub(super) fn config_for_odd_name(&self, config: Arc<ClientConfig>, host: &str) -> Arc<ClientConfig> {
        let mut config = ClientConfig::clone(&config);
        config.resumption = Resumption::disabled();
        if let Some(base) = self.base.get().filter(|_| self.options.verify != Verify::Off) {
            let inner = base.verifier.clone();
            let by_system = cfg!(any(windows, target_vendor = "apple")) && self.options.verify == Verify::Platform;
            let verifier = OddNameVerifier { inner, host: host.into(), name_comes_last: !by_system };
            config.dangerous().set_certificate_verifier(Arc::new(verifier));
        }
        Arc::new(config)
    }

    /// Blocks. A failure is not kept: the next connection tries again.
    pub(super) fn make(&self) -> Result<(), rustls::Error> {
        let _one_at_a_time = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if self.base.get().is_none() {
            let base = base(&self.options)?;
            self.base.get_or_init(|| base);
        }
        Ok(())
    }
}

impl Known {
    fn find(&mut self, options: TlsOptions) -> Arc<Shared> {
        self.in_use.retain(|weak| weak.strong_count() > 0);
        let found = self.in_use.iter().filter_map(Weak::upgrade).find(|shared| shared.options == options);
        let shared = found.unwrap_or_else(|| {
            let shared =
                Arc::new(Shared { options, base: OnceLock::new(), making: Mutex::new(()), by_port: Mutex::default() });
            self.in_use.push(Arc::downgrade(&shared));
            shared
        });
        if shared.options.client_auth.is_none() {
            self.remembered.retain(|other| !Arc::ptr_eq(other, &shared));
            self.remembered.push_back(shared.clone());
            if self.remembered.len() > MAX_REMEMBERED_COUNT {
                self.remembered.pop_front();
            }
        }
        shared
    }
}

fn base(options: &TlsOptions) -> Result<Base, rustls::Error> {
    let verifier: Arc<dyn ServerCertVerifier> = match &options.verify {
        Verify::Off => Arc::new(AcceptAny(provider())),
        Verify::Platform => Arc::new(platform::verifier(&options.extra_roots)?),
        Verify::Roots(certificates) => Arc::new(Verifier::of_roots(certificates)?),
    };
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier.clone());
    let mut config = match options.client_auth.as_deref() {
        None => builder.with_no_client_auth(),
        Some(own) => {
            let chain: Vec<CertificateDer<'static>> = own.chain.clone();
            builder.with_client_auth_cert(chain, PrivateKeyDer::Pkcs8(own.key.clone_key()))?
        }
    };
    config.resumption = Resumption::disabled();
    if let Some(path) = &options.key_log {
        let key_log = KeyLog::open(path).map_err(|error| {
            rustls::Error::General(format!("SSLKEYLOGFILE: cannot open '{}': {error}", path.display()))
        })?;
        config.key_log = Arc::new(key_log);
    }
    Ok(Base { config, verifier })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::ClientAuth;
    use rustls::pki_types::PrivatePkcs8KeyDer;

    fn roots(byte: u8) -> TlsOptions {
        TlsOptions { verify: Verify::Roots(vec![CertificateDer::from(vec![byte])]), ..TlsOptions::default() }
    }

    fn with_key() -> TlsOptions {
        let own = ClientAuth { chain: Vec::new(), key: PrivatePkcs8KeyDer::from(vec![1]) };
        TlsOptions { client_auth: Some(Arc::new(own)), ..TlsOptions::default() }
    }

    #[test]
    fn equal_options_are_one() {
        let mut known = Known::default();
        let variants = [
            TlsOptions::default(),
            TlsOptions { verify: Verify::Off, ..TlsOptions::default() },
            TlsOptions { extra_roots: vec![CertificateDer::from(vec![1])], ..TlsOptions::default() },
            TlsOptions { key_log: Some("log".into()), ..TlsOptions::default() },
            roots(1),
            roots(2),
            with_key(),
        ];
        let found: Vec<_> = variants.iter().map(|options| known.find(options.clone())).collect();
        for (i, options) in variants.iter().enumerate() {
            let again = known.find(options.clone());
            let same: Vec<_> = found.iter().map(|other| Arc::ptr_eq(other, &again)).collect();
            assert_eq!(same.iter().position(|same| *same), Some(i), "{options:?}");
            assert_eq!(same.iter().filter(|same| **same).count(), 1, "{options:?}");
        }
    }

    #[test]
    fn few_are_remembered_and_no_key_is() {
        let mut known = Known::default();
        let key = Arc::downgrade(&known.find(with_key()));
        assert!(key.upgrade().is_none(), "its last user has gone");
        let first = Arc::downgrade(&known.find(roots(0)));
        for byte in 1..MAX_REMEMBERED_COUNT as u8 {
            known.find(roots(byte));
        }
        assert!(first.upgrade().is_some(), "there is room");
        known.find(roots(u8::MAX));
        assert!(first.upgrade().is_none(), "the oldest has gone");
        known.find(roots(u8::MAX));
        assert_eq!(known.in_use.len(), MAX_REMEMBERED_COUNT);
    }
}
