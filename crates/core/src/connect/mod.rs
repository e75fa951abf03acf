//! The connect chain: resolve, race the addresses, TLS. One budget covers all of it (the caller's connect timeout).

mod resolve;
mod stream;
mod tcp;
pub(crate) mod tls;

use crate::error::{Error, ErrorKind};
use crate::origin::{Origin, Scheme};
pub(crate) use stream::{Socket, Stream};
use tls::{Tls, TlsOptions};

/// What a pool's connections have in common.
pub(crate) struct Connector {
    tls: Tls,
}

impl Connector {
    pub(crate) fn new(tls: TlsOptions) -> Self {
        Connector { tls: Tls::new(tls) }
    }

    pub(crate) async fn connect(&self, origin: &Origin) -> Result<Stream, Error> {
        let addresses = resolve::resolve(origin).await?;
        let tcp = tcp::connect(&addresses).await.map_err(|cause| {
            Error::from_io(ErrorKind::ConnectError, format_args!("cannot connect to {origin}"), cause)
        })?;
        match origin.scheme() {
            Scheme::Http => Ok(Stream::Tcp(tcp)),
            Scheme::Https => Ok(Stream::Tls(Box::new(self.tls.handshake(origin, tcp).await?))),
        }
    }
}
