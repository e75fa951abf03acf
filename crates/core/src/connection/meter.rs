//! What has crossed one connection's socket, and when: the facts that the read and write timeouts, the one safe
//! re-send and the error messages rest on. hyper sees the socket only through this.

use crate::connect::Socket;
use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// hyper accepts a head of about 400 KiB by itself, but any number of informational ones before it; this bounds all.
pub(crate) const HEAD_LIMIT: u64 = 1024 * 1024;

pub(crate) struct Meter {
    received: Cell<u64>,
    sent: Cell<u64>,
    last_received: Cell<Instant>,
    last_sent: Cell<Instant>,
    /// The socket would not take what there is to write.
    write_blocked: Cell<bool>,
    /// Kept instead of being reported, so that a final response which the peer sent before it closed is still read.
    write_error: RefCell<Option<io::Error>>,
    /// Bytes that may still arrive before the final response's head is complete.
    head_left: Cell<Option<u64>>,
    /// The socket, for as long as it is open.
    socket: Cell<Option<Socket>>,
    /// So many bytes from now one is not written.
    omitted: Cell<Option<usize>>,
}

impl Meter {
    pub(crate) fn new() -> Rc<Self> {
        let now = Instant::now();
        Rc::new(Meter {
            received: Cell::new(0),
            sent: Cell::new(0),
            last_received: Cell::new(now),
            last_sent: Cell::new(now),
            write_blocked: Cell::new(false),
            write_error: RefCell::new(None),
            head_left: Cell::new(None),
            socket: Cell::new(None),
            omitted: Cell::new(None),
        })
    }

    pub(crate) fn received(&self) -> u64 {
        self.received.get()
    }

    pub(crate) fn sent(&self) -> u64 {
        self.sent.get()
    }

    pub(crate) fn last_received(&self) -> Instant {
        self.last_received.get()
    }

    pub(crate) fn last_sent(&self) -> Instant {
        self.last_sent.get()
    }

    pub(crate) fn is_write_blocked(&self) -> bool {
        self.write_blocked.get()
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

    /// Of one HTTP/2 stream, whose bytes are not the socket's.
    pub(crate) fn note_received(&self, bytes: u64) {
        self.received.set(self.received.get() + bytes);
        self.last_received.set(Instant::now());
    }

    /// As above.
    pub(crate) fn note_sent(&self, bytes: u64) {
        self.sent.set(self.sent.get() + bytes);
        self.last_sent.set(Instant::now());
    }

    /// As above: the peer's windows are full.
    pub(crate) fn set_write_blocked(&self, blocked: bool) {
        self.write_blocked.set(blocked);
    }

    /// From here to [`Meter::head_arrived`] the peer may send at most `HEAD_LIMIT` bytes.
    pub(crate) fn head_expected(&self) {
        self.head_left.set(Some(HEAD_LIMIT));
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
        self.received.set(self.received.get() + bytes as u64);
        self.last_received.set(Instant::now());
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
        self.write_blocked.set(poll.is_pending());
        match poll {
            Poll::Ready(Ok(done)) => {
                if bytes > 0 {
                    self.sent.set(self.sent.get() + bytes as u64);
                    self.last_sent.set(Instant::now());
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

/// More informational responses than anybody needs came before the final one.
#[derive(Debug)]
pub(crate) struct HeadTooLong;

impl std::fmt::Display for HeadTooLong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "more than {HEAD_LIMIT} bytes before the final response")
    }
}

impl std::error::Error for HeadTooLong {}

/// A socket, or TLS over one, with its meter.
pub(crate) struct Metered<S> {
    stream: S,
    meter: Rc<Meter>,
}

impl<S> Metered<S> {
    /// `socket` is the one under `stream`.
    pub(crate) fn new(stream: S, socket: Socket, meter: Rc<Meter>) -> Self {
        meter.socket.set(Some(socket));
        Metered { stream, meter }
    }
}

impl<S> Drop for Metered<S> {
    fn drop(&mut self) {
        // Its number may be another file's from here on.
        self.meter.socket.set(None);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        Poll::Ready(this.meter.count_received(buf.filled().len() - before))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
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
