//! One exchange on the I/O thread: from a submission to its last record.

use crate::command::{Head, Submission};
use crate::error::ErrorKind;
use crate::record::{Body, INLINE_LIMIT, Kind, Outbox, Record, Timing, micros_since};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use tokio::sync::Notify;
use whippet_core::{Client, Error, Frame, Request, RequestBody, Response, ResponseBody};

/// Small pieces of a streamed body that are there together travel together, up to this many bytes.
const COALESCE_LIMIT: usize = 64 * 1024;

/// Decoded bytes of one body after which the others have their turn.
const DECODE_TURN: u64 = 1024 * 1024;

/// The façade's wish for the next piece of a body.
#[derive(Default)]
pub(crate) struct Credit {
    given: Notify,
    raw: Cell<bool>,
}

impl Credit {
    pub(crate) fn give(&self, raw: bool) {
        self.raw.set(raw);
        self.given.notify_one();
    }
}

/// Sends the one last record of an id, whatever becomes of the exchange: it may be cancelled or panic.
pub(crate) struct LastWord {
    pub(crate) id: u32,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) on_end: Box<dyn Fn(u32)>,
    said: bool,
}

impl LastWord {
    pub(crate) fn new(id: u32, outbox: Arc<Outbox>, on_end: Box<dyn Fn(u32)>) -> Self {
        LastWord { id, outbox, on_end, said: false }
    }

    fn say(mut self, record: Record<'_>) {
        self.said = true;
        (self.on_end)(self.id);
        self.outbox.push(record);
    }

    fn fail(mut self, error: &Error) {
        self.said = true;
        (self.on_end)(self.id);
        self.outbox.error(self.id, error);
    }
}

impl Drop for LastWord {
    fn drop(&mut self) {
        if !self.said {
            (self.on_end)(self.id);
            let message = "the exchange was cancelled before it ended";
            self.outbox.failure(self.id, ErrorKind::CloseError, None, message);
        }
    }
}

pub(crate) async fn drive(
    submission: Submission,
    body: RequestBody,
    pool: Client,
    credit: Rc<Credit>,
    last_word: LastWord,
) {
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
        on_informational: flags.wants_informational().then(|| informational(last_word.id, last_word.outbox.clone())),
    });
    let response = match request {
        Ok(request) => pool.send(request, profile.timeouts).await,
        Err(error) => Err(error),
    };
    if let Some(text) = whippet_core::take_warning() {
        last_word.outbox.warning(text);
    }
    let response = match response {
        Ok(response) => response,
        Err(error) => return last_word.fail(&error),
    };
    let timing = Timing { head_us: micros_since(at), now_us: 0 };
    if flags.streams_response() {
        Box::pin(stream(response, timing, at, &credit, last_word)).await;
    } else {
        buffer(response, timing, at, profile.max_response_size, last_word).await;
    }
}

fn informational(id: u32, outbox: Arc<Outbox>) -> whippet_core::InformationalHandler {
    Arc::new(move |status, headers| {
        let head = Some((&b""[..], headers));
        outbox.push(Record { status: status.as_u16(), head, ..Record::new(id, Kind::Informational) });
    })
}

/// The whole response in one record.
async fn buffer(response: Response, timing: Timing, at: std::time::Instant, limit: Option<u64>, last_word: LastWord) {
    let Response { head, mut body } = response;
    let collected = match body.decode(&head.headers) {
        Ok(()) => collect(&mut body, limit).await,
        Err(error) => Err(error),
    };
    let (pieces, trailers) = match collected {
        Ok(collected) => collected,
        Err(error) => {
            drop(body);
            return last_word.fail(&error);
        }
    };
    let received = saturated(body.received());
    drop(body);
    if let Some(trailers) = trailers {
        last_word.outbox.push(Record { head: Some((b"", &trailers)), ..Record::new(last_word.id, Kind::Trailers) });
    }
    let length = pieces.iter().map(Bytes::len).sum::<usize>();
    let content = match length > INLINE_LIMIT {
        true => Body::Large(join(&pieces, length)),
        false => Body::Pieces(&pieces),
    };
    let reason = head.reason.unwrap_or_default();
    let id = last_word.id;
    last_word.say(Record {
        version: Some(head.version),
        status: head.status,
        head: Some((&reason, &head.headers)),
        body: content,
        timing: Timing { now_us: micros_since(at), ..timing },
        received,
        ..Record::new(id, Kind::Done)
    });
}

