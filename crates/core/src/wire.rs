//! What is on the wire, and what hyper sees of it. hyper is to frame bodies; heads are this file's: names as they are
//! spelled, lines in their order, as many of them as the limits allow, folded ones unfolded. Of a request's head hyper
//! writes a short form, which is replaced by the real one; of a response's head it is given the status and the three
//! fields that say where the body ends, and behind the last chunk an empty trailer section.

mod expectation;
mod parse;
mod seen;
mod trailers;

use crate::fields::FieldLines;
use crate::head::Head;
use crate::request::InformationalHandler;
use crate::request::head::Http1Head;
use bytes::Bytes;
pub(crate) use expectation::{Expectation, Upload, awaited};
use http::StatusCode;
pub(crate) use parse::HeadError;
use parse::{MAX_HEAD_BYTES, MAX_HEADS_BYTES, has_end, parse};
use seen::{Parsed, SeenHead};
use std::cell::{Cell, RefCell};
use std::io;
use std::mem::take;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use trailers::{Followed, Trailers};

/// The heads of the exchange under way.
#[derive(Default)]
pub(crate) struct Heads {
    /// The request's, which is still to be written.
    request: RefCell<Vec<u8>>,
    /// The response's is still to come.
    is_awaited: Cell<bool>,
    /// The request is one for a head without a body.
    is_head: Cell<bool>,
    trailers: RefCell<Trailers>,
    /// Bytes of all heads so far.
    total: Cell<usize>,
    /// The beginning of a head that has not come to its end yet.
    partial: RefCell<Vec<u8>>,
    /// What is hyper's to read before anything else.
    ahead: RefCell<Vec<u8>>,
    response: RefCell<Option<Head>>,
    on_informational: RefCell<Option<InformationalHandler>>,
    expectation: RefCell<Option<Rc<Expectation>>>,
    seen: SeenHead,
}

impl Heads {
    /// To be called before hyper is given the request. Returns what is hyper's to know of its head.
    pub(crate) fn begin(
        &self,
        head: Http1Head,
        on_informational: Option<InformationalHandler>,
        expectation: Option<Rc<Expectation>>,
    ) -> http::HeaderMap {
        self.is_head.set(head.bytes.starts_with(b"HEAD "));
        self.trailers.borrow_mut().expect(false);
        *self.request.borrow_mut() = head.bytes;
        self.is_awaited.set(true);
        self.total.set(0);
        *self.response.borrow_mut() = None;
        *self.on_informational.borrow_mut() = on_informational;
        *self.expectation.borrow_mut() = expectation;
        head.framing
    }

    /// The final response's, when hyper has answered.
    pub(crate) fn take_response(&self) -> Option<Head> {
        self.response.take()
    }

    /// What stood behind the body's last chunk, when hyper has read that.
    pub(crate) fn take_trailers(&self) -> Option<FieldLines> {
        self.trailers.borrow_mut().take()
    }

    /// What hyper has not read of what came behind a head.
    pub(crate) fn take_ahead(&self) -> Vec<u8> {
        self.ahead.take()
    }

    /// Whether there is something that hyper has not seen.
    pub(crate) fn holds_bytes(&self) -> bool {
        !self.ahead.borrow().is_empty() || !self.partial.borrow().is_empty()
    }

    /// The connection is idle, and is to take little memory.
    pub(crate) fn forget_seen(&self) {
        self.seen.forget();
    }

    /// `buf` is filled from `start` on with what has just come. False when the head is not complete yet: then it is here.
    fn receive(&self, buf: &mut ReadBuf<'_>, start: usize) -> Result<bool, HeadError> {
        let total = self.total.get() + buf.filled().len() - start;
        self.total.set(total);
        if total > MAX_HEADS_BYTES {
            return Err(HeadError::TooLongInAll);
        }
        let mut partial = self.partial.borrow_mut();
        if partial.is_empty() {
            let came = &buf.filled()[start..];
            let (head, used) = self.read_heads(came, 0)?;
            let Some(head) = head else {
                partial.extend_from_slice(&came[used..]);
                buf.set_filled(start);
                return Ok(false);
            };
            let Followed { kept, behind } = self.trailers.borrow_mut().follow(&came[used..]);
            if head.len() <= used {
                let filled = &mut buf.filled_mut()[start..];
                filled[..head.len()].copy_from_slice(&head);
                filled.copy_within(used..used + kept, head.len());
                buf.set_filled(start + head.len() + kept);
                *self.ahead.borrow_mut() = behind;
                return Ok(true);
            }
            *self.ahead.borrow_mut() = [&head, &came[used..used + kept], &behind].concat();
        } else {
            let searched = partial.len();
            partial.extend_from_slice(&buf.filled()[start..]);
            let (head, used) = self.read_heads(&partial, searched)?;
            let Some(head) = head else {
                partial.drain(..used);
                buf.set_filled(start);
                return Ok(false);
            };
            let Followed { kept, behind } = self.trailers.borrow_mut().follow(&partial[used..]);
            *self.ahead.borrow_mut() = [&head, &partial[used..used + kept], &behind].concat();
            *partial = Vec::new();
        }
        buf.set_filled(start);
        Ok(true)
    }

