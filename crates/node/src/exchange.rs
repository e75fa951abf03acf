//! One exchange on the I/O thread: from a submission to its last record.

use crate::command::Submission;
use crate::error::ErrorKind;
use crate::files::{SaveTo, Writer};
use crate::head::Head;
use crate::options::Profile;
use crate::outbox::Outbox;
use crate::panics::{self, FAULT};
use crate::record::{Body, INLINE_LIMIT, Kind, Record};
use crate::timings::{Connections, Timing, course, micros};
use bytes::Bytes;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use tokio::sync::Notify;
use whippet_core::{Chunk, Client, Error, Origin, Request, RequestBody, Response, ResponseBody};

/// What the façade wants of a streamed body next. The first one decides whether it comes decoded.
#[derive(Clone, Copy, Default)]
pub(crate) enum Wish {
    #[default]
    Piece,
    RawPiece,
    /// All that is left, of at most `limit` bytes.
    Whole {
        limit: Option<u64>,
        reports_progress: bool,
    },
    /// All that is left, in a file.
    File,
    /// Only that its connection serves again.
    Nothing,
}

/// Bytes received into a file after which that is told to a caller that does not want progress: a record counts 4 GiB.
const MAX_UNREPORTED_BYTES: u64 = 1024 * 1024 * 1024;

/// The façade's wishes, one at a time.
#[derive(Default)]
pub(crate) struct Credit {
    given: Notify,
    wish: Cell<Wish>,
    file: RefCell<Option<SaveTo>>,
}

impl Credit {
    pub(crate) fn give(&self, wish: Wish) {
        self.wish.set(wish);
        self.given.notify_one();
    }

    async fn next(&self) -> Wish {
        self.given.notified().await;
        self.wish.get()
    }

    /// All of the body is wanted, in a file.
    pub(crate) fn save(&self, file: SaveTo) {
        *self.file.borrow_mut() = Some(file);
        self.give(Wish::File);
    }
}

/// Sends the one last record of an id, whatever becomes of the exchange: it may be cancelled or panic.
pub(crate) struct CompletionGuard {
    pub(crate) id: u32,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) on_end: Box<dyn Fn(u32)>,
    is_complete: bool,
}

impl CompletionGuard {
    pub(crate) fn new(id: u32, outbox: Arc<Outbox>, on_end: Box<dyn Fn(u32)>) -> Self {
        CompletionGuard { id, outbox, on_end, is_complete: false }
    }

    fn complete(mut self, record: Record<'_>) {
        self.is_complete = true;
        (self.on_end)(self.id);
        self.outbox.push(record);
    }

    fn fail(mut self, error: &Error, course: &str) {
        self.is_complete = true;
        (self.on_end)(self.id);
        self.outbox.error(self.id, error, course);
    }
}

impl Drop for CompletionGuard {
    fn drop(&mut self) {
        if !self.is_complete {
            (self.on_end)(self.id);
            // It was cancelled, and nothing listens any more; or it panicked.
            self.outbox.failure(self.id, ErrorKind::InternalError, None, FAULT);
        }
    }
}

pub(crate) async fn drive(
    submission: Submission,
    body: RequestBody,
    pool: Client,
    credit: Rc<Credit>,
    guard: CompletionGuard,
    connections: Rc<Connections>,
) {
    panics::point("drive");
    let at = submission.at;
    let flags = submission.flags;
    let profile = submission.profile;
    let request = Head::parse(submission.head).map(|head| Request {
        method: head.method,
        origin: head.origin,
        target: head.target,
        fields: head.fields,
        body,
        proxy: profile.proxy.clone(),
        proxy_answer: None,
        on_informational: flags.wants_informational().then(|| informational(guard.id, guard.outbox.clone())),
    });
    let response = match request {
        Ok(request) => pool.send(request, profile.timeouts).await,
        Err(error) => Err(error),
    };
    if let Some(text) = whippet_core::take_warning() {
        guard.outbox.warning(text);
    }
    let response = match response {
        Ok(response) => response,
        Err(error) => {
            let course = error.timeline().map(|timeline| course(timeline, at, None)).unwrap_or_default();
            return guard.fail(&error, &course);
        }
    };
    let timing = Timing::of(&response, at, &connections, &guard.outbox);
    if flags.streams_response() || flags.wants_head_first(&response) {
        Box::pin(stream(response, timing, at, flags.takes_body_at_hand(), &credit, guard)).await;
    } else {
        buffer(response, timing, at, profile.max_response_size, guard).await;
    }
}