async fn collect(body: &mut ResponseBody, limit: Option<u64>) -> Result<(Vec<Bytes>, Option<HeaderMap>), Error> {
    if let (Some(length), Some(limit)) = (body.remaining(), limit)
        && length > limit
    {
        return Err(body.too_large(limit));
    }
    let (mut pieces, mut trailers, mut received, mut turn) = (Vec::new(), None, 0, DECODE_TURN);
    while let Some(frame) = body.frame().await? {
        match frame {
            Frame::Trailers(found) => trailers = Some(found),
            Frame::Data(data) => {
                received += data.len() as u64;
                if let Some(limit) = limit.filter(|limit| received > *limit) {
                    return Err(body.too_large(limit));
                }
                if !data.is_empty() {
                    pieces.push(data);
                }
                if received >= turn && body.is_decoding() {
                    turn = received + DECODE_TURN;
                    tokio::task::yield_now().await;
                }
            }
        }
    }
    Ok((pieces, trailers))
}

fn join(pieces: &[Bytes], length: usize) -> Bytes {
    match pieces {
        [one] => one.clone(),
        many => {
            let mut whole = BytesMut::with_capacity(length);
            many.iter().for_each(|piece| whole.extend_from_slice(piece));
            whole.freeze()
        }
    }
}

/// The head at once, then one record per credit.
async fn stream(response: Response, timing: Timing, at: std::time::Instant, credit: &Credit, last_word: LastWord) {
    let Response { head, mut body } = response;
    let id = last_word.id;
    let reason = head.reason.unwrap_or_default();
    last_word.outbox.push(Record {
        version: Some(head.version),
        status: head.status,
        head: Some((&reason, &head.headers)),
        timing: Timing { now_us: timing.head_us, ..timing },
        ..Record::new(id, Kind::Head)
    });
    drop(reason);
    credit.given.notified().await;
    if !credit.raw.get()
        && let Err(error) = body.decode(&head.headers)
    {
        drop(body);
        return last_word.fail(&error);
    }
    drop(head.headers);
    let (mut trailers, mut told) = (None, 0);
    let mut untold = |body: &ResponseBody| saturated(body.received() - std::mem::replace(&mut told, body.received()));
    loop {
        let mut pieces = Vec::new();
        let more = next_pieces(&mut body, &mut pieces, &mut trailers).await;
        // What arrived before a failure is delivered before it.
        let length = pieces.iter().map(Bytes::len).sum::<usize>();
        if length > 0 || matches!(more, Ok(true)) {
            let content = match pieces.as_slice() {
                [one] if length > INLINE_LIMIT => Body::Large(one.clone()),
                many => Body::Pieces(many),
            };
            let timing = Timing { now_us: micros_since(at), ..timing };
            let received = untold(&body);
            last_word.outbox.push(Record { body: content, timing, received, ..Record::new(id, Kind::Chunk) });
        }
        match more {
            Ok(true) => credit.given.notified().await,
            Ok(false) => break,
            Err(error) => {
                drop(body);
                return last_word.fail(&error);
            }
        }
    }
    let received = untold(&body);
    drop(body);
    let timing = Timing { now_us: micros_since(at), ..timing };
    let head = trailers.as_ref().map(|trailers| (&b""[..], trailers));
    last_word.say(Record { head, timing, received, ..Record::new(id, Kind::End) });
}

/// More than 4 GiB in one record is told as that.
fn saturated(bytes: u64) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// Waits for one piece, which may be empty while nothing is decoded yet, then takes what else is there already. False at
/// the end of the body.
async fn next_pieces(
    body: &mut ResponseBody,
    pieces: &mut Vec<Bytes>,
    trailers: &mut Option<HeaderMap>,
) -> Result<bool, Error> {
    let mut length = 0;
    loop {
        let frame = match pieces.is_empty() {
            true => body.frame().await?,
            false => match std::future::poll_fn(|cx| Poll::Ready(body.poll_frame(cx))).await {
                Poll::Ready(frame) => frame?,
                Poll::Pending => return Ok(true),
            },
        };
        match frame {
            None => return Ok(false),
            Some(Frame::Trailers(found)) => *trailers = Some(found),
            Some(Frame::Data(data)) => {
                length += data.len();
                pieces.push(data);
                if length >= COALESCE_LIMIT || (pieces.len() == 1 && length > INLINE_LIMIT) {
                    return Ok(true);
                }
            }
        }
    }
}
