//! The connect chain: resolve, race the addresses, the way through a proxy, TLS; or a unix socket instead of the first
//! three. One budget covers all of it (the caller's connect timeout).

mod guard;
pub(crate) mod hop;
mod local;
mod lookup;
#[cfg(feature = "fuzzing")]
pub(crate) mod memory;
mod names;
mod race;
mod resolve;
pub(crate) mod socks;
mod stream;
mod tcp;
pub(crate) mod tunnel;

use crate::connection_info::{ConnectionInfo, Peer, TlsInfo};
use crate::error::{Error, ErrorKind, NO_APPLICATION_PROTOCOL};
use crate::origin::{Origin, Scheme};
use crate::proxy::Proxy;
use crate::timings::{ConnectTrace, Step};
use crate::tls::{Tls, TlsOptions};
use crate::version::Versions;
pub use guard::{AddressGuard, AddressSet};
use hop::ProxyTls;
pub use lookup::{Lookup, LookupError, LookupFuture, MAX_LOOKUP_THREADS};
use names::Names;
pub use resolve::AddressOverrides;
use std::net::IpAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
pub(crate) use stream::{Socket, Stream};
use tcp::SocketOptions;
pub(crate) use tcp::patience;
use tokio::net::TcpStream;

/// How a connection gets to where the URL says, where that is not left to the system. The `Host` header, SNI and the
/// verified name are the URL's all the same.
#[derive(Clone, Debug, Default)]
pub struct ConnectOverrides {
    /// A unix socket, on Windows a named pipe: every connection leads there, whatever the host.
    pub socket_path: Option<PathBuf>,
    /// Connections start here, and lead to addresses of the same family only.
    pub local_address: Option<IpAddr>,
    /// Asked before DNS.
    pub resolve: AddressOverrides,
    /// What of all this may be connected to. With `socket_path` it has no say.
    pub guard: AddressGuard,
    /// Asked for names in the place of the system's resolver.
    pub lookup: Option<Arc<dyn Lookup>>,
    /// How long an answer about a name is used again. `None`: not.
    pub dns_ttl: Option<Duration>,
    /// After so much silence on a connection its peer is probed. `None`: never.
    pub tcp_keepalive: Option<Duration>,
}

/// What a pool's connections have in common.
pub(crate) struct Connector {
    tls: Tls,
    overrides: ConnectOverrides,
    names: Names,
    proxy_tls: ProxyTls,
}

/// A way to the origin's server, and what is spoken on it.
pub(crate) struct Connected {
    pub(crate) stream: Stream,
    pub(crate) is_http2: bool,
    pub(crate) info: Rc<ConnectionInfo>,
}

impl Connector {
    pub(crate) fn new(tls: TlsOptions, overrides: ConnectOverrides) -> Self {
        let names = Names::new(overrides.lookup.clone(), overrides.dns_ttl);
        Connector { tls: Tls::new(tls), overrides, names, proxy_tls: ProxyTls::default() }
    }

    /// What names meant in another network they may not mean in this one.
    pub(crate) fn forget_names(&self) {
        self.names.forget_all();
    }

    /// A connection to `origin`, or, by way of `proxy`, to wherever that leads.
    pub(crate) async fn connect(
        &self,
        origin: &Origin,
        proxy: Option<&Proxy>,
        versions: Versions,
        trace: &ConnectTrace,
    ) -> Result<Connected, Error> {
        let stream = match proxy {
            None => self.open(origin, self.guard(), trace).await?,
            // The origin is the proxy.
            Some(proxy) if proxy.options().forwards => {
                let stream = self.to_proxy(proxy, trace).await?;
                return Ok(Connected::new(stream, false, None, trace));
            }
            Some(proxy) => self.through(proxy, origin, versions, trace).await?,
        };
        match origin.scheme() {
            Scheme::Http => Ok(Connected::new(stream, versions.may_be_http2(origin.scheme()), None, trace)),
            Scheme::Https => {
                trace.enter(Step::Tls);
                let stream = self.tls.handshake(origin, stream, versions).await?;
                let is_http2 = check_alpn(origin, stream.session().alpn_protocol(), versions)?;
                let tls = TlsInfo::of(stream.session());
                Ok(Connected::new(Stream::Tls(Box::new(stream)), is_http2, tls, trace))
            }
        }
    }

    /// Whether a request for `origin` may go to a proxy: as far as its address is known here. What the proxy makes of a name
    /// only it knows.
    ///
    /// # Errors
    ///
    /// As [`AddressGuard::check`].
    pub(crate) fn check_behind_proxy(&self, origin: &Origin) -> Result<(), Error> {
        if self.guard().is_off() {
            return Ok(());
        }
        self.guard().check(origin, resolve::known(origin, &self.overrides.resolve).map(|address| address.ip()))
    }

    fn guard(&self) -> &AddressGuard {
        &self.overrides.guard
    }

    /// A socket to where the origin listens.
    async fn open(&self, origin: &Origin, guard: &AddressGuard, trace: &ConnectTrace) -> Result<Stream, Error> {
        let ConnectOverrides { socket_path, local_address, tcp_keepalive, .. } = &self.overrides;
        trace.set_peer(None);
        #[cfg(feature = "fuzzing")]
        if let Some(connected) = memory::connect() {
            let what = format_args!("cannot connect to {origin}");
            let connected = connected.map_err(|cause| Error::from_io(ErrorKind::ConnectError, what, cause));
            return connected.map(|stream| Stream::Memory(Box::new(stream)));
        }
        if let Some(path) = socket_path {
            trace.enter(Step::Connect);
            return local::connect(path).await.map_err(|cause| {
                let what = format_args!(
                    "cannot connect to {origin} through '{}'",
                    path.display().to_string().replace('\0', "@")
                );
                Error::from_io(ErrorKind::ConnectError, what, cause)
            });
        }
        let resolved = self.resolve(origin, guard, trace).await?;
        let socket_options = SocketOptions { local: *local_address, keepalive: *tcp_keepalive };
        let connected = tcp::connect(&resolved.addresses, socket_options).await.map_err(|cause| match local_address {
            None => Error::from_io(ErrorKind::ConnectError, format_args!("cannot connect to {origin}"), cause),
            Some(local) => {
                let what = format_args!("cannot connect to {origin} from {local}");
                Error::from_io(ErrorKind::ConnectError, what, cause)
            }
        });
        let stream = connected?;
        resolved.keep();
        trace.set_peer(peer_of(&stream));
        Ok(Stream::Tcp(stream))
    }
}

impl Connected {
    fn new(stream: Stream, is_http2: bool, tls: Option<TlsInfo>, trace: &ConnectTrace) -> Connected {
        Connected { stream, is_http2, info: Rc::new(ConnectionInfo::new(trace.peer(), tls, trace.spent())) }
    }
}

/// `None` when the connection has ended already.
fn peer_of(stream: &TcpStream) -> Option<Peer> {
    Some(Peer { remote: stream.peer_addr().ok()?, local: stream.local_addr().ok()? })
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
