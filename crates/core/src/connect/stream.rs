//! What HTTP is spoken over: a socket, or TLS over one.

use crate::tls::TlsStream;
use bytes::Bytes;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

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
    #[cfg(feature = "fuzzing")]
    Memory(Box<super::memory::MemoryStream>),
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
            Stream::Tls(stream) => stream.below().socket(),
            Stream::Ahead(ahead) => ahead.stream.socket(),
            #[cfg(feature = "fuzzing")]
            Stream::Memory(stream) => stream.socket(),
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
    pub(super) fn of(stream: &impl std::os::fd::AsRawFd) -> Self {
        Socket(stream.as_raw_fd())
    }

    #[cfg(windows)]
    fn of(stream: &TcpStream) -> Self {
        Socket(Some(std::os::windows::io::AsRawSocket::as_raw_socket(stream)))
    }

    /// Neither bytes nor an end are waiting to be read. A pipe cannot be asked; it counts as silent.
    pub(crate) fn is_silent(self) -> bool {
        let peek = |open: socket2::SockRef<'_>| open.peek(&mut [std::mem::MaybeUninit::uninit()]);
        self.with_open(peek).is_none_or(|peeked| peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock))
    }

    /// Nothing is read any more, but for what is there already.
    pub(crate) fn end_reading(self) {
        // Where that cannot be, it has ended.
        let _ = self.with_open(|open| open.shutdown(std::net::Shutdown::Read));
    }

    /// `None`: a pipe.
    fn with_open<T>(self, act: impl FnOnce(socket2::SockRef<'_>) -> T) -> Option<T> {
        #[cfg(unix)]
        let number = self.0;
        #[cfg(windows)]
        let number = self.0?;
        // SAFETY: the number is forgotten when the socket is closed (`Drop` of `MeteredStream`).
        #[cfg(unix)]
        let open = unsafe { std::os::fd::BorrowedFd::borrow_raw(number) };
        // SAFETY: as above.
        #[cfg(windows)]
        let open = unsafe { std::os::windows::io::BorrowedSocket::borrow_raw(number) };
        Some(act(socket2::SockRef::from(&open)))
    }

    /// What the peer's TCP has not acknowledged of what the kernel has taken. `None` where that cannot be asked: elsewhere
    /// than on Linux, and of what is no TCP.
    #[cfg(target_os = "linux")]
    pub(crate) fn send_queue(self) -> Option<SendQueue> {
        let info = self.tcp_info()?;
        let mut unacknowledged: libc::c_int = 0;
        // SAFETY: the kernel writes one int.
        if unsafe { libc::ioctl(self.0, libc::TIOCOUTQ, &raw mut unacknowledged) } != 0 {
            return None;
        }
        Some(SendQueue { acknowledged: info.bytes_acked(), unacknowledged: u64::try_from(unacknowledged).ok()? })
    }

    /// The kernel has sent something again, or asked a full peer whether it has room, and nothing has come back for so long. It
    /// asks a full peer every two minutes at last: that one has to leave out three answers, as a single one may get lost.
    #[cfg(target_os = "linux")]
    pub(crate) fn is_unanswered(self, patience: Duration) -> bool {
        let Some(info) = self.tcp_info() else { return false };
        let owes = (info.unacked() > 0 && info.retransmits() > 0) || info.probes() >= 3;
        owes && Duration::from_millis(info.last_ack_recv().into()) >= patience
    }

    /// Elsewhere the kernel alone gives such a peer up.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn is_unanswered(self, _patience: Duration) -> bool {
        false
    }

    #[cfg(target_os = "linux")]
    fn tcp_info(self) -> Option<TcpInfo> {
        let mut info = [0_u8; 128];
        let mut length = info.len() as libc::socklen_t;
        // SAFETY: the kernel writes `length` bytes at most, which are there, and how many it wrote.
        let result = unsafe {
            libc::getsockopt(self.0, libc::IPPROTO_TCP, libc::TCP_INFO, info.as_mut_ptr().cast(), &raw mut length)
        };
        (result == 0 && length as usize >= info.len()).then_some(TcpInfo(info))
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn send_queue(self) -> Option<SendQueue> {
        None
    }
}

/// `struct tcp_info` as of Linux 4.2, so far as it is read here.
#[cfg(target_os = "linux")]
struct TcpInfo([u8; 128]);

#[cfg(target_os = "linux")]
impl TcpInfo {
    /// Timeouts in a row after which the same was sent again.
    fn retransmits(&self) -> u8 {
        self.0[2]
    }

    /// Questions to a full peer, or of keepalive, without an answer.
    fn probes(&self) -> u8 {
        self.0[3]
    }

    /// Segments on their way.
    fn unacked(&self) -> u32 {
        u32::from_ne_bytes(self.bytes(24))
    }

    /// Milliseconds since the last acknowledgement.
    fn last_ack_recv(&self) -> u32 {
        u32::from_ne_bytes(self.bytes(56))
    }

    /// RFC 4898's tcpEStatsAppHCThruOctetsAcked.
    fn bytes_acked(&self) -> u64 {
        u64::from_ne_bytes(self.bytes(120))
    }

    fn bytes<const N: usize>(&self, at: usize) -> [u8; N] {
        std::array::from_fn(|i| self.0[at + i])
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
            #[cfg(feature = "fuzzing")]
            Stream::Memory($stream) => $call,
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
            #[cfg(feature = "fuzzing")]
            Stream::Memory(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_shutdown(cx))
    }
}
