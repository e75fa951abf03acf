//! A proxy and the two ends of a connection to it, for the tests of the handshakes.

use super::{Credentials, Proxy, ProxyOptions, ProxyScheme};
use crate::fields::FieldLines;
use crate::tls::TlsOptions;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::timeout;

pub(crate) fn proxy(scheme: ProxyScheme, credentials: Option<(&str, &str)>, fields: &'static str) -> Proxy {
    let credentials =
        credentials.map(|(username, password)| Credentials { username: username.into(), password: password.into() });
    let fields = FieldLines::new(fields.as_bytes().into());
    let (host, tls) = ("proxy.test".to_owned(), TlsOptions::default());
    Proxy::new(ProxyOptions { scheme, host, port: 3128, forwards: false, credentials, fields, tls })
}

/// Runs both sides to their ends, which have to come within five seconds of the paused clock: it moves when both sides wait.
pub(crate) fn both<A, B>(client: impl AsyncFnOnce(DuplexStream) -> A, server: impl AsyncFnOnce(Peer) -> B) -> (A, B) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
    let (ours, theirs) = tokio::io::duplex(256 * 1024);
    runtime.block_on(async {
        let mut client = std::pin::pin!(client(ours));
        let mut server = std::pin::pin!(server(Peer(theirs)));
        let (mut a, mut b) = (None, None);
        let ended = std::future::poll_fn(|cx| {
            if a.is_none()
                && let std::task::Poll::Ready(done) = client.as_mut().poll(cx)
            {
                a = Some(done);
            }
            if b.is_none()
                && let std::task::Poll::Ready(done) = server.as_mut().poll(cx)
            {
                b = Some(done);
            }
            if a.is_some() && b.is_some() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        });
        timeout(Duration::from_secs(5), ended).await.expect("both sides end");
        (a.expect("polled to its end"), b.expect("polled to its end"))
    })
}

/// The proxy's side.
pub(crate) struct Peer(pub(crate) DuplexStream);

impl Peer {
    /// One head, up to its empty line.
    pub(crate) async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match self.0.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => break,
            }
        }
        String::from_utf8(head).expect("a head in ASCII")
    }

    pub(crate) async fn take(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes).await.expect("so many bytes");
        bytes
    }

    pub(crate) async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        // A peer that has read enough may have closed the connection.
        let _ = self.0.write_all(bytes.as_ref()).await;
    }
}
