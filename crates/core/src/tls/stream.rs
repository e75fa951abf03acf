//! TLS over a socket, or over a tunnel.

use rustls::ClientConnection;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::client;

/// As tokio-rustls has it, but for one thing: what came in whole before a fault (an alert, a record that is none) is read before that
/// is told, whether they arrived together or not.
pub(crate) struct TlsStream<IO> {
    stream: client::TlsStream<IO>,
    /// Behind what is left to read.
    fault: Option<rustls::Error>,
}

impl<IO> TlsStream<IO> {
    pub(super) fn new(stream: client::TlsStream<IO>) -> Self {
        TlsStream { stream, fault: None }
    }

    pub(crate) fn below(&self) -> &IO {
        self.stream.get_ref().0
    }

    pub(crate) fn session(&self) -> &ClientConnection {
        self.stream.get_ref().1
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.fault.is_none() {
            let read = ready!(Pin::new(&mut this.stream).poll_read(cx, buf));
            this.fault = read.as_ref().err().and_then(|error| match fault_of(error) {
                // A message in more pieces than rustls holds is none of its own errors.
                None if error.kind() == io::ErrorKind::InvalidData => Some(rustls::Error::General(error.to_string())),
                fault => fault.cloned(),
            });
            if this.fault.is_none() {
                return Poll::Ready(read);
            }
        }
        let (_, session) = this.stream.get_mut();
        match (session.reader().read(buf.initialize_unfilled()), &this.fault) {
            (Ok(length @ 1..), _) => buf.advance(length),
            (_, Some(fault)) => return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, fault.clone()))),
            _ => {}
        }
        Poll::Ready(Ok(()))
    }
}

/// What the peer did wrong in TLS, if that is the cause.
pub(crate) fn fault_of(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
