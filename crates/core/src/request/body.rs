//! Request bodies: none, bytes, or a stream that is pushed from outside and has room for so much and no more.

use crate::fields::FieldLines;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Bytes a pushed body holds before it asks its producer to wait.
const HIGH_WATER_MARK: usize = 128 * 1024;

/// What a request carries. `Empty` and `Bytes` can be sent again; a stream can if its producer can begin anew.
#[derive(Clone)]
pub enum RequestBody {
    Empty,
    Bytes(Bytes),
    Stream(StreamBody),
}

impl RequestBody {
    /// A stream and the end that pushes into it; it has to be as long as the request's Content-Length says, when it says.
    /// `on_room` is called with false each time that a full stream has room again, and with true when no more is wanted.
    pub fn channel(on_room: impl Fn(bool) + 'static) -> (BodySender, RequestBody) {
        RequestBody::made(Box::new(on_room), None)
    }

    /// As above, of a producer that can begin anew: `on_restart` asks for that, also after it was told to stop. What is
    /// pushed between then and [`BodySender::restart`] is dropped.
    pub fn restartable_channel(
        on_room: impl Fn(bool) + 'static,
        on_restart: impl Fn() + 'static,
    ) -> (BodySender, RequestBody) {
        RequestBody::made(Box::new(on_room), Some(Box::new(on_restart)))
    }

    fn made(on_room: Box<dyn Fn(bool)>, on_restart: Option<Box<dyn Fn()>>) -> (BodySender, RequestBody) {
        let channel = Rc::new(Channel {
            chunks: RefCell::default(),
            queued: Cell::new(0),
            state: Cell::new(State::Open),
            length: Cell::new(None),
            taken: Cell::new(0),
            waker: Cell::new(None),
            attempt: Cell::new(0),
            on_room,
            on_restart,
        });
        (BodySender(channel.clone()), RequestBody::Stream(StreamBody { channel, attempt: 0 }))
    }

    /// Holds a stream to the Content-Length among `fields`; the first of them, if there are several. To be called before it is
    /// read.
    pub(crate) fn declare(&self, fields: &FieldLines) {
        if let RequestBody::Stream(StreamBody { channel, .. }) = self {
            let length = fields.get_all("content-length").next();
            let length = length.and_then(|length| std::str::from_utf8(length).ok()?.trim().parse().ok());
            channel.length.set(length);
            channel.note_end();
        }
    }

    /// Can be sent from its beginning: a stream while nothing was taken from it, or if its producer can begin anew.
    pub(crate) fn is_replayable(&self) -> bool {
        match self {
            RequestBody::Stream(StreamBody { channel, .. }) => channel.is_untouched() || channel.on_restart.is_some(),
            _ => true,
        }
    }

    /// The body for another attempt, from its beginning; the reader of the last attempt gets no more. To be called only of
    /// one that is replayable.
    pub(crate) fn replay(&self) -> RequestBody {
        match self {
            RequestBody::Stream(StreamBody { channel, .. }) if !channel.is_untouched() => {
                let attempt = channel.attempt.get() + 1;
                channel.restart(attempt);
                RequestBody::Stream(StreamBody { channel: channel.clone(), attempt })
            }
            body => body.clone(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, RequestBody::Empty)
    }

    /// Everything was handed to the connection.
    pub(crate) fn is_taken(&self) -> bool {
        match self {
            RequestBody::Stream(body) => body.channel.state.get() == State::Taken,
            _ => true,
        }
    }

    /// Nothing more will be handed to the connection, whether or not that was all.
    pub(crate) fn is_over(&self) -> bool {
        match self {
            RequestBody::Stream(body) => matches!(body.channel.state.get(), State::Taken | State::Stopped),
            _ => true,
        }
    }

    /// The rest is not wanted: `on_room` is called with true, and the connection gets no more.
    pub(crate) fn stop(&self) {
        if let RequestBody::Stream(StreamBody { channel, attempt }) = self
            && channel.attempt.get() == *attempt
        {
            channel.stop();
        }
    }
}

/// The end that pushes. Dropping it without [`BodySender::end`] aborts the request.
pub struct BodySender(Rc<Channel>);

impl BodySender {
    /// Returns whether there is room for more; when not, `on_room` is called once there is.
    pub fn push(&self, chunk: Bytes) -> bool {
        let channel = &self.0;
        if channel.state.get() == State::Restarting {
            // Of the last attempt; the producer has not heard of the next one yet, and hears of room there.
            return false;
        }
        if channel.state.get() == State::Open && !chunk.is_empty() {
            channel.queued.set(channel.queued.get() + chunk.len());
            channel.chunks.borrow_mut().push_back(chunk);
            channel.wake();
        }
        channel.has_room()
    }

    /// The producer begins anew: what is pushed from here on is the body from its beginning.
    pub fn restart(&self) {
        if self.0.state.get() == State::Restarting {
            self.0.state.set(State::Open);
            self.0.wake();
        }
    }

    /// Whether there is room for more.
    pub fn has_room(&self) -> bool {
        self.0.has_room()
    }

    pub fn end(&self) {
        if self.0.state.get() == State::Open {
            self.0.state.set(State::Ended);
            self.0.wake();
        }
    }

