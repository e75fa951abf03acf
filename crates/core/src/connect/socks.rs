//! The SOCKS handshakes: version 4 (and 4a, which knows names) and version 5 (RFC 1928, RFC 1929). Over any stream; whose
//! time runs out is the caller's business.
//!
//! Written out, as it is two messages each way: the libraries bring resolvers, servers and error texts of their own.

use crate::error::{Error, ErrorKind, io_code};
use crate::proxy::{Credentials, Proxy, ProxyScheme};
use std::io;
use std::net::{IpAddr, SocketAddr};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Where a tunnel is to lead.
pub(crate) enum Target<'a> {
    /// For the proxy to look up.
    Name(&'a str, u16),
    Address(SocketAddr),
}

/// How it failed.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) error: Error,
    /// The proxy could not reach this address; it may reach another one.
    pub(crate) is_unreachable: bool,
}

/// `stream` leads to the proxy; afterwards it leads to `target`, and nothing of what follows has been read.
pub(crate) async fn connect<S>(stream: &mut S, proxy: &Proxy, target: Target<'_>) -> Result<(), Refused>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let options = proxy.options();
    let credentials = options.credentials.as_ref();
    let mut talk = Talk { stream, proxy };
    match options.scheme {
        ProxyScheme::Socks4 | ProxyScheme::Socks4a => talk.version4(credentials, target).await,
        _ => talk.version5(credentials, target).await,
    }
}

