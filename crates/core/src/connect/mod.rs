//! The connect chain: resolve, race the addresses, TLS. One budget covers all of it (the caller's connect timeout).

mod resolve;
mod stream;
mod tcp;
pub(crate) mod tls;

use crate::error::{Error, ErrorKind};
use crate::origin::{Origin, Scheme};
use crate::pool::Versions;
pub(crate) use stream::{Socket, Stream};
use tls::{Tls, TlsOptions};

/// What a pool's connections have in common.
pub(crate) struct Connector {
    tls: Tls,
}

/// A way to the origin's server, and what is spoken on it.
pub(crate) struct Connected {
    pub(crate) stream: Stream,
    pub(crate) is_http2: bool,
}

impl Connector {
    pub(crate) fn new(tls: TlsOptions) -> Self {
        Connector { tls: Tls::new(tls) }
    }

    pub(crate) async fn connect(&self, origin: &Origin, versions: Versions) -> Result<Connected, Error> {
        let addresses = resolve::resolve(origin).await?;
        let tcp = tcp::connect(&addresses).await.map_err(|cause| {
            Error::from_io(ErrorKind::ConnectError, format_args!("cannot connect to {origin}"), cause)
        })?;
        match origin.scheme() {
            Scheme::Http => {
                Ok(Connected { stream: Stream::Tcp(tcp), is_http2: versions.may_be_http2(origin.scheme()) })
            }
            Scheme::Https => {
                let stream = self.tls.handshake(origin, tcp, versions).await?;
                let is_http2 = check_alpn(origin, stream.get_ref().1.alpn_protocol(), versions)?;
                Ok(Connected { stream: Stream::Tls(Box::new(stream)), is_http2 })
            }
        }
    }
}

/// Whether the server has chosen HTTP/2. A server that does not know ALPN chooses nothing, and means HTTP/1.1.
fn check_alpn(origin: &Origin, chosen: Option<&[u8]>, versions: Versions) -> Result<bool, Error> {
    match chosen {
        Some(b"h2") => Ok(true),
        _ if versions.http1 => Ok(false),
        chosen => {
            let chosen = chosen.map_or("nothing".to_owned(), |chosen| format!("'{}'", chosen.escape_ascii()));
            let message = format!(
                "cannot connect to {origin}: the server did not agree to HTTP/2 by ALPN (it chose {chosen}), and httpVersions allows nothing else"
            );
            Err(Error::new(ErrorKind::ConnectError, message).with_code(NO_APPLICATION_PROTOCOL))
        }
    }
}

/// As Node calls the alert that says the same.
const NO_APPLICATION_PROTOCOL: &str = "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL";
