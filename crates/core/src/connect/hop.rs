//! The way to a proxy, and through it. What is said to it is in `tunnel` and `socks`.

use super::race::race;
use super::socks::{self, Refused, Target};
use super::{AddressGuard, Connector, Stream, tunnel};
use crate::error::{Error, ErrorKind};
use crate::origin::{Origin, Scheme};
use crate::proxy::{AuthAttempt, Proxy, ProxyScheme};
use crate::timings::{ConnectTrace, Step};
use crate::tls::Tls;
use crate::version::Versions;
use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::ops::ControlFlow;
use std::rc::Rc;
use std::time::Duration;

/// TLS for the proxies that a pool has connected to. They have trusted roots of their own, and sessions of their own, so that no
/// origin is shown a proxy's.
#[derive(Default)]
pub(super) struct ProxyTls(RefCell<Vec<(Proxy, Rc<Tls>)>>);

impl ProxyTls {
    fn tls(&self, proxy: &Proxy) -> Rc<Tls> {
        let mut known = self.0.borrow_mut();
        if let Some((_, tls)) = known.iter().find(|(other, _)| other == proxy) {
            return tls.clone();
        }
        let tls = Rc::new(Tls::new(proxy.options().tls.clone()));
        known.push((proxy.clone(), tls.clone()));
        tls
    }
}

impl Connector {
    /// A connection to the proxy itself; TLS, when it wants that.
    pub(super) async fn to_proxy(&self, proxy: &Proxy, trace: &ConnectTrace) -> Result<Stream, Error> {
        let origin = proxy.origin();
        let connected = async {
            // A proxy is named by the program itself: the guard is for origins.
            let stream = self.open(&origin, &AddressGuard::default(), trace).await?;
            if proxy.options().scheme != ProxyScheme::Https {
                return Ok(stream);
            }
            // No HTTP/2: neither CONNECT over it nor forwarding.
            let stream = self.proxy_tls.tls(proxy).handshake(&origin, stream, Versions::HTTP1).await?;
            Ok(Stream::Tls(Box::new(stream)))
        };
        connected.await.map_err(|error| to_proxy(error, proxy))
    }

    /// A stream to where the origin listens, by way of the proxy.
    pub(super) async fn through(
        &self,
        proxy: &Proxy,
        origin: &Origin,
        versions: Versions,
        trace: &ConnectTrace,
    ) -> Result<Stream, Error> {
        match proxy.options().scheme {
            ProxyScheme::Http | ProxyScheme::Https => self.tunnel(proxy, origin, versions, trace).await,
            ProxyScheme::Socks4 | ProxyScheme::Socks5 => self.socks_by_address(proxy, origin, trace).await,
            ProxyScheme::Socks4a | ProxyScheme::Socks5h => {
                let target = match origin.host_for_peers().parse::<IpAddr>() {
                    Ok(address) => Target::Address(SocketAddr::new(address, origin.port())),
                    Err(_) => Target::Name(origin.host(), origin.port()),
                };
                self.socks(proxy, target, trace).await.map_err(|refused| refused.error)
            }
        }
    }

    async fn tunnel(
        &self,
        proxy: &Proxy,
        origin: &Origin,
        versions: Versions,
        trace: &ConnectTrace,
    ) -> Result<Stream, Error> {
        let authority = match origin.host().contains(':') {
            true => format!("[{}]:{}", origin.host_for_peers(), origin.port()),
            false => format!("{}:{}", origin.host(), origin.port()),
        };
        let mut challenged = AuthAttempt::default();
        loop {
            let stream = self.to_proxy(proxy, trace).await?;
            let Some((stream, ahead)) = tunnel::open(stream, proxy, &authority, &mut challenged).await? else {
                continue;
            };
            // What follows the reply's head belongs to the tunnel. An HTTP/2 server may begin there, and TLS knows how to
            // refuse; but in HTTP/1.1 it would be taken for the response to what has not been asked yet.
            let may_begin = origin.scheme() == Scheme::Https || versions.may_be_http2(origin.scheme());
            if !ahead.is_empty() && !may_begin {
                let length = ahead.len();
                let message =
                    format!("{proxy} sent {length} bytes of a tunnel to {origin} before anything was asked there");
                return Err(Error::new(ErrorKind::ConnectError, message).with_code("EPROTO").at_proxy());
            }
            return Ok(stream.ahead(ahead));
        }
    }

    /// The name is looked up here. The addresses are tried in turn: which of them the proxy can reach only it knows. One about which
    /// it says nothing does not hold up the next.
    async fn socks_by_address(&self, proxy: &Proxy, origin: &Origin, trace: &ConnectTrace) -> Result<Stream, Error> {
        let mut resolved = self.resolve(origin, self.guard(), trace).await?;
        let mut addresses = std::mem::take(&mut resolved.addresses);
        if proxy.options().scheme == ProxyScheme::Socks4 && addresses.iter().any(SocketAddr::is_ipv4) {
            addresses.retain(SocketAddr::is_ipv4);
        }
        trace.enter(Step::Connect);
        let attempts = addresses.into_iter().map(|address| async move {
            let own = ConnectTrace::start();
            let outcome = self.socks(proxy, Target::Address(address), &own).await;
            trace.set_peer(own.peer());
            match outcome {
                Err(Refused { error, is_unreachable: true }) => ControlFlow::Continue(error),
                ended => ControlFlow::Break(ended.map_err(|refused| refused.error)),
            }
        });
        let connected = race(attempts, SOCKS_ATTEMPT_DELAY).await.unwrap_or_else(|| {
            let message = format!("cannot connect to {origin}: the name has no address");
            Err(Error::new(ErrorKind::ConnectError, message))
        });
        let stream = connected?;
        resolved.keep();
        Ok(stream)
    }

    async fn socks(&self, proxy: &Proxy, target: Target<'_>, trace: &ConnectTrace) -> Result<Stream, Refused> {
        let connected = self.to_proxy(proxy, trace).await;
        let mut stream = connected.map_err(|error| Refused { error, is_unreachable: false })?;
        socks::connect(&mut stream, proxy, target).await?;
        Ok(stream)
    }
}

/// A proxy has so long to say what became of an address before another one is tried beside it.
const SOCKS_ATTEMPT_DELAY: Duration = Duration::from_millis(500);

/// An error of the connection to the proxy: the text calls it that.
fn to_proxy(error: Error, proxy: &Proxy) -> Error {
    let origin = proxy.origin().to_string();
    error.with_message(|text| text.replacen(&origin, &format!("the proxy {proxy}"), 1)).at_proxy()
}

/// The connect timeout of a connection by way of `proxy`: the text says so, and the time counts as the proxy's. Other errors
/// stay as they are.
pub(crate) fn timed_out(error: Error, origin: &Origin, proxy: &Proxy) -> Error {
    if error.kind() != ErrorKind::ConnectTimeout {
        return error;
    }
    let origin = origin.to_string();
    error.with_message(|text| text.replacen(&origin, &format!("{origin} through the proxy {proxy}"), 1)).at_proxy()
}
