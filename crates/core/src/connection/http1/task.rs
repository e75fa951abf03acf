//! One HTTP/1.1 connection's task. hyper holds two buffers of 8 KiB and a queue of 10 KiB for each connection, used or
//! not; one that nobody has used for a while is taken out of hyper and merely watched, and put back when it is wanted
//! again. Idle connections cost a tenth of the memory so.

use crate::connect::Stream;
use crate::connection::meter::MeteredStream;
use crate::request::body::RequestBody;
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

type Sender = SendRequest<RequestBody>;
type Io = TokioIo<MeteredStream<Stream>>;

/// What the task and the connection's owner tell each other.
pub(crate) struct Rest {
    state: Cell<State>,
    /// Of the task.
    waker: RefCell<Option<Waker>>,
    /// There while it is awake.
    sender: RefCell<Option<Sender>>,
    woken: Notify,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Awake,
    /// The owner has asked for it; until the task has seen it, it can be taken back.
    FallingAsleep,
    Asleep,
    Waking,
    Closed,
}

/// Sets up hyper over `io` and runs it; `on_close` is called when the connection ends by itself.
pub(crate) async fn start(io: Io, on_close: impl FnOnce() + 'static) -> Result<(Rc<Rest>, AbortHandle), hyper::Error> {
    let (sender, connection) = handshake(io).await?;
    let rest = Rc::new(Rest {
        state: Cell::new(State::Awake),
        waker: RefCell::new(None),
        sender: RefCell::new(Some(sender)),
        woken: Notify::new(),
    });
    let of_task = rest.clone();
    let task = tokio::task::spawn_local(async move {
        run(connection, &of_task).await;
        of_task.state.set(State::Closed);
        of_task.woken.notify_one();
        on_close();
    });
    Ok((rest, task.abort_handle()))
}

async fn handshake(io: Io) -> Result<(Sender, Connection<Io, RequestBody>), hyper::Error> {
    Builder::new().title_case_headers(true).handshake(io).await
}

async fn run(mut connection: Connection<Io, RequestBody>, rest: &Rest) {
    // An error reaches whoever waits for a response; without anybody waiting it means nothing.
    while rest.until_asleep(&mut connection).await {
        let parts = connection.into_parts();
        drop(rest.sender.take());
        let mut io = parts.io;
        if !parts.read_buf.is_empty() {
            return;
        }
        if !rest.until_waking(&mut io).await {
            // Over TLS: close_notify.
            let _ = io.inner_mut().shutdown().await;
            return;
        }
        let Ok((sender, woken)) = handshake(io).await else { return };
        connection = woken;
        *rest.sender.borrow_mut() = Some(sender);
        rest.state.set(State::Awake);
        rest.woken.notify_one();
    }
}

impl Rest {
    fn is_awake(&self) -> bool {
        self.state.get() == State::Awake
    }

    pub(crate) fn is_closed(&self) -> bool {
        match self.state.get() {
            State::Awake => self.sender.borrow().as_ref().is_none_or(SendRequest::is_closed),
            state => state == State::Closed,
        }
    }

    /// Can take a request now.
    pub(crate) fn is_ready(&self) -> bool {
        self.is_awake() && self.sender.borrow().as_ref().is_some_and(SendRequest::is_ready)
    }

    /// The request is on its way when this returns; the response is what the future waits for.
    pub(crate) fn send(
        &self,
        request: http::Request<RequestBody>,
    ) -> Option<impl Future<Output = hyper::Result<http::Response<Incoming>>> + use<>> {
        self.sender.borrow_mut().as_mut().map(|sender| sender.send_request(request))
    }

    /// Of an idle connection: it will cost little from now on.
    pub(crate) fn fall_asleep(&self) {
        if self.is_awake() {
            self.become_state(State::FallingAsleep);
        }
    }

    /// Nobody wants an idle connection any more.
    pub(crate) fn close(&self) {
        drop(self.sender.take());
        self.become_state(State::Closed);
    }

    /// Waits until it can take a request, bringing it back if need be; false when it is closed instead.
    pub(crate) async fn becomes_ready(&self) -> bool {
        match self.state.get() {
            State::Awake | State::Closed => {}
            State::FallingAsleep => self.state.set(State::Awake),
            State::Asleep | State::Waking => {
                self.become_state(State::Waking);
                self.woken.notified().await;
            }
        }
        poll_fn(|cx| match self.sender.borrow_mut().as_mut() {
            Some(sender) if self.is_awake() => sender.poll_ready(cx).map(|ready| ready.is_ok()),
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
    async fn until_asleep(&self, connection: &mut Connection<Io, RequestBody>) -> bool {
        poll_fn(|cx| {
            self.register(cx);
            if self.state.get() == State::FallingAsleep {
                self.state.set(State::Asleep);
                return Poll::Ready(true);
            }
            Pin::new(&mut *connection).poll(cx).map(|_| false)
        })
        .await
    }

    /// False when the peer closed it, or sent what nobody asked for.
    async fn until_waking(&self, io: &mut Io) -> bool {
        poll_fn(|cx| {
            self.register(cx);
            match self.state.get() {
                State::Waking => return Poll::Ready(true),
                State::Closed => return Poll::Ready(false),
                _ => {}
            }
            let mut byte = [0];
            Pin::new(io.inner_mut()).poll_read(cx, &mut ReadBuf::new(&mut byte)).map(|_| false)
        })
        .await
    }
}
