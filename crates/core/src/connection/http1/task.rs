//! One HTTP/1.1 connection's task, and parking. hyper holds two buffers of 8 KiB and a queue of 10 KiB for each connection, used
//! or not. A connection that has been idle for a while is taken out of hyper and merely watched, and put back for the next
//! request: idle connections cost a tenth of the memory so.

use crate::connect::Stream;
use crate::connection::meter::MeteredStream;
use crate::wire::{Upload, Wire};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

type Sender = SendRequest<Upload>;
type Io = TokioIo<Wire<MeteredStream<Stream>>>;

/// A connection that can be parked: what its task and its owner share.
pub(crate) struct ParkedConnection {
    state: Cell<State>,
    /// Of the task.
    waker: RefCell<Option<Waker>>,
    /// There while the connection is in hyper.
    sender: RefCell<Option<Sender>>,
    unparked: Notify,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Active,
    /// The owner has asked for parking; until the task has seen it, it can be taken back.
    Parking,
    Parked,
    Unparking,
    Closed,
}

/// Sets up hyper over `io` and runs it; `on_close` is called when the connection ends by itself.
pub(crate) async fn start(
    io: Io,
    on_close: impl FnOnce() + 'static,
) -> Result<(Rc<ParkedConnection>, AbortHandle), hyper::Error> {
    let (sender, connection) = handshake(io).await?;
    let parked = Rc::new(ParkedConnection {
        state: Cell::new(State::Active),
        waker: RefCell::new(None),
        sender: RefCell::new(Some(sender)),
        unparked: Notify::new(),
    });
    let of_task = parked.clone();
    let task = tokio::task::spawn_local(async move {
        run(connection, &of_task).await;
        of_task.state.set(State::Closed);
        of_task.unparked.notify_one();
        on_close();
    });
    Ok((parked, task.abort_handle()))
}

async fn handshake(io: Io) -> Result<(Sender, Connection<Io, Upload>), hyper::Error> {
    // Its limit of 100 lines is for the short heads alone: the real ones, and trailers, are read in `wire`.
    Builder::new().handshake(io).await
}

async fn run(mut connection: Connection<Io, Upload>, parked: &ParkedConnection) {
    // An error reaches the exchange that waits for a response; without one it means nothing.
    while parked.until_parked(&mut connection).await {
        let parts = connection.into_parts();
        drop(parked.sender.take());
        let mut io = parts.io;
        if !parts.read_buf.is_empty() || io.inner().heads().holds_bytes() {
            return;
        }
        if !parked.until_unparked(&mut io).await {
            // Over TLS: close_notify.
            let _ = io.inner_mut().shutdown().await;
            return;
        }
        let Ok((sender, unparked)) = handshake(io).await else { return };
        connection = unparked;
        *parked.sender.borrow_mut() = Some(sender);
        parked.state.set(State::Active);
        parked.unparked.notify_one();
    }
}

impl ParkedConnection {
    fn is_active(&self) -> bool {
        self.state.get() == State::Active
    }

    pub(crate) fn is_closed(&self) -> bool {
        match self.state.get() {
            State::Active => self.sender.borrow().as_ref().is_none_or(SendRequest::is_closed),
            state => state == State::Closed,
        }
    }

    /// Can take a request now.
    pub(crate) fn is_ready(&self) -> bool {
        self.is_active() && self.sender.borrow().as_ref().is_some_and(SendRequest::is_ready)
    }

    /// The request is on its way when this returns; the response is what the future waits for.
    pub(crate) fn send(
        &self,
        request: http::Request<Upload>,
    ) -> Option<impl Future<Output = hyper::Result<http::Response<Incoming>>> + use<>> {
        self.sender.borrow_mut().as_mut().map(|sender| sender.send_request(request))
    }

    /// Takes an idle connection out of hyper, so that it costs little from now on.
    pub(crate) fn park(&self) {
        if self.is_active() {
            self.become_state(State::Parking);
        }
    }

    /// Closes an idle connection, over TLS with close_notify.
    pub(crate) fn close(&self) {
        drop(self.sender.take());
        self.become_state(State::Closed);
    }

    /// Waits until it can take a request, putting it back into hyper if need be; false when it is closed instead.
    pub(crate) async fn unpark(&self) -> bool {
        match self.state.get() {
            State::Active | State::Closed => {}
            State::Parking => self.state.set(State::Active),
            State::Parked | State::Unparking => {
                self.become_state(State::Unparking);
                self.unparked.notified().await;
            }
        }
        poll_fn(|cx| match self.sender.borrow_mut().as_mut() {
            Some(sender) if self.is_active() => sender.poll_ready(cx).map(|ready| ready.is_ok()),
            _ => Poll::Ready(false),
        })
        .await
    }

    fn become_state(&self, state: State) {
        self.state.set(state);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn register(&self, cx: &Context<'_>) {
        let mut waker = self.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
    }

    /// False when the connection ended instead.
    async fn until_parked(&self, connection: &mut Connection<Io, Upload>) -> bool {
        poll_fn(|cx| {
            self.register(cx);
            if self.state.get() == State::Parking {
                self.state.set(State::Parked);
                return Poll::Ready(true);
            }
            Pin::new(&mut *connection).poll(cx).map(|_| false)
        })
        .await
    }

    /// False when the peer closed it, or sent bytes that belong to no request.
    async fn until_unparked(&self, io: &mut Io) -> bool {
        poll_fn(|cx| {
            self.register(cx);
            match self.state.get() {
                State::Unparking => return Poll::Ready(true),
                State::Closed => return Poll::Ready(false),
                _ => {}
            }
            let mut byte = [0];
            Pin::new(io.inner_mut()).poll_read(cx, &mut ReadBuf::new(&mut byte)).map(|_| false)
        })
        .await
    }
}
