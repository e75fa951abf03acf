//! What there is to know of a connection from outside: where it leads, and how its TLS turned out.

use rustls::ProtocolVersion;
use rustls::client::ClientConnection;
use rustls::pki_types::CertificateDer;
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::Instant;

/// The two ends of a TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The server, or the proxy.
    pub remote: SocketAddr,
    pub local: SocketAddr,
}

/// TLS with the origin, in the names of IANA's registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsInfo {
    pub version: &'static str,
    pub cipher: String,
    /// The group of the key exchange; TLS 1.2 has none when a session is resumed.
    pub group: Option<String>,
    pub alpn: Option<Vec<u8>>,
    /// As the server sent them, its own first; on a resumed connection those of the first handshake.
    pub certificates: Vec<CertificateDer<'static>>,
}

impl TlsInfo {
    /// `None` before the handshake is over.
    pub(crate) fn of(connection: &ClientConnection) -> Option<TlsInfo> {
        let version = match connection.protocol_version()? {
            ProtocolVersion::TLSv1_2 => "TLSv1.2",
            _ => "TLSv1.3",
        };
        let cipher = connection.negotiated_cipher_suite()?.suite();
        let cipher = cipher.as_str()?.replacen("TLS13_", "TLS_", 1);
        let group = connection.negotiated_key_exchange_group().and_then(|group| group.name().as_str());
        // rustls writes the two curves of RFC 7748 with a capital.
        let group = group.map(|name| match name {
            "X25519" | "X448" => name.to_lowercase(),
            name => name.to_owned(),
        });
        let alpn = connection.alpn_protocol().map(<[u8]>::to_vec);
        let certificates = connection.peer_certificates().unwrap_or_default().to_vec();
        Some(TlsInfo { version, cipher, group, alpn, certificates })
    }
}

/// What making a connection took; `None`: it had no such step, or did not come to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectTimings {
    /// Names to addresses: the origin's, or a proxy's.
    pub dns: Option<Duration>,
    /// The socket, and whatever a proxy wants, up to TLS with the origin.
    pub connect: Option<Duration>,
    /// TLS with the origin.
    pub tls: Option<Duration>,
}

impl ConnectTimings {
    pub fn total(&self) -> Duration {
        [self.dns, self.connect, self.tls].into_iter().flatten().sum()
    }

    /// What they are for a request that found the connection: nothing was spent, on the steps that there are.
    pub(crate) fn saved(&self) -> ConnectTimings {
        let zero = |step: Option<Duration>| step.map(|_| Duration::ZERO);
        ConnectTimings { dns: zero(self.dns), connect: zero(self.connect), tls: zero(self.tls) }
    }
}

/// One connection, once it is made. Its responses share this.
#[derive(Debug)]
pub struct ConnectionInfo {
    /// `None` for a unix socket or a pipe.
    pub peer: Option<Peer>,
    /// Taken by the program that keeps them elsewhere: certificates are large.
    pub tls: RefCell<Option<TlsInfo>>,
    pub established: Instant,
    /// What making it took.
    pub connecting: ConnectTimings,
    /// The number that the program which uses this crate knows it by; 0: none yet.
    pub number: Cell<u32>,
}

impl ConnectionInfo {
    pub(crate) fn new(peer: Option<Peer>, tls: Option<TlsInfo>, connecting: ConnectTimings) -> ConnectionInfo {
        let (tls, number) = (RefCell::new(tls), Cell::new(0));
        ConnectionInfo { peer, tls, established: Instant::now(), connecting, number }
    }
}
