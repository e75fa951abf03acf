//! TLS by rustls: options, the handshake, and its errors under the codes that Node users know. What is made of the options
//! is in `config`, the platform's trust store in `platform`.

use crate::error::{Error, ErrorKind};
use crate::origin::Origin;
use crate::version::Versions;
use config::Shared;
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

mod config;
mod errors;
mod key_log;
mod odd_name;
mod platform;
mod stream;
mod verifier;

pub use platform::take_warning;
pub(crate) use stream::{TlsStream, fault_of};

/// What a server's certificate is verified against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Verify {
    /// The platform's trust store; Mozilla's roots where that is empty.
    #[default]
    Platform,
    /// No verification: any certificate for any name.
    Off,
    /// Exactly these.
    Roots(Vec<CertificateDer<'static>>),
}

/// Everything that a TLS connection depends on besides its peer. Connections and sessions are shared between equal ones only,
/// so whatever changes a handshake belongs in here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsOptions {
    pub verify: Verify,
    /// Trusted besides the platform's; `Verify::Roots` and `Verify::Off` do not look at them.
    pub extra_roots: Vec<CertificateDer<'static>>,
    pub client_auth: Option<Arc<ClientAuth>>,
    /// The secrets of each connection are appended here, in the format of NSS.
    pub key_log: Option<PathBuf>,
}

/// The client's own certificate.
#[derive(Debug, PartialEq, Eq)]
pub struct ClientAuth {
    /// The client's own first.
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivatePkcs8KeyDer<'static>,
}

/// The TLS side of one pool: its configuration is made at the first https connection, or was by a pool with the same options.
pub(crate) struct Tls {
    shared: Arc<Shared>,
}

impl Tls {
    pub(crate) fn new(options: TlsOptions) -> Self {
        Tls { shared: Shared::of(options) }
    }

    /// Over a socket, or over a tunnel.
    pub(crate) async fn handshake<IO>(
        &self,
        origin: &Origin,
        io: IO,
        versions: Versions,
    ) -> Result<TlsStream<IO>, Error>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let mut config = self.config(origin, versions).await?;
        // The name that verification and SNI see has no trailing dot (RFC 6066 section 3).
        let host = origin.host_for_peers();
        let host = host.strip_suffix('.').unwrap_or(host);
        let name = match (ServerName::try_from(host.to_owned()), odd_name::stand_in(host)) {
            (Ok(name), _) => name,
            (Err(_), Some(name)) => {
                config = self.shared.config_for_odd_name(config, host);
                name
            }
            (Err(cause), None) => {
                let message = format!("cannot connect to {origin}: '{host}' cannot be the name of a certificate");
                let error = Error::new(ErrorKind::ConnectError, message).with_code("ERR_TLS_CERT_ALTNAME_INVALID");
                return Err(error.with_source(cause));
            }
        };
        let connected = TlsConnector::from(config).connect(name, io).await;
        connected.map(TlsStream::new).map_err(|cause| errors::handshake(origin, cause))
    }

    async fn config(&self, origin: &Origin, versions: Versions) -> Result<Arc<ClientConfig>, Error> {
        if let Some(config) = self.shared.config(origin.port(), versions) {
            return Ok(config);
        }
        let shared = self.shared.clone();
        // Reading the trust store takes tens of milliseconds: not on the thread that serves every connection.
        let made = tokio::task::spawn_blocking(move || shared.make()).await;
        let why = match made {
            Ok(Ok(())) => match self.shared.config(origin.port(), versions) {
                Some(config) => return Ok(config),
                None => "nothing was made".to_owned(),
            },
            Ok(Err(error)) => error.to_string(),
            Err(panicked) => panicked.to_string(),
        };
        Err(Error::new(ErrorKind::ConnectError, format!("cannot set up TLS for {origin}: {why}")))
    }
}
