//! HTTP/2 over one connection that many exchanges share: h2 does the frames, this file says what they mean for an
//! exchange. It is spoken to directly, as hyper's client neither tells of informational responses nor of the streams
//! that a peer has refused.

mod body;
mod doubt;
mod errors;
mod frames;
mod head;
mod task;
mod tuning;
mod unanswered;
mod upload;

use crate::connect::{Connected, Stream};
use crate::connection::meter::{MAX_HEAD_BYTES, MeteredSocket, MeteredStream};
use crate::connection::vigil::Vigil;
use crate::connection::{Answer, Incoming, Resend, SendError};
use crate::connection_info::ConnectionInfo;
use crate::error::Error;
use crate::head::Head;
use crate::origin::Origin;
use crate::request::Request;
use crate::request::body::RequestBody;
use crate::timeout::progress::Progress;
use crate::timeout::watch::watch;
use crate::timeout::{Clock, Phase, unless};
use crate::wire::Expectation;
pub(crate) use body::Body;
use bytes::Bytes;
use doubt::{Doubt, GivingUp, longest_silence};
#[cfg(feature = "fuzzing")]
pub use frames::{FoundFrame, find_frames};
use frames::{
    FrameCounts, MAX_OVERHEAD, MAX_OWN_RESETS, MAX_REMEMBERED_RESETS, MeteredFrames, RESET_MEMORY, has_outer_blank,
};
use h2::client::{Builder, SendRequest};
use head::{AwaitedHead, HeadError};
use http::Response;
use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use upload::Upload;

/// The windows that a peer may fill before any of it has been read: of a stream, and of the whole connection.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;

/// The fields of one header section, counted as RFC 9113 section 6.5.2 has it.
const HEADER_LIST_LIMIT: u32 = 256 * 1024;

/// A limit that no peer sets: its SETTINGS are not there yet. One stream is risked until then.
const BEFORE_SETTINGS: usize = usize::MAX - 1;

pub(crate) struct Http2 {
    sender: RefCell<SendRequest<Bytes>>,
    shared: Rc<Shared>,
    info: Rc<ConnectionInfo>,
}

/// The socket as h2 sees it.
type Io = MeteredFrames<MeteredStream<Stream>>;

/// What the connection's task and its users tell each other.
struct Shared {
    socket: Rc<MeteredSocket>,
    frames: FrameCounts,
    /// Streams that exchanges hold.
    streams: Cell<usize>,
    /// All that were opened on it, those that the peer did not process as it said GOAWAY, and how many are opened at most until
    /// all of them have ended.
    opened: Cell<usize>,
    gone_away: Cell<usize>,
    expected: Cell<Option<usize>>,
    /// What the peer allows, or `BEFORE_SETTINGS`.
    max_streams: Cell<usize>,
    /// No new streams: the peer has said GOAWAY, or refused one, or the connection has ended.
    retired: Cell<bool>,
    /// Told when more streams are allowed than before, or none any more.
    room: Notify,
    /// The pool has let go of the connection.
    dropped: Notify,
    /// A caller gave up while nothing came.
    doubt: Cell<Option<Doubt>>,
    /// Told when there is something new for the connection's task.
    asked: Notify,
}

impl Http2 {
    /// RFC 9113 section 3.4.
    const PREFACE_LENGTH: usize = 24;

    /// `on_room` is called when more streams are allowed than before, or none any more; `on_end` when the connection has
    /// ended.
    pub(crate) async fn handshake(
        connected: Connected,
        origin: &Origin,
        vigil: &Rc<Vigil>,
        ping_interval: Option<Duration>,
        on_room: impl Fn() + 'static,
        on_end: impl FnOnce() + 'static,
    ) -> Result<Rc<Http2>, Error> {
        let Connected { stream, info, .. } = connected;
        let (socket, open) = (MeteredSocket::new(), stream.socket());
        vigil.watch(&socket);
        let shared = Rc::new(Shared::new(socket.clone()));
        let io = MeteredFrames::new(MeteredStream::new(stream, open, socket), shared.clone());
        let (sender, connection) = Builder::new()
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(HEADER_LIST_LIMIT)
            .enable_push(false)
            .initial_max_send_streams(BEFORE_SETTINGS)
            .max_concurrent_reset_streams(MAX_REMEMBERED_RESETS)
            .reset_stream_duration(RESET_MEMORY)
            .data_frame_budget(MAX_OVERHEAD)
            .max_local_error_reset_streams(Some(MAX_OWN_RESETS as usize))
            .handshake::<_, Bytes>(io)
            .await
            .map_err(|cause| errors::of_handshake(origin, cause))?;
        let http2 = Rc::new(Http2 { sender: RefCell::new(sender), shared: shared.clone(), info });
        let of_task = Rc::downgrade(&http2);
        tokio::task::spawn_local(async move {
            let left = task::run(connection, &of_task, &shared, ping_interval, on_room).await;
            shared.retired.set(true);
            // What is sent again lines up before the connection's place is given away.
            tokio::task::yield_now().await;
            shared.room.notify_waiters();
            on_end();
            if let Some(connection) = left {
                task::say_goodbye(connection).await;
            }
        });
        Ok(http2)
    }

