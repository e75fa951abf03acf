//! What has crossed one connection's socket, and how it failed: the facts that the read and write timeouts, the one safe
//! re-send and the error messages rest on. hyper and h2 see the socket only through this.

use crate::connect::Socket;
use crate::timeout::progress::Progress;
use crate::tls::fault_of;
use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Of all informational responses before the final one.
pub(crate) const MAX_HEAD_BYTES: u64 = 1024 * 1024;

/// One connection's socket, as it is seen from outside of hyper and h2.
pub(crate) struct MeteredSocket {
    pub(crate) progress: Rc<Progress>,
    /// Kept instead of being reported, so that a final response which the peer sent before it closed is still read.
    write_error: RefCell<Option<io::Error>>,
    /// What the peer did wrong in TLS. h2 keeps only the text of an error.
    tls_fault: RefCell<Option<rustls::Error>>,
    /// The peer has vanished; reading says so.
    is_lost: Cell<bool>,
}

impl MeteredSocket {
    pub(crate) fn new() -> Rc<Self> {
        Rc::new(MeteredSocket {
            progress: Progress::new(),
            write_error: RefCell::new(None),
            tls_fault: RefCell::new(None),
            is_lost: Cell::new(false),
        })
    }

    pub(crate) fn take_write_error(&self) -> Option<io::Error> {
        self.write_error.borrow_mut().take()
    }

    pub(crate) fn has_write_error(&self) -> bool {
        self.write_error.borrow().is_some()
    }

    pub(crate) fn tls_fault(&self) -> Option<rustls::Error> {
        self.tls_fault.borrow().clone()
    }

    /// Asks the kernel whether an idle connection is really silent: neither closed nor with bytes that belong to no
    /// request. hyper sees both as soon as it is woken, but a request that is written first would take such bytes for
    /// its own response.
    pub(crate) fn is_silent(&self) -> bool {
        self.progress.socket().is_some_and(|socket| socket.is_silent())
    }

    /// Ends the connection when its peer has not acknowledged anything for so long, although it owes that.
    pub(crate) fn end_if_vanished(&self, patience: Duration) {
        if self.progress.last_received().elapsed() < patience {
            return;
        }
        let Some(socket) = self.progress.socket() else { return };
        if socket.is_unanswered(patience) {
            self.is_lost.set(true);
            // Wakes the reader.
            socket.end_reading();
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
                // for good (nothing wakes it again) and let reading find the response, or the end. A fault of TLS is one of
                // what was received: reading tells it.
                if fault_of(&error).is_none() {
                    *self.write_error.borrow_mut() = Some(error);
                }
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
        meter.progress.set_socket(Some(socket));
        MeteredStream { stream, meter }
    }
}

impl<S> Drop for MeteredStream<S> {
    fn drop(&mut self) {
        // The fd may be reused after this point.
        self.meter.progress.set_socket(None);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for MeteredStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let read = ready!(Pin::new(&mut this.stream).poll_read(cx, buf));
        let received = buf.filled().len() - before;
        if received == 0 && this.meter.is_lost.get() {
            // As the kernel says it, when its own probes find that out.
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if let Err(error) = read {
            if let Some(fault) = fault_of(&error) {
                *this.meter.tls_fault.borrow_mut() = Some(fault.clone());
            }
            return Poll::Ready(Err(error));
        }
        this.meter.progress.add_received(received as u64);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for MeteredStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.stream).poll_write(cx, buf);
        this.meter.count_sent(written(&poll), poll)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
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