struct Talk<'a, S> {
    stream: &'a mut S,
    proxy: &'a Proxy,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<'_, S> {
    async fn version5(&mut self, credentials: Option<&Credentials>, target: Target<'_>) -> Result<(), Refused> {
        self.authenticate(credentials).await?;
        let mut request = vec![5, CONNECT, 0];
        let port = match target {
            Target::Address(address) => {
                match address.ip() {
                    IpAddr::V4(ip) => request.extend([[1].as_slice(), &ip.octets()].concat()),
                    IpAddr::V6(ip) => request.extend([[4].as_slice(), &ip.octets()].concat()),
                }
                address.port()
            }
            Target::Name(name, port) => {
                let length = self.length("the name of the host", name.as_bytes())?;
                request.extend([3, length]);
                request.extend(name.as_bytes());
                port
            }
        };
        request.extend(port.to_be_bytes());
        self.write(&request).await?;

        let [version, reply, _, kind] = self.read().await?;
        self.expect_version(version, 5)?;
        if reply != 0 {
            let text = usize::from(reply).checked_sub(1).and_then(|at| REPLIES.get(at)).copied();
            let text = text.map_or_else(|| format!("reply {reply}"), str::to_owned);
            // 1 to 6 and 8 are about this address; 2 and 7 are about us.
            let is_unreachable = !matches!(reply, 2 | 7);
            return Err(Refused { is_unreachable, ..self.refused(format!("Proxy Server could not connect: {text}.")) });
        }
        // The address that it connects from is of no use here.
        match kind {
            1 => self.read::<6>().await.map(drop),
            4 => self.read::<18>().await.map(drop),
            3 => {
                let [length] = self.read().await?;
                let mut name = vec![0; usize::from(length) + 2];
                self.read_into(&mut name).await
            }
            kind => Err(self.refused(format!("the proxy sent an address of the unknown kind {kind}"))),
        }
    }

    async fn authenticate(&mut self, credentials: Option<&Credentials>) -> Result<(), Refused> {
        let offer: &[u8] = if credentials.is_some() { &[5, 2, NONE, PASSWORD] } else { &[5, 1, NONE] };
        self.write(offer).await?;
        let [version, method] = self.read().await?;
        self.expect_version(version, 5)?;
        match (method, credentials) {
            (NONE, _) => Ok(()),
            (PASSWORD, Some(Credentials { username, password })) => {
                let mut message = vec![1, self.length("the proxy's username", username.as_bytes())?];
                message.extend(username.as_bytes());
                message.push(self.length("the proxy's password", password.as_bytes())?);
                message.extend(password.as_bytes());
                self.write(&message).await?;
                let [_, status] = self.read().await?;
                match status {
                    0 => Ok(()),
                    _ => Err(self.refused("Invalid username/password".to_owned())),
                }
            }
            (method, credentials) => {
                let requested = match credentials {
                    Some(_) => "NO AUTHENTICATION REQUIRED or USERNAME/PASSWORD",
                    None => "NO AUTHENTICATION REQUIRED",
                };
                let got = match method {
                    1 => "GSSAPI".to_owned(),
                    PASSWORD => "USERNAME/PASSWORD".to_owned(),
                    0xff => "NO ACCEPTABLE METHODS".to_owned(),
                    method => format!("METHOD {method}"),
                };
                Err(self.refused(format!("Requested {requested} from proxy server, but got {got}.")))
            }
        }
    }

    /// Version 4 has a user, but no password.
    async fn version4(&mut self, credentials: Option<&Credentials>, target: Target<'_>) -> Result<(), Refused> {
        let mut request = vec![4, CONNECT];
        let (address, name, port) = match target {
            Target::Address(SocketAddr::V4(address)) => (address.ip().octets(), None, address.port()),
            Target::Address(SocketAddr::V6(_)) => {
                let error = "SOCKS 4 cannot reach IPv6 addresses: use socks5 or socks5h".to_owned();
                return Err(Refused { is_unreachable: true, ..self.refused(error) });
            }
            // 0.0.0.x: the name follows.
            Target::Name(name, port) => ([0, 0, 0, 1], Some(name), port),
        };
        request.extend(port.to_be_bytes());
        request.extend(address);
        let username = credentials.map_or("", |credentials| credentials.username.as_str());
        for (what, text) in [("the proxy's username", Some(username)), ("the name of the host", name)] {
            let Some(text) = text else { continue };
            self.length(what, text.as_bytes())?;
            if text.contains('\0') {
                return Err(self.refused(format!("{what} has a NUL in it, which SOCKS 4 cannot carry")));
            }
            request.extend(text.as_bytes());
            request.push(0);
        }
        self.write(&request).await?;

        let [version, reply, ..] = self.read::<8>().await?;
        // Of the reply, not of the protocol; some say 4 all the same.
        if version != 0 {
            self.expect_version(version, 4)?;
        }
        let text = match reply {
            90 => return Ok(()),
            91 => "Request rejected or failed".to_owned(),
            92 => "The client has no identd".to_owned(),
            93 => "The client's identd says another user".to_owned(),
            reply => format!("reply {reply}"),
        };
        Err(Refused { is_unreachable: reply == 91, ..self.refused(format!("Proxy Server could not connect: {text}.")) })
    }

    /// Lengths are bytes here.
    fn length(&self, what: &str, text: &[u8]) -> Result<u8, Refused> {
        let too_long = |_| self.refused(format!("{what} is {} bytes long, and SOCKS allows 255", text.len()));
        u8::try_from(text.len()).map_err(too_long)
    }

    fn expect_version(&self, version: u8, expected: u8) -> Result<(), Refused> {
        if version == expected {
            return Ok(());
        }
        Err(self
            .refused(format!("the proxy does not speak SOCKS {expected}: its reply begins with the byte {version}")))
    }

    async fn write(&mut self, message: &[u8]) -> Result<(), Refused> {
        let written = async {
            self.stream.write_all(message).await?;
            self.stream.flush().await
        };
        written.await.map_err(|cause| self.broken(cause))
    }

    async fn read<const N: usize>(&mut self) -> Result<[u8; N], Refused> {
        let mut bytes = [0; N];
        self.read_into(&mut bytes).await?;
        Ok(bytes)
    }

    async fn read_into(&mut self, bytes: &mut [u8]) -> Result<(), Refused> {
        self.stream.read_exact(bytes).await.map(drop).map_err(|cause| self.broken(cause))
    }

    fn broken(&self, cause: io::Error) -> Refused {
        let what = match cause.kind() {
            io::ErrorKind::UnexpectedEof => "the proxy closed the connection during the SOCKS handshake".to_owned(),
            _ => format!("the SOCKS handshake failed: {cause}"),
        };
        let code = io_code(&cause);
        let Refused { error, .. } = self.refused(what);
        let error = error.with_source(cause);
        Refused { error: if let Some(code) = code { error.with_code(code) } else { error }, is_unreachable: false }
    }

    fn refused(&self, what: String) -> Refused {
        let message = format!("{what} ({})", self.proxy);
        Refused { error: Error::new(ErrorKind::ProxyError, message).at_proxy(), is_unreachable: false }
    }
}

const CONNECT: u8 = 1;
const NONE: u8 = 0;
const PASSWORD: u8 = 2;

/// RFC 1928 section 6, from 1 on.
const REPLIES: [&str; 8] = [
    "General SOCKS server failure",
    "Connection not allowed by ruleset",
    "Network unreachable",
    "Host unreachable",
    "Connection refused",
    "TTL expired",
    "Command not supported",
    "Address type not supported",
];

#[cfg(test)]
mod tests;