    /// Reads what is complete of `bytes`, of which so many were searched before: what is left of the final response's
    /// head for hyper, if it is there, and how many bytes are done with.
    fn read_heads(&self, bytes: &[u8], searched: usize) -> Result<(Option<Bytes>, usize), HeadError> {
        let mut used = 0;
        loop {
            let rest = &bytes[used..];
            if let Some(Parsed { head, for_hyper, length }) = self.seen.again(rest) {
                self.finish(head);
                return Ok((Some(for_hyper), used + length));
            }
            // What is no HTTP shows at once; what was good so far needs its end, which may have begun three bytes before.
            let is_worth_it = used > 0 || searched == 0 || has_end(&rest[searched.saturating_sub(3)..]);
            let parsed = if is_worth_it && !rest.is_empty() { parse(rest)? } else { None };
            let Some(parsed) = parsed else {
                return if rest.len() > MAX_HEAD_BYTES { Err(HeadError::TooLong) } else { Ok((None, used)) };
            };
            if parsed.length > MAX_HEAD_BYTES {
                return Err(HeadError::TooLong);
            }
            used += parsed.length;
            match parsed.head.status {
                100 | 102..=199 => self.pass_on(&parsed.head),
                _ => {
                    self.seen.keep(rest, &parsed);
                    self.finish(parsed.head);
                    return Ok((Some(parsed.for_hyper), used));
                }
            }
        }
    }

    /// The final response's head is there.
    fn finish(&self, head: Head) {
        if let Some(expectation) = self.expectation.take() {
            expectation.answered();
        }
        self.is_awaited.set(false);
        // RFC 9112 section 6.3: these have no body, whatever they say of it.
        let has_body = !self.is_head.get() && !matches!(head.status, 204 | 304);
        self.trailers.borrow_mut().expect(has_body && head.fields.has("transfer-encoding"));
        *self.response.borrow_mut() = Some(head);
    }

    fn pass_on(&self, head: &Head) {
        if head.status == 100
            && let Some(expectation) = &*self.expectation.borrow()
        {
            expectation.open();
        }
        if let (Some(handler), Ok(status)) = (&*self.on_informational.borrow(), StatusCode::from_u16(head.status)) {
            handler(status, &head.fields);
        }
    }
}

/// A stream whose heads are those of `heads`.
pub(crate) struct Wire<S> {
    stream: S,
    heads: Rc<Heads>,
}

impl<S> Wire<S> {
    pub(crate) fn new(stream: S) -> (Self, Rc<Heads>) {
        let heads = Rc::new(Heads::default());
        (Wire { stream, heads: heads.clone() }, heads)
    }

    pub(crate) fn heads(&self) -> &Heads {
        &self.heads
    }

    pub(crate) fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.heads.is_awaited.get() {
            let start = buf.filled().len();
            ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
            if buf.filled().len() == start {
                // The end; hyper says what that means.
                return Poll::Ready(Ok(()));
            }
            let received = this.heads.receive(buf, start).inspect_err(|_| buf.set_filled(start));
            if received? && buf.filled().len() > start {
                return Poll::Ready(Ok(()));
            }
        }
        let mut ahead = this.heads.ahead.borrow_mut();
        while ahead.is_empty() {
            if let Some(failure) = this.heads.trailers.borrow_mut().take_failure() {
                return Poll::Ready(Err(failure.into()));
            }
            let start = buf.filled().len();
            ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
            let mut trailers = this.heads.trailers.borrow_mut();
            if trailers.is_off() || buf.filled().len() == start {
                return Poll::Ready(Ok(()));
            }
            let Followed { kept, behind } = trailers.follow(&buf.filled()[start..]);
            buf.set_filled(start + kept);
            *ahead = behind;
            if kept > 0 {
                return Poll::Ready(Ok(()));
            }
        }
        let length = ahead.len().min(buf.remaining());
        buf.put_slice(&ahead[..length]);
        match length == ahead.len() {
            true => drop(take(&mut *ahead)),
            false => drop(ahead.drain(..length)),
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> Wire<S> {
    /// `bufs` begin with the head that hyper has written. Reports it as written when the real one is.
    fn write_head(&mut self, cx: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut head = self.heads.request.borrow_mut();
        let Some(first) = bufs.iter().position(|buf| !buf.is_empty()) else { return Poll::Ready(Ok(0)) };
        let hypers = bufs[first].windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
        let hypers = hypers.ok_or_else(|| io::Error::other("the request's head was written in pieces"))?;
        let is_alone = bufs[first].len() == hypers && bufs[first + 1..].iter().all(|buf| buf.is_empty());
        loop {
            if is_alone || !self.stream.is_write_vectored() {
                let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &head))?;
                head.drain(..written);
                match (written, head.is_empty()) {
                    (0, _) => return Poll::Ready(Ok(0)),
                    (_, true) => return Poll::Ready(Ok(hypers)),
                    (_, false) => continue,
                }
            }
            let mut real = vec![io::IoSlice::new(&head), io::IoSlice::new(&bufs[first][hypers..])];
            real.extend_from_slice(&bufs[first + 1..]);
            let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, &real))?;
            if written == 0 {
                return Poll::Ready(Ok(0));
            }
            if let Some(beyond) = written.checked_sub(head.len()) {
                *head = Vec::new();
                return Poll::Ready(Ok(hypers + beyond));
            }
            head.drain(..written);
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.heads.request.borrow().is_empty() {
            return Pin::new(&mut this.stream).poll_write(cx, buf);
        }
        this.write_head(cx, &[io::IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.heads.request.borrow().is_empty() {
            return Pin::new(&mut this.stream).poll_write_vectored(cx, bufs);
        }
        this.write_head(cx, bufs)
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

#[cfg(test)]
mod tests;