    pub(crate) fn info(&self) -> &Rc<ConnectionInfo> {
        &self.info
    }

    /// No more streams are opened on it.
    pub(crate) fn retire(&self) {
        self.shared.retired.set(true);
    }

    /// New streams may be opened, as far as is known.
    pub(crate) fn is_usable(&self) -> bool {
        // Without a stream of its own this sender is never pending, so a waker that does nothing is enough.
        !self.shared.retired.get()
            && !matches!(
                self.sender.borrow_mut().poll_ready(&mut Context::from_waker(Waker::noop())),
                Poll::Ready(Err(_))
            )
    }

    /// As above, after the connection's task has seen what has arrived meanwhile: often it is GOAWAY, or the end.
    pub(crate) async fn is_usable_now(&self) -> bool {
        if self.shared.streams.get() == 1 && !self.shared.socket.is_silent() {
            tokio::task::yield_now().await;
        }
        self.is_usable()
    }

    pub(crate) fn streams(&self) -> usize {
        self.shared.streams.get()
    }

    /// Counts one more stream if the peer allows it.
    pub(crate) fn open_stream(&self) -> bool {
        let (open, most) = (self.shared.streams.get(), self.shared.allowed_streams());
        let opened = self.shared.opened.get();
        if open == 0 && self.shared.expected.get().is_some_and(|expected| opened >= expected) {
            // It goes on.
            self.shared.expected.set(None);
        }
        let has_room = open < most && self.shared.expected.get().is_none_or(|expected| opened < expected);
        if has_room {
            self.shared.streams.set(open + 1);
            self.shared.opened.set(opened + 1);
            self.shared.frames.idle.stream_opened();
        }
        has_room
    }

    /// How many streams the peer has taken, if it has said of others that it did not process them, as it goes away.
    pub(crate) fn taken(&self) -> Option<usize> {
        let gone_away = self.shared.gone_away.get();
        (gone_away > 0).then(|| self.shared.opened.get().saturating_sub(gone_away).max(1))
    }

    /// No more streams are opened until those have ended: the peer may go away behind them, as it did on another connection.
    pub(crate) fn expect_to_take(&self, streams: usize) {
        self.shared.expected.set(Some(streams));
    }

    /// Waits until the peer is known to allow the streams that are counted. A new connection is used before its SETTINGS
    /// are there; a request that was refused once had better not be.
    pub(crate) async fn settled(&self) {
        while !self.shared.retired.get() && (self.awaits_settings() || self.streams() > self.shared.allowed_streams()) {
            self.shared.room.notified().await;
        }
    }

    pub(crate) fn close_stream(&self) {
        self.shared.streams.set(self.shared.streams.get() - 1);
    }

    /// The peer's SETTINGS are not there yet, or allow no stream for now.
    pub(crate) fn awaits_settings(&self) -> bool {
        matches!(self.shared.max_streams.get(), 0 | BEFORE_SETTINGS)
    }

