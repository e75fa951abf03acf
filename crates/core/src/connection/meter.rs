//! What has crossed one connection's socket, and how it failed: the facts that the read and write timeouts, the one safe
//! re-send and the error messages rest on. hyper and h2 see the socket only through this.

use crate::connect::Socket;
use crate::timeout::progress::Progress;
use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// hyper accepts a head of about 400 KiB by itself, but any number of informational ones before it; this bounds all.
pub(crate) const MAX_HEAD_BYTES: u64 = 1024 * 1024;

/// One connection's socket, as it is seen from outside of hyper and h2.
pub(crate) struct MeteredSocket {
    pub(crate) progress: Rc<Progress>,
    /// Kept instead of being reported, so that a final response which the peer sent before it closed is still read.
    write_error: RefCell<Option<io::Error>>,
    /// Bytes that may still arrive before the final response's head is complete.
    head_left: Cell<Option<u64>>,
    /// The socket, for as long as it is open.
    socket: Cell<Option<Socket>>,
    /// After so many bytes from now, one is not written.
    omitted: Cell<Option<usize>>,
}

impl MeteredSocket {
    pub(crate) fn new() -> Rc<Self> {
        Rc::new(MeteredSocket {
            progress: Progress::new(),
            write_error: RefCell::new(None),
            head_left: Cell::new(None),
            socket: Cell::new(None),
            omitted: Cell::new(None),
        })
    }

    pub(crate) fn take_write_error(&self) -> Option<io::Error> {
        self.write_error.borrow_mut().take()
    }

    pub(crate) fn has_write_error(&self) -> bool {
        self.write_error.borrow().is_some()
    }

    /// Leaves out one byte of what is written next: for `OPTIONS http://host`, to which `http::Uri` adds a slash.
    pub(crate) fn omit_byte_after(&self, bytes: usize) {
        self.omitted.set(Some(bytes));
    }

    /// From here to [`MeteredSocket::head_arrived`] the peer may send at most `MAX_HEAD_BYTES`.
    pub(crate) fn head_expected(&self) {
        self.head_left.set(Some(MAX_HEAD_BYTES));
    }

    pub(crate) fn head_arrived(&self) {
        self.head_left.set(None);
    }

    /// Asks the kernel whether an idle connection is really silent: neither closed nor with bytes that belong to no
    /// request. hyper sees both as soon as it is woken, but a request that is written first would take such bytes for
    /// its own response.
    pub(crate) fn is_silent(&self) -> bool {
        self.socket.get().is_some_and(|socket| socket.is_silent())
    }

    fn count_received(&self, bytes: usize) -> io::Result<()> {
        self.progress.add_received(bytes as u64);
        match self.head_left.get() {
            Some(left) if left < bytes as u64 => Err(io::Error::other(HeadTooLong)),
            Some(left) => {
                self.head_left.set(Some(left - bytes as u64));
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn count_sent<T>(&self, bytes: usize, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        self.progress.set_write_blocked(poll.is_pending());
        match poll {
            Poll::Ready(Ok(done)) => {
                if bytes > 0 {
                    self.progress.add_sent(bytes as u64);
                }
                Poll::Ready(Ok(done))
            }
            Poll::Ready(Err(error)) => {
                // The peer has closed its side. What it said before that is worth more than this error: leave writing
                // for good (nothing wakes it again) and let reading find the response, or the end.
                *self.write_error.borrow_mut() = Some(error);
                Poll::Pending
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

/// The informational responses before the final one were too large in all.
#[derive(Debug)]
pub(crate) struct HeadTooLong;

impl std::fmt::Display for HeadTooLong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "more than {MAX_HEAD_BYTES} bytes before the final response")
    }
}

impl std::error::Error for HeadTooLong {}

/// A socket, or TLS over one, that counts what crosses it.
pub(crate) struct MeteredStream<S> {
    stream: S,
    meter: Rc<MeteredSocket>,
}

impl<S> MeteredStream<S> {
    /// `socket` is the one under `stream`.
    pub(crate) fn new(stream: S, socket: Socket, meter: Rc<MeteredSocket>) -> Self {
        meter.socket.set(Some(socket));
        MeteredStream { stream, meter }
    }
}

impl<S> Drop for MeteredStream<S> {
    fn drop(&mut self) {
        // The fd may be reused after this point.
        self.meter.socket.set(None);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for MeteredStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        Poll::Ready(this.meter.count_received(buf.filled().len() - before))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for MeteredStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let left = this.meter.omitted.get().filter(|_| !buf.is_empty());
        if left == Some(0) {
            this.meter.omitted.set(None);
            return Poll::Ready(Ok(1));
        }
        let buf = &buf[..left.unwrap_or(buf.len()).min(buf.len())];
        let poll = Pin::new(&mut this.stream).poll_write(cx, buf);
        if let Some(left) = left {
            this.meter.omitted.set(Some(left - written(&poll)));
        }
        this.meter.count_sent(written(&poll), poll)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.meter.omitted.get().is_some() {
            let first = bufs.iter().find(|buf| !buf.is_empty());
            return self.poll_write(cx, first.map_or(&[], |buf| buf));
        }
        let this = self.get_mut();
        let poll = Pin::new(&mut this.stream).poll_write_vectored(cx, bufs);
        this.meter.count_sent(written(&poll), poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.stream).poll_flush(cx);
        this.meter.count_sent(0, poll)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

fn written(poll: &Poll<io::Result<usize>>) -> usize {
    match poll {
        Poll::Ready(Ok(bytes)) => *bytes,
        _ => 0,
    }
}