/// Connections before the requests that need them.
pub(crate) async fn preconnect(
    profile: Arc<Profile>,
    origin: String,
    count: u32,
    pool: Client,
    guard: CompletionGuard,
) {
    let at = std::time::Instant::now();
    let connected = match Origin::parse(&origin) {
        Ok(origin) => pool.preconnect(&origin, profile.proxy.as_ref(), count as usize, profile.timeouts).await,
        Err(error) => Err(error),
    };
    if let Some(text) = whippet_core::take_warning() {
        guard.outbox.warning(text);
    }
    match connected {
        Ok(()) => {
            let ready = Record::new(guard.id, Kind::Ready);
            guard.complete(ready);
        }
        Err(error) => {
            let course = error.timeline().map(|timeline| course(timeline, at, None)).unwrap_or_default();
            guard.fail(&error, &course);
        }
    }
}

fn informational(id: u32, outbox: Arc<Outbox>) -> whippet_core::InformationalHandler {
    Arc::new(move |status, fields| {
        let head = Some((&b""[..], fields));
        outbox.push(Record { status: status.as_u16(), head, ..Record::new(id, Kind::Informational) });
    })
}

/// The whole response in one record.
async fn buffer(
    response: Response,
    timing: Timing,
    at: std::time::Instant,
    limit: Option<u64>,
    guard: CompletionGuard,
) {
    panics::point("buffer");
    let Response { head, mut body, timeline, .. } = response;
    let collected = match body.decode(&head.fields) {
        Ok(()) => body.collect(limit, None).await,
        Err(error) => Err(error),
    };
    let reason = head.reason.unwrap_or_default();
    let id = guard.id;
    let content = match collected {
        Ok(content) => content,
        Err(error) => {
            drop(body);
            guard.outbox.push(Record {
                version: Some(head.version),
                status: head.status,
                head: Some((&reason, &head.fields)),
                timing: Timing { now_us: micros(at.elapsed()), ..timing },
                ..Record::new(id, Kind::FailedHead)
            });
            return guard.fail(&error, &course(&timeline, at, Some(timing.head_us)));
        }
    };
    let (received, trailers) = (clamp_u32(body.received()), body.take_trailers());
    drop(body);
    if let Some(trailers) = trailers {
        guard.outbox.push(Record { head: Some((b"", &trailers)), ..Record::new(id, Kind::Trailers) });
    }
    guard.complete(Record {
        version: Some(head.version),
        status: head.status,
        head: Some((&reason, &head.fields)),
        body: Body::of(content),
        timing: Timing { now_us: micros(at.elapsed()), ..timing },
        received,
        ..Record::new(id, Kind::Done)
    });
}

