//! The platform's trust store: read once per process, by the first connection that asks for it. On Linux and its kin it is a
//! file or a folder, which is read here and not by rustls-platform-verifier, because that would follow SSL_CERT_FILE and
//! SSL_CERT_DIR, whatever `trustEnv` says. On macOS and Windows the system verifies.

use super::verifier::Verifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::{Error, RootCertStore};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

#[cfg(any(windows, target_vendor = "apple"))]
pub(super) fn verifier(extra_roots: &[CertificateDer<'static>]) -> Result<Verifier, Error> {
    let made = rustls_platform_verifier::Verifier::new_with_extra_roots(extra_roots.iter().cloned(), provider());
    match made {
        Ok(system) => Ok(Verifier::new(Arc::new(system), extra_roots.to_vec())),
        Err(_) if extra_roots.is_empty() => with_extra(&bundled(), &[], extra_roots),
        Err(error) => Err(error),
    }
}

/// The platform's roots, shared, with a copy only where there are `extra_roots`.
#[cfg(not(any(windows, target_vendor = "apple")))]
pub(super) fn verifier(extra_roots: &[CertificateDer<'static>]) -> Result<Verifier, Error> {
    static STORE: OnceLock<Store> = OnceLock::new();
    let store = STORE.get_or_init(|| Store::read(&files::BUNDLES, &files::FOLDERS));
    with_extra(&store.roots, &store.certificates, extra_roots)
}

/// What was found on the disk, and what rustls makes of it.
#[cfg(not(any(windows, target_vendor = "apple")))]
struct Store {
    certificates: Vec<CertificateDer<'static>>,
    roots: Arc<RootCertStore>,
}

#[cfg(not(any(windows, target_vendor = "apple")))]
impl Store {
    /// The first bundle that is there, and all folders; what cannot be read in them is left out.
    fn read(bundles: &[&str], folders: &[&str]) -> Store {
        use rustls_native_certs::load_certs_from_paths;
        use std::path::Path;

        let mut certificates = Vec::new();
        if let Some(bundle) = bundles.iter().map(Path::new).find(|path| path.exists()) {
            certificates.extend(load_certs_from_paths(Some(bundle), None).certs);
        }
        for folder in folders.iter().map(Path::new).filter(|path| path.is_dir()) {
            certificates.extend(load_certs_from_paths(None, Some(folder)).certs);
        }
        certificates.sort_unstable_by(|a, b| a.as_ref().cmp(b.as_ref()));
        certificates.dedup();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates.iter().cloned());
        let roots = if roots.is_empty() { bundled() } else { Arc::new(roots) };
        Store { certificates, roots }
    }
}

/// Where Linux distributions have their certificates: the places that Go's crypto/x509 knows.
#[cfg(not(any(windows, target_vendor = "apple")))]
mod files {
    pub(super) const BUNDLES: [&str; 6] = [
        // Debian, Ubuntu, Gentoo, Arch, Alpine.
        "/etc/ssl/certs/ca-certificates.crt",
        // CentOS, RHEL 7 and later.
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        // Fedora, RHEL 6.
        "/etc/pki/tls/certs/ca-bundle.crt",
        // openSUSE.
        "/etc/ssl/ca-bundle.pem",
        // OpenELEC.
        "/etc/pki/tls/cacert.pem",
        // Alpine; OpenBSD.
        "/etc/ssl/cert.pem",
    ];
    pub(super) const FOLDERS: [&str; 2] = ["/etc/ssl/certs", "/etc/pki/tls/certs"];
}

fn with_extra(
    roots: &Arc<RootCertStore>,
    certificates: &[CertificateDer<'static>],
    extra: &[CertificateDer<'static>],
) -> Result<Verifier, Error> {
    Verifier::of_store(merged(roots, extra), [certificates, extra].concat())
}

/// The same ones, if there is nothing to add.
fn merged(roots: &Arc<RootCertStore>, extra: &[CertificateDer<'static>]) -> Arc<RootCertStore> {
    if extra.is_empty() {
        return roots.clone();
    }
    let mut roots = RootCertStore::clone(roots);
    roots.add_parsable_certificates(extra.iter().cloned());
    Arc::new(roots)
}

/// A machine without a trust store (a slim container) still reaches the public web.
fn bundled() -> Arc<RootCertStore> {
    WARNED.store(true, Ordering::Relaxed);
    Arc::new(RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()))
}

/// A warning is due.
static WARNED: AtomicBool = AtomicBool::new(false);

/// The warning about the trust store that is due, if any; it is given once.
pub fn take_warning() -> Option<&'static str> {
    // Asked after each request, so first without writing to what threads share.
    let is_due = WARNED.load(Ordering::Relaxed) && WARNED.swap(false, Ordering::Relaxed);
    is_due.then_some(
        "The system's trust store has no certificates, so https trusts the roots of Mozilla that came with whippet. \
         Install the package ca-certificates, or name certificates by verify or SSL_CERT_FILE.",
    )
}

pub(super) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider())).clone()
}

#[cfg(all(test, not(any(windows, target_vendor = "apple"))))]
mod tests {
    use super::*;

    #[test]
    fn an_empty_store_is_mozillas_and_says_so_once() {
        let store = Store::read(&["/nowhere/bundle.pem"], &["/nowhere"]);
        assert_eq!(store.roots.len(), webpki_roots::TLS_SERVER_ROOTS.len());
        assert!(take_warning().is_some_and(|text| text.contains("ca-certificates")));
        assert_eq!(take_warning(), None);
    }

    #[test]
    fn extra_roots_come_to_the_platforms() {
        let parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        let key = rcgen::KeyPair::generate().expect("a key");
        let extra = parameters.self_signed(&key).expect("a certificate").der().clone();
        let platforms = Arc::new(RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()));
        assert!(Arc::ptr_eq(&merged(&platforms, &[]), &platforms));
        assert_eq!(merged(&platforms, &[extra]).len(), platforms.len() + 1);
    }
}
