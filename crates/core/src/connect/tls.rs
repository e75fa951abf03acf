//! TLS by rustls: whom to trust, the handshake, and its errors under the codes that Node users know.

use crate::error::{Error, ErrorKind};
use crate::origin::Origin;
use crate::pool::Versions;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::cell::{OnceCell, RefCell};
use std::sync::{Arc, OnceLock};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

mod errors;
mod verifier;

use verifier::{AcceptAny, Classified};

/// Whom to trust.
#[derive(Clone, Debug, Default)]
pub enum Verify {
    /// The platform's trust store; Mozilla's roots where that is empty.
    #[default]
    Platform,
    /// Nobody is asked: any certificate for any name.
    Off,
    /// Exactly these.
    Roots(Vec<CertificateDer<'static>>),
}

#[derive(Clone, Debug, Default)]
pub struct TlsOptions {
    pub verify: Verify,
}

/// The TLS side of one pool: its configuration is made at the first https connection.
pub(crate) struct Tls {
    options: TlsOptions,
    config: OnceCell<Arc<ClientConfig>>,
    /// The same for the other choices of ALPN, which share its session store.
    variants: RefCell<Vec<(Versions, Arc<ClientConfig>)>>,
}

impl Tls {
    pub(crate) fn new(options: TlsOptions) -> Self {
        Tls { options, config: OnceCell::new(), variants: RefCell::default() }
    }

    pub(crate) async fn handshake(
        &self,
        origin: &Origin,
        tcp: TcpStream,
        versions: Versions,
    ) -> Result<TlsStream<TcpStream>, Error> {
        let config = self.offering(versions, self.config(origin).await?);
        // The name that verification and SNI see has no trailing dot (RFC 6066 section 3).
        let host = origin.host().strip_suffix('.').unwrap_or(origin.host());
        let name = ServerName::try_from(host.to_owned()).map_err(|cause| {
            let message = format!("cannot connect to {origin}: '{host}' cannot be the name of a certificate");
            Error::new(ErrorKind::ConnectError, message).with_code("ERR_TLS_CERT_ALTNAME_INVALID").with_source(cause)
        })?;
        TlsConnector::from(config).connect(name, tcp).await.map_err(|cause| errors::handshake(origin, cause))
    }

    /// `config` with ALPN's list for `versions`.
    fn offering(&self, versions: Versions, config: Arc<ClientConfig>) -> Arc<ClientConfig> {
        let mut variants = self.variants.borrow_mut();
        if let Some((_, variant)) = variants.iter().find(|(offered, _)| *offered == versions) {
            return variant.clone();
        }
        let mut variant = ClientConfig::clone(&config);
        // RFC 7301 section 3.1: the preferred one first.
        let protocols = [(versions.http2, &b"h2"[..]), (versions.http1, b"http/1.1")];
        variant.alpn_protocols = protocols.iter().filter(|(on, _)| *on).map(|(_, name)| name.to_vec()).collect();
        let variant = Arc::new(variant);
        variants.push((versions, variant.clone()));
        variant
    }

    async fn config(&self, origin: &Origin) -> Result<Arc<ClientConfig>, Error> {
        if let Some(config) = self.config.get() {
            return Ok(config.clone());
        }
        let verify = self.options.verify.clone();
        // Reading the trust store takes tens of milliseconds: not on the thread that serves every connection.
        let made = tokio::task::spawn_blocking(move || client_config(&verify)).await;
        let failed =
            |cause: String| Error::new(ErrorKind::ConnectError, format!("cannot set up TLS for {origin}: {cause}"));
        let config = made.map_err(|e| failed(e.to_string()))?.map_err(|e| failed(e.to_string()))?;
        Ok(self.config.get_or_init(|| config).clone())
    }
}

fn client_config(verify: &Verify) -> Result<Arc<ClientConfig>, rustls::Error> {
    let verifier: Arc<dyn ServerCertVerifier> = match verify {
        Verify::Off => Arc::new(AcceptAny(provider())),
        Verify::Platform => Arc::new(Classified(platform_verifier()?)),
        Verify::Roots(certificates) => Arc::new(Classified(roots_verifier(certificates)?)),
    };
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn roots_verifier(certificates: &[CertificateDer<'static>]) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate.clone())?;
    }
    webpki_verifier(roots)
}

fn webpki_verifier(roots: RootCertStore) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map(|verifier| verifier as Arc<dyn ServerCertVerifier>)
        .map_err(|error| rustls::Error::General(error.to_string()))
}

/// Read once per process, shared by every pool.
fn platform_verifier() -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
    static VERIFIER: OnceLock<Arc<dyn ServerCertVerifier>> = OnceLock::new();
    if let Some(verifier) = VERIFIER.get() {
        return Ok(verifier.clone());
    }
    let verifier: Arc<dyn ServerCertVerifier> = match rustls_platform_verifier::Verifier::new(provider()) {
        Ok(verifier) => Arc::new(verifier),
        // A machine without a trust store (a slim container) still reaches the public web.
        Err(_) => webpki_verifier(RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()))?,
    };
    Ok(VERIFIER.get_or_init(|| verifier).clone())
}

fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider())).clone()
}