/// The head at once, then what is wished for, wish by wish.
async fn stream(
    response: Response,
    timing: Timing,
    at: std::time::Instant,
    takes_at_hand: bool,
    credit: &Credit,
    guard: CompletionGuard,
) {
    let Response { head, mut body, timeline, .. } = response;
    let course = || course(&timeline, at, Some(timing.head_us));
    let id = guard.id;
    let reason = head.reason.unwrap_or_default();
    let record = |kind| Record {
        version: Some(head.version),
        status: head.status,
        head: Some((&reason, &head.fields)),
        timing: Timing { now_us: timing.head_us, ..timing },
        ..Record::new(id, kind)
    };
    if takes_at_hand
        && !head.fields.has("content-encoding")
        && let Some(content) = body.at_hand(INLINE_LIMIT).await
    {
        let received = clamp_u32(body.received());
        let timing = Timing { now_us: micros(at.elapsed()), ..timing };
        return guard.complete(Record { body: Body::of(content), timing, received, ..record(Kind::HeadWithBody) });
    }
    guard.outbox.push(record(Kind::Head));
    drop(reason);
    let mut wish = credit.next().await;
    if matches!(wish, Wish::Piece | Wish::Whole { .. } | Wish::File)
        && let Err(error) = body.decode(&head.fields)
    {
        drop(body);
        return guard.fail(&error, &course());
    }
    drop(head.fields);
    let reported = Cell::new(0);
    let newly_received = |received: u64| clamp_u32(received - reported.replace(received));
    let now = || Timing { now_us: micros(at.elapsed()), ..timing };
    let content = loop {
        let (content, more) = match wish {
            Wish::Piece | Wish::RawPiece => {
                let Chunk { data, more } = body.chunk().await;
                if !data.is_empty() || matches!(more, Ok(true)) {
                    let (timing, received) = (now(), newly_received(body.received()));
                    let body = Body::of(data);
                    guard.outbox.push(Record { body, timing, received, ..Record::new(id, Kind::Chunk) });
                }
                (Bytes::new(), more)
            }
            Wish::Whole { limit, reports_progress } => {
                let report = |received| {
                    let (timing, received) = (now(), newly_received(received));
                    if received > 0 {
                        guard.outbox.push(Record { timing, received, ..Record::new(id, Kind::Progress) });
                    }
                };
                let report: Option<&dyn Fn(u64)> = if reports_progress { Some(&report) } else { None };
                match body.collect(limit, report).await {
                    Ok(content) => (content, Ok(false)),
                    Err(error) => (Bytes::new(), Err(error)),
                }
            }
            Wish::File => {
                let file = credit.file.take();
                let report = |received| {
                    let (timing, received) = (now(), newly_received(received));
                    guard.outbox.push(Record { timing, received, ..Record::new(id, Kind::Progress) });
                };
                let saved = match file {
                    Some(file) => save(&mut body, file, report).await,
                    None => Ok(()),
                };
                (Bytes::new(), saved.map(|()| false))
            }
            Wish::Nothing => {
                let drained = body.drain().await;
                let status = drained.is_none().into();
                let (body, timing) = (Body::of(drained.unwrap_or_default()), now());
                return guard.complete(Record { status, body, timing, ..Record::new(id, Kind::End) });
            }
        };
        match more {
            Ok(true) => wish = credit.next().await,
            Ok(false) => break content,
            Err(error) => {
                drop(body);
                return guard.fail(&error, &course());
            }
        }
    };
    let (received, trailers) = (newly_received(body.received()), body.take_trailers());
    drop(body);
    let head = trailers.as_ref().map(|trailers| (&b""[..], trailers));
    let (body, timing) = (Body::of(content), now());
    guard.complete(Record { head, body, timing, received, ..Record::new(id, Kind::End) });
}

/// The whole body into a file: what was received is written while more of it is received, and no more than that, so that the
/// connection waits for the disk.
async fn save(body: &mut ResponseBody, file: SaveTo, report: impl Fn(u64)) -> Result<(), Error> {
    let most = if file.reports_progress { 1 } else { MAX_UNREPORTED_BYTES };
    let (mut reported, mut writer) = (0, Writer::new(file.jobs));
    loop {
        let Chunk { data, more } = {
            let mut next = pin!(body.chunk());
            let ready = poll_fn(|cx| match writer.poll_advance(cx) {
                Ok(()) => next.as_mut().poll(cx).map(Ok),
                Err(error) => Poll::Ready(Err(error)),
            });
            ready.await?
        };
        if !data.is_empty() {
            writer.write(data).await?;
        }
        match more {
            Ok(true) => {}
            Ok(false) => return writer.flush().await,
            // What arrived before a failure is in the file.
            Err(error) => return Err(writer.flush().await.err().unwrap_or(error)),
        }
        if body.received() - reported >= most {
            reported = body.received();
            report(reported);
        }
    }
}

/// More than 4 GiB in one record is told as that.
fn clamp_u32(bytes: u64) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
