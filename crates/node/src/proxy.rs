//! A proxy as JavaScript describes it, turned into the core's once. Which requests take it is told by their profiles.

use crate::options::{TlsOptions, copy};
use napi::bindgen_prelude::Uint8Array;
use napi::{Error, Result};
use napi_derive::napi;
use whippet_core::{Credentials, FieldLines, Proxy, ProxyOptions, ProxyScheme};

/// How a proxy is spoken to: the scheme of its URL.
#[napi(string_enum = "lowercase")]
pub enum ProxyProtocol {
    Http,
    Https,
    Socks4,
    Socks4a,
    Socks5,
    Socks5h,
}

#[napi(object)]
pub struct ProxyHandleOptions {
    pub protocol: ProxyProtocol,
    /// Without brackets.
    pub host: String,
    pub port: u16,
    /// Requests are sent in absolute-form; otherwise a tunnel is asked for.
    pub forwards: bool,
    /// With a password: for SOCKS, and for Digest. Basic credentials are a line of `fields`.
    pub username: Option<String>,
    pub password: Option<String>,
    /// Header lines of CONNECT, in Latin-1: `name \n value \n …`
    pub fields: Uint8Array,
    /// Of the connection to an https proxy.
    pub tls: TlsOptions,
}

/// One proxy. Connections through it are shared by the requests whose profiles name this very handle.
#[napi]
pub struct ProxyHandle(pub(crate) Proxy);

#[napi]
impl ProxyHandle {
    #[napi(constructor, catch_unwind)]
    pub fn new(options: ProxyHandleOptions) -> Result<Self> {
        let scheme = match options.protocol {
            ProxyProtocol::Http => ProxyScheme::Http,
            ProxyProtocol::Https => ProxyScheme::Https,
            ProxyProtocol::Socks4 => ProxyScheme::Socks4,
            ProxyProtocol::Socks4a => ProxyScheme::Socks4a,
            ProxyProtocol::Socks5 => ProxyScheme::Socks5,
            ProxyProtocol::Socks5h => ProxyScheme::Socks5h,
        };
        let password = options.password.unwrap_or_default();
        let credentials = options.username.map(|username| Credentials { username, password });
        // The façade has checked them.
        let fields = FieldLines::new(copy(&options.fields));
        fields.to_map().map_err(|error| Error::from_reason(error.to_string()))?;
        Ok(ProxyHandle(Proxy::new(ProxyOptions {
            scheme,
            host: options.host,
            port: options.port,
            forwards: options.forwards,
            credentials,
            fields,
            tls: options.tls.into(),
        })))
    }
}
