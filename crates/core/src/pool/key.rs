//! What distinguishes connections.

use crate::connect::hop;
use crate::error::Error;
use crate::origin::Origin;
use crate::proxy::Proxy;
use crate::version::Versions;

/// Where connections lead, and the proxy on their way. Those with equal keys serve each other's requests, so that one through a
/// proxy is never taken for a direct one, nor for one through another proxy.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    origin: Origin,
    proxy: Option<Proxy>,
}

impl Key {
    /// The key of the connections that may carry a request for `origin` by way of `proxy`. To a proxy that forwards there is one
    /// kind of connection, whichever origin is asked for over it.
    pub(crate) fn new(origin: &Origin, proxy: Option<&Proxy>) -> Key {
        let origin = match proxy {
            Some(proxy) if proxy.options().forwards => proxy.origin(),
            _ => origin.clone(),
        };
        Key { origin, proxy: proxy.cloned() }
    }

    /// What is spoken to over the connection: the request's origin, or a proxy that forwards.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// What of `allowed` may be spoken over the connection: a proxy that forwards is never spoken to in HTTP/2.
    pub(crate) fn versions(&self, allowed: Versions) -> Versions {
        let forwards = self.proxy.as_ref().is_some_and(|proxy| proxy.options().forwards);
        if forwards { Versions::HTTP1 } else { allowed }
    }

    /// Whether a connection with this key may turn out to be HTTP/2.
    pub(crate) fn may_be_http2(&self, allowed: Versions) -> bool {
        self.versions(allowed).may_be_http2(self.origin.scheme())
    }

    /// An error of connecting: where the connect timeout ran out, it is said that a proxy was on the way.
    pub(crate) fn timed_out(&self, error: Error) -> Error {
        match &self.proxy {
            Some(proxy) => hop::timed_out(error, &self.origin, proxy),
            None => error,
        }
    }
}
