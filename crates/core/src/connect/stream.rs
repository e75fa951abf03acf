//! What HTTP is spoken over: a socket, or TLS over one.

use bytes::Bytes;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

pub(crate) enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(tokio::net::UnixStream),
    #[cfg(windows)]
    Pipe(tokio::net::windows::named_pipe::NamedPipeClient),
    /// Over any of these: within a tunnel, TLS goes over TLS.
    Tls(Box<TlsStream<Stream>>),
    /// Any of these, of which some bytes have been read already.
    Ahead(Box<Ahead>),
}

pub(crate) struct Ahead {
    /// What was read, and is to be read again.
    bytes: Bytes,
    stream: Stream,
}

impl Stream {
    pub(crate) fn socket(&self) -> Socket {
        match self {
            Stream::Tcp(stream) => Socket::of(stream),
            #[cfg(unix)]
            Stream::Unix(stream) => Socket::of(stream),
            #[cfg(windows)]
            Stream::Pipe(_) => Socket(None),
            Stream::Tls(stream) => stream.get_ref().0.socket(),
            Stream::Ahead(ahead) => ahead.stream.socket(),
        }
    }

    /// `bytes` come before whatever else is read.
    pub(crate) fn ahead(self, bytes: Bytes) -> Stream {
        if bytes.is_empty() { self } else { Stream::Ahead(Box::new(Ahead { bytes, stream: self })) }
    }
}

/// The number of an open socket, without owning it.
#[cfg(unix)]
#[derive(Clone, Copy)]
pub(crate) struct Socket(std::os::fd::RawFd);

/// The number of an open socket, without owning it. A pipe is none.
#[cfg(windows)]
#[derive(Clone, Copy)]
pub(crate) struct Socket(Option<std::os::windows::io::RawSocket>);

impl Socket {
    #[cfg(unix)]
    fn of(stream: &impl std::os::fd::AsRawFd) -> Self {
        Socket(stream.as_raw_fd())
    }

    #[cfg(windows)]
    fn of(stream: &TcpStream) -> Self {
        Socket(Some(std::os::windows::io::AsRawSocket::as_raw_socket(stream)))
    }

    /// Neither bytes nor an end are waiting to be read. A pipe cannot be asked; it counts as silent.
    pub(crate) fn is_silent(self) -> bool {
        #[cfg(unix)]
        let number = self.0;
        #[cfg(windows)]
        let Some(number) = self.0 else { return true };
        // SAFETY: the number is forgotten when the socket is closed (`Drop` of `MeteredStream`).
        #[cfg(unix)]
        let open = unsafe { std::os::fd::BorrowedFd::borrow_raw(number) };
        // SAFETY: as above.
        #[cfg(windows)]
        let open = unsafe { std::os::windows::io::BorrowedSocket::borrow_raw(number) };
        let peeked = socket2::SockRef::from(&open).peek(&mut [std::mem::MaybeUninit::uninit()]);
        peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// What the peer's TCP has not acknowledged of what the kernel has taken. `None` where that cannot be asked: elsewhere
    /// than on Linux, and of what is no TCP.
    #[cfg(target_os = "linux")]
    pub(crate) fn send_queue(self) -> Option<SendQueue> {
        /// Of `struct tcp_info`: `tcpi_bytes_acked`, RFC 4898's tcpEStatsAppHCThruOctetsAcked, since Linux 4.2.
        const BYTES_ACKED: std::ops::Range<usize> = 120..128;
        let mut info = [0_u8; 128];
        let mut length = info.len() as libc::socklen_t;
        // SAFETY: the kernel writes `length` bytes at most, which are there, and how many it wrote.
        let result = unsafe {
            libc::getsockopt(self.0, libc::IPPROTO_TCP, libc::TCP_INFO, info.as_mut_ptr().cast(), &raw mut length)
        };
        if result != 0 || (length as usize) < info.len() {
            return None;
        }
        let mut unacknowledged: libc::c_int = 0;
        // SAFETY: the kernel writes one int.
        if unsafe { libc::ioctl(self.0, libc::TIOCOUTQ, &raw mut unacknowledged) } != 0 {
            return None;
        }
        let acknowledged = u64::from_ne_bytes(info[BYTES_ACKED].try_into().ok()?);
        Some(SendQueue { acknowledged, unacknowledged: u64::try_from(unacknowledged).ok()? })
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn send_queue(self) -> Option<SendQueue> {
        None
    }
}

/// How far the peer's TCP has got, in bytes.
#[derive(Clone, Copy)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub(crate) struct SendQueue {
    /// Since the connection began.
    pub(crate) acknowledged: u64,
    /// On its way, or waiting in the kernel.
    pub(crate) unacknowledged: u64,
}

macro_rules! each {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self.get_mut() {
            Stream::Tcp($stream) => $call,
            #[cfg(unix)]
            Stream::Unix($stream) => $call,
            #[cfg(windows)]
            Stream::Pipe($stream) => $call,
            Stream::Tls($stream) => $call,
            Stream::Ahead(ahead) => {
                let $stream = &mut ahead.stream;
                $call
            }
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Stream::Ahead(ahead) = &mut *self
            && !ahead.bytes.is_empty()
        {
            let length = ahead.bytes.len().min(buf.remaining());
            buf.put_slice(&ahead.bytes.split_to(length));
            return Poll::Ready(Ok(()));
        }
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
            #[cfg(unix)]
            Stream::Unix(stream) => stream.is_write_vectored(),
            #[cfg(windows)]
            Stream::Pipe(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
            Stream::Ahead(ahead) => ahead.stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_shutdown(cx))
    }
}