    /// The rest is not wanted: the response is complete, or the request failed.
    pub fn is_stopped(&self) -> bool {
        self.0.state.get() == State::Stopped
    }
}

impl Drop for BodySender {
    fn drop(&mut self) {
        if matches!(self.0.state.get(), State::Open | State::Restarting) {
            self.0.state.set(State::Aborted);
            self.0.wake();
        }
    }
}

#[derive(Clone)]
pub struct StreamBody {
    channel: Rc<Channel>,
    /// Which of the times that the request is sent it is read for.
    attempt: u32,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Open,
    /// The producer is done; chunks may still be queued.
    Ended,
    /// The connection has seen the end.
    Taken,
    /// The producer went away before the end.
    Aborted,
    /// The consumer wants no more.
    Stopped,
    /// The consumer wants it from its beginning, which the producer does not know yet.
    Restarting,
}

struct Channel {
    chunks: RefCell<VecDeque<Bytes>>,
    queued: Cell<usize>,
    state: Cell<State>,
    length: Cell<Option<u64>>,
    taken: Cell<u64>,
    waker: Cell<Option<Waker>>,
    attempt: Cell<u32>,
    on_room: Box<dyn Fn(bool)>,
    on_restart: Option<Box<dyn Fn()>>,
}

impl Channel {
    fn is_untouched(&self) -> bool {
        self.taken.get() == 0 && self.state.get() != State::Stopped
    }

    fn restart(&self, attempt: u32) {
        self.attempt.set(attempt);
        self.chunks.borrow_mut().clear();
        self.queued.set(0);
        self.taken.set(0);
        self.state.set(State::Restarting);
        if let Some(on_restart) = &self.on_restart {
            on_restart();
        }
    }

    fn has_room(&self) -> bool {
        self.queued.get() < HIGH_WATER_MARK || self.state.get() != State::Open
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn stop(&self) {
        if !matches!(self.state.get(), State::Taken | State::Stopped) {
            self.state.set(State::Stopped);
            self.chunks.borrow_mut().clear();
            self.queued.set(0);
            (self.on_room)(true);
        }
    }

    /// hyper asks for no more than was declared, so that it is there, and not where the producer says so, that the
    /// connection has seen the end.
    fn note_end(&self) {
        if self.length.get() == Some(self.taken.get()) && self.queued.get() == 0 {
            self.state.set(State::Taken);
        }
    }

    fn take(&self) -> Option<Bytes> {
        let chunk = self.chunks.borrow_mut().pop_front()?;
        let was_full = !self.has_room();
        self.queued.set(self.queued.get() - chunk.len());
        self.taken.set(self.taken.get() + chunk.len() as u64);
        self.note_end();
        if was_full && self.has_room() {
            (self.on_room)(false);
        }
        Some(chunk)
    }
}

/// Why a body could not be sent to its end.
#[derive(Debug, PartialEq)]
pub enum BodyError {
    /// The producer went away.
    Aborted,
    TooShort {
        declared: u64,
        given: u64,
    },
    TooLong {
        declared: u64,
    },
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BodyError::Aborted => f.write_str("the request body was aborted"),
            BodyError::TooShort { declared, given } => {
                write!(f, "Too little data for the declared Content-Length: {given} bytes of {declared}")
            }
            BodyError::TooLong { declared } => write!(f, "Too much data for the declared Content-Length of {declared}"),
        }
    }
}

impl std::error::Error for BodyError {}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        match this {
            RequestBody::Empty => Poll::Ready(None),
            RequestBody::Bytes(_) => match std::mem::replace(this, RequestBody::Empty) {
                RequestBody::Bytes(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                _ => Poll::Ready(None),
            },
            RequestBody::Stream(StreamBody { channel, attempt }) if channel.attempt.get() == *attempt => {
                channel.poll_frame(cx)
            }
            // The request has been given up on this connection.
            RequestBody::Stream(_) => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            RequestBody::Empty => true,
            RequestBody::Bytes(bytes) => bytes.is_empty(),
            RequestBody::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            RequestBody::Empty => SizeHint::with_exact(0),
            RequestBody::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            RequestBody::Stream(StreamBody { channel, .. }) => match channel.length.get() {
                Some(length) => SizeHint::with_exact(length - channel.taken.get().min(length)),
                None => SizeHint::default(),
            },
        }
    }
}

impl Channel {
    fn poll_frame(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(chunk) = self.take() {
            let given = self.taken.get() + self.queued.get() as u64;
            if let Some(declared) = self.length.get().filter(|length| given > *length) {
                return Poll::Ready(Some(Err(BodyError::TooLong { declared })));
            }
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        match self.state.get() {
            State::Ended => {
                let given = self.taken.get();
                if let Some(declared) = self.length.get().filter(|length| given < *length) {
                    return Poll::Ready(Some(Err(BodyError::TooShort { declared, given })));
                }
                self.state.set(State::Taken);
                Poll::Ready(None)
            }
            State::Taken => Poll::Ready(None),
            State::Aborted => Poll::Ready(Some(Err(BodyError::Aborted))),
            // The response is being read, and the connection is closed after it: the body needs no end.
            State::Stopped => Poll::Pending,
            State::Open | State::Restarting => {
                self.waker.set(Some(cx.waker().clone()));
                Poll::Pending
            }
        }
    }
}
