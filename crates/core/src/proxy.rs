//! What a proxy is: where it listens, how it is spoken to, and the credentials for it. Opening a way through it is
//! [`crate::connect`]'s work; which request takes which proxy, and reading the environment, is `src/connect/`'s.

mod challenge;
pub(crate) mod digest;
#[cfg(test)]
pub(crate) mod testing;

use crate::error::Error;
use crate::fields::FieldLines;
use crate::origin::{Origin, Scheme};
use crate::tls::TlsOptions;
use digest::Session;
use http::header::HeaderValue;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyScheme {
    Http,
    /// HTTP within TLS.
    Https,
    /// The name is looked up here, and IPv4 is all there is.
    Socks4,
    Socks4a,
    /// The name is looked up here.
    Socks5,
    Socks5h,
}

/// What a proxy is made of.
pub struct ProxyOptions {
    pub scheme: ProxyScheme,
    /// Without brackets, also for IPv6.
    pub host: String,
    pub port: u16,
    /// Requests are sent to it in absolute-form, instead of through a tunnel.
    pub forwards: bool,
    pub credentials: Option<Credentials>,
    /// Sent with CONNECT, after Host and Accept. Basic credentials are among them.
    pub fields: FieldLines,
    /// Of the connection to a proxy with the scheme https.
    pub tls: TlsOptions,
}

/// For SOCKS, and for Digest.
pub struct Credentials {
    pub username: String,
    pub password: String,
}

/// One proxy. Two of them are equal only when one was cloned from the other: requests share connections only through the
/// same proxy, and what is sent to one proxy never reaches another.
#[derive(Clone)]
pub struct Proxy(Arc<Parts>);

struct Parts {
    options: ProxyOptions,
    /// What answered requests know; those that come later answer beforehand.
    digest: Mutex<Option<Session>>,
}

impl Proxy {
    pub fn new(options: ProxyOptions) -> Self {
        Proxy(Arc::new(Parts { options, digest: Mutex::default() }))
    }

    pub(crate) fn options(&self) -> &ProxyOptions {
        &self.0.options
    }

    /// Where it listens.
    pub(crate) fn origin(&self) -> Origin {
        let ProxyOptions { scheme, host, port, .. } = self.options();
        let scheme = if *scheme == ProxyScheme::Https { Scheme::Https } else { Scheme::Http };
        Origin::new(scheme, host, *port)
    }

    /// The answer to what the proxy has asked others before, if it has, as the value of Proxy-Authorization.
    pub(crate) fn authorization(&self, method: &str, uri: &str) -> Option<Result<HeaderValue, Error>> {
        let Credentials { username, password } = self.digest_credentials()?;
        self.known().as_mut().map(|session| session.answer(username, password, method, uri))
    }

    /// A 407 came with these headers: what it asks for, if it can be answered.
    pub(crate) fn challenged(&self, headers: &FieldLines, before: &AuthAttempt) -> Option<AuthAttempt> {
        self.digest_credentials()?;
        let session = Session::of(headers)?;
        // Once; and once more where nothing but the nonce was wrong.
        let may_answer = before.times == 0 || (before.times == 1 && session.is_stale());
        may_answer.then_some(AuthAttempt { times: before.times + 1, session: Some(Box::new(session)) })
    }

    /// The answer to this very challenge. No other request uses its nonce until it is `accepted`: answers of several requests to
    /// one nonce may arrive in another order than they were counted in, which a proxy takes for a replay.
    pub(crate) fn answer(
        &self,
        challenged: &mut AuthAttempt,
        method: &str,
        uri: &str,
    ) -> Option<Result<HeaderValue, Error>> {
        let Credentials { username, password } = self.digest_credentials()?;
        challenged.session.as_mut().map(|session| session.answer(username, password, method, uri))
    }

    /// The proxy was content: others answer beforehand from now on.
    pub(crate) fn accepted(&self, challenged: &mut AuthAttempt) {
        if let Some(session) = challenged.session.take() {
            *self.known() = Some(*session);
        }
    }

    fn digest_credentials(&self) -> Option<&Credentials> {
        let options = &self.0.options;
        let is_http = matches!(options.scheme, ProxyScheme::Http | ProxyScheme::Https);
        options.credentials.as_ref().filter(|_| is_http)
    }

    /// A panic elsewhere leaves the session whole.
    fn known(&self) -> MutexGuard<'_, Option<Session>> {
        self.0.digest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a proxy has asked of one request.
#[derive(Debug, Default)]
pub(crate) struct AuthAttempt {
    /// How often it was asked.
    times: u32,
    /// On the heap, as most requests meet none: their futures stay small.
    session: Option<Box<Session>>,
}

impl PartialEq for Proxy {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Proxy {}

impl Hash for Proxy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

/// Its URL, without credentials.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ProxyOptions { scheme, host, port, .. } = self.options();
        let scheme = match scheme {
            ProxyScheme::Http => "http",
            ProxyScheme::Https => "https",
            ProxyScheme::Socks4 => "socks4",
            ProxyScheme::Socks4a => "socks4a",
            ProxyScheme::Socks5 => "socks5",
            ProxyScheme::Socks5h => "socks5h",
        };
        match host.contains(':') {
            true => write!(f, "{scheme}://[{host}]:{port}"),
            false => write!(f, "{scheme}://{host}:{port}"),
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
