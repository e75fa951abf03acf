//! `Expect: 100-continue` (RFC 9110 section 10.1.1): the body waits until the server asks for it, has answered without it, or
//! has said nothing for a while.

use crate::request::body::{BodyError, RequestBody};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use tokio::time::{Sleep, sleep};

/// As curl has it: a server that does not know the field says nothing.
const CONTINUE_TIMEOUT: Duration = Duration::from_secs(1);

/// What the server has said of a body.
#[derive(Default)]
pub(crate) struct Expectation {
    state: Cell<State>,
    waker: RefCell<Option<Waker>>,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum State {
    #[default]
    Waiting,
    Open,
    /// The final response came first: the body is not sent.
    Answered,
}

impl Expectation {
    pub(crate) fn open(&self) {
        self.become_state(State::Open);
    }

    pub(crate) fn answered(&self) {
        self.become_state(State::Answered);
    }

    /// The message has no end, so that no other can follow it.
    pub(crate) fn is_body_missing(&self) -> bool {
        self.state.get() != State::Open
    }

    /// The server's word, or `patience` is at its end: true, the body is to be sent.
    fn poll_word(&self, cx: &mut Context<'_>, patience: Pin<&mut Sleep>) -> Poll<bool> {
        if self.state.get() == State::Waiting && patience.poll(cx).is_ready() {
            self.open();
        }
        match self.state.get() {
            State::Open => Poll::Ready(true),
            State::Answered => Poll::Ready(false),
            State::Waiting => {
                *self.waker.borrow_mut() = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn become_state(&self, state: State) {
        if self.state.get() == State::Waiting {
            self.state.set(state);
            if let Some(waker) = self.waker.take() {
                waker.wake();
            }
        }
    }
}

/// Waits for the server's word, at most as long as curl does; `poll_end` says whether it is not wanted any more. True: the body is to
/// be sent.
pub(crate) async fn awaited(expectation: &Expectation, mut poll_end: impl FnMut(&mut Context<'_>) -> bool) -> bool {
    let mut patience = pin!(sleep(CONTINUE_TIMEOUT));
    poll_fn(|cx| if poll_end(cx) { Poll::Ready(false) } else { expectation.poll_word(cx, patience.as_mut()) }).await
}

/// A request's body as hyper reads it.
pub(crate) struct Upload {
    body: RequestBody,
    waits: Option<(Rc<Expectation>, Pin<Box<Sleep>>)>,
}

impl Upload {
    pub(crate) fn new(body: RequestBody, expectation: Option<Rc<Expectation>>) -> Self {
        Upload { body, waits: expectation.map(|expectation| (expectation, Box::pin(sleep(CONTINUE_TIMEOUT)))) }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.get_mut();
        if let Some((expectation, patience)) = &mut this.waits {
            if !ready!(expectation.poll_word(cx, patience.as_mut())) {
                return Poll::Pending;
            }
            this.waits = None;
        }
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