    /// Sends the request and waits for the final response's head.
    pub(crate) async fn send(&self, request: &Request, clock: &Clock) -> Result<Answer, SendError> {
        let progress = Progress::of_stream(&self.shared.socket.progress);
        let never = |error| SendError::new(error, Resend::Never);
        let head = request.to_http2().map_err(never)?;
        let ends = match &request.body {
            RequestBody::Empty => true,
            RequestBody::Bytes(bytes) => bytes.is_empty(),
            RequestBody::Stream(_) => false,
        };
        // Each request has a sender of its own: one that has a stream waiting takes no other.
        let mut sender = self.sender.borrow().clone();
        let (response, mut stream) = sender.send_request(head, ends).map_err(|cause| {
            self.shared.retired.set(true);
            self.shared.note_gone_away();
            SendError::new(errors::of_head(&request.origin, cause, &self.shared.socket), Resend::GoneAway)
        })?;
        drop(sender);
        let id = response.stream_id().as_u32();
        let expectation = request.expects_continue().then(Rc::<Expectation>::default);
        let upload = match &request.body {
            _ if ends => None,
            RequestBody::Bytes(bytes) if expectation.is_none() && upload::fits_at_once(&mut stream, bytes.len()) => {
                let sent = stream.send_data(bytes.clone(), true);
                sent.map_err(|cause| never(errors::of_head(&request.origin, cause, &self.shared.socket)))?;
                None
            }
            body => Some(Upload::start(stream, body.clone(), progress.clone(), expectation.clone())),
        };
        let giving_up = GivingUp { shared: &self.shared, since: Instant::now(), limit: longest_silence(clock) };
        let mut head = AwaitedHead {
            response,
            upload: upload.as_ref(),
            progress: progress.clone(),
            request,
            expectation,
            left: MAX_HEAD_BYTES,
        };
        let answer = match self.awaits_settings() {
            true => Box::pin(self.watch_unsettled(&progress, clock, request, Pin::new(&mut head))).await,
            false => watch(&progress, clock, &request.body, &request.origin, Pin::new(&mut head)).await,
        };
        drop(head);
        giving_up.has_answer();
        let answer = answer.map_err(|expired| {
            self.suspect(clock);
            SendError { sent: is_sent(request, &progress), ..never(expired) }
        })?;
        match answer {
            Ok(response) => {
                let (head, incoming) = response.into_parts();
                if self.shared.frames.heads.take_malformed(incoming.stream_id().as_u32()) {
                    return Err(never(errors::malformed(&request.origin, "a pseudo-header besides :status")));
                }
                if has_outer_blank(&head.headers) {
                    return Err(never(errors::malformed(&request.origin, "a header that begins or ends with a blank")));
                }
                let head = Head::from(head);
                let body = Body::new(
                    incoming,
                    &request.method,
                    &head,
                    upload,
                    progress.clone(),
                    self.shared.clone(),
                    longest_silence(clock),
                );
                Ok(Answer { head, incoming: Incoming::Http2(Box::new(body)), progress, reuse: None })
            }
            Err(cause) => {
                let error = self.unanswered(request, id, cause, upload, progress.received() > 0);
                Err(SendError { sent: is_sent(request, &progress), ..error })
            }
        }
    }

    /// As [`watch`], for a request that was sent before the peer's SETTINGS were there. Should they allow no stream, it
    /// waits for a place, like those behind it, and not for data.
    async fn watch_unsettled(
        &self,
        progress: &Progress,
        clock: &Clock,
        request: &Request,
        mut head: Pin<&mut AwaitedHead<'_>>,
    ) -> Result<Result<Response<h2::RecvStream>, HeadError>, Error> {
        let is_waiting = || self.shared.max_streams.get() == 0 && progress.received() + progress.sent() == 0;
        loop {
            let watched = watch(progress, clock, &request.body, &request.origin, head.as_mut());
            if let Some(answer) = unless(watched, self.until(is_waiting)).await {
                return answer;
            }
            let waited = async { Ok(unless(head.as_mut(), self.until(|| !is_waiting())).await) };
            if let Some(answer) = clock.within(Phase::Pool, &request.origin, waited).await? {
                return Ok(answer);
            }
        }
    }

    /// Waits until what the peer allows is as it should be.
    async fn until(&self, is_so: impl Fn() -> bool) {
        while !is_so() {
            self.shared.room.notified().await;
        }
    }

    /// A timeout ran out. If the connection has received nothing at all for as long, the peer may be gone: no further
    /// request is given to the connection. In the midst of a frame or a header section half of that is enough, as nothing
    /// else can come before the rest of it; so it is where the peer has taken nothing, as nothing else can go out.
    pub(crate) fn suspect(&self, clock: &Clock) {
        let Some(limit) = clock.limits.read.or(clock.limits.total) else { return };
        let silence = if self.shared.frames.is_midway() { limit / 2 } else { limit };
        if self.shared.is_stuck(limit) || self.shared.socket.progress.last_received().elapsed() >= silence {
            self.shared.leave();
        }
    }
}

impl Shared {
    fn new(socket: Rc<MeteredSocket>) -> Shared {
        Shared {
            socket,
            frames: FrameCounts::new(),
            streams: Cell::new(0),
            opened: Cell::new(0),
            gone_away: Cell::new(0),
            expected: Cell::new(None),
            max_streams: Cell::new(BEFORE_SETTINGS),
            retired: Cell::new(false),
            room: Notify::new(),
            dropped: Notify::new(),
            doubt: Cell::new(None),
            asked: Notify::new(),
        }
    }

    fn note_gone_away(&self) {
        self.gone_away.set(self.gone_away.get() + 1);
    }

    fn allowed_streams(&self) -> usize {
        match self.max_streams.get() {
            BEFORE_SETTINGS => 1,
            most => most,
        }
    }
}

impl Drop for Http2 {
    fn drop(&mut self) {
        self.shared.dropped.notify_one();
    }
}

/// When the last of the request was handed over, if it was.
fn is_sent(request: &Request, progress: &Progress) -> Option<Instant> {
    (request.body.is_over() && !progress.is_write_blocked()).then(|| progress.last_sent())
}
