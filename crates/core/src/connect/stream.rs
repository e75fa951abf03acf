//! What HTTP is spoken over: a TCP socket, or TLS over one.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

pub(crate) enum Stream {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    pub(crate) fn socket(&self) -> Socket {
        match self {
            Stream::Tcp(stream) => Socket::of(stream),
            Stream::Tls(stream) => Socket::of(stream.get_ref().0),
        }
    }
}

/// The number of an open socket, without owning it.
#[derive(Clone, Copy)]
pub(crate) struct Socket(#[cfg(unix)] std::os::fd::RawFd, #[cfg(windows)] std::os::windows::io::RawSocket);

impl Socket {
    fn of(stream: &TcpStream) -> Self {
        #[cfg(unix)]
        return Socket(std::os::fd::AsRawFd::as_raw_fd(stream));
        #[cfg(windows)]
        return Socket(std::os::windows::io::AsRawSocket::as_raw_socket(stream));
    }

    /// Neither bytes nor an end are waiting to be read.
    pub(crate) fn is_silent(self) -> bool {
        // SAFETY: whoever keeps the number forgets it when the socket is closed.
        #[cfg(unix)]
        let open = unsafe { std::os::fd::BorrowedFd::borrow_raw(self.0) };
        // SAFETY: as above.
        #[cfg(windows)]
        let open = unsafe { std::os::windows::io::BorrowedSocket::borrow_raw(self.0) };
        let peeked = socket2::SockRef::from(&open).peek(&mut [std::mem::MaybeUninit::uninit()]);
        peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

macro_rules! each {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self.get_mut() {
            Stream::Tcp($stream) => $call,
            Stream::Tls($stream) => $call,
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_read(cx, buf))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        each!(self, stream => Pin::new(stream).poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self, stream => Pin::new(stream).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Stream::Tcp(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_shutdown(cx))
    }
}
