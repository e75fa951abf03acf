//! A request body on its way: as much as the peer's windows allow, in a task of its own beside the response.

use crate::error::{Error, ErrorKind};
use crate::origin::Origin;
use crate::request::body::{BodyError, RequestBody};
use crate::timeout::progress::Progress;
use crate::wire::{Expectation, awaited};
use bytes::Bytes;
use h2::{Reason, SendStream};
use http_body::Body;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use tokio::task::AbortHandle;

/// Asked of the windows at once.
const MAX_CHUNK_BYTES: usize = 256 * 1024;

/// Bytes up to which a body is handed over at once: less than a peer's initial window.
const MAX_SMALL_BODY_BYTES: usize = 16 * 1024;

/// Dropping it ends the upload, with CANCEL if it was not complete.
pub(super) struct Upload {
    task: AbortHandle,
    outcome: Rc<Outcome>,
}

#[derive(Default)]
struct Outcome {
    error: RefCell<Option<BodyError>>,
    /// Wakes the task that waits for the response: h2 does not for every way in which a stream ends from this side.
    waiting: Cell<Option<Waker>>,
}

impl Upload {
    pub(super) fn start(
        stream: SendStream<Bytes>,
        body: RequestBody,
        progress: Rc<Progress>,
        expectation: Option<Rc<Expectation>>,
    ) -> Upload {
        let outcome: Rc<Outcome> = Rc::default();
        let task = tokio::task::spawn_local({
            let outcome = outcome.clone();
            async move {
                let mut pump = Pump { stream, progress };
                match pump.run(body.clone(), expectation.as_deref()).await {
                    Ok(()) => return,
                    Err(Stopped::Peer) => body.stop(),
                    Err(Stopped::Body(error)) => {
                        *outcome.error.borrow_mut() = Some(error);
                        pump.stream.send_reset(Reason::CANCEL);
                    }
                }
                if let Some(waker) = outcome.waiting.take() {
                    waker.wake();
                }
            }
        });
        Upload { task: task.abort_handle(), outcome }
    }

    /// The upload's end wakes it, should it not be in order.
    pub(super) fn wakes(&self, cx: &Context<'_>) {
        self.outcome.waiting.set(Some(cx.waker().clone()));
    }

    /// What was wrong with the body, if that is why the exchange failed.
    pub(super) fn failure(&self, origin: &Origin) -> Option<Error> {
        let error = self.outcome.error.borrow_mut().take()?;
        let kind = if error == BodyError::Aborted { ErrorKind::WriteError } else { ErrorKind::LocalProtocolError };
        Some(Error::new(kind, format!("{error} (to {origin})")))
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.task.abort();
    }
}

enum Stopped {
    /// It wants no more; the response says why.
    Peer,
    Body(BodyError),
}

struct Pump {
    stream: SendStream<Bytes>,
    progress: Rc<Progress>,
}

impl Pump {
    async fn run(&mut self, mut body: RequestBody, expectation: Option<&Expectation>) -> Result<(), Stopped> {
        if let Some(expectation) = expectation {
            let is_reset = |cx: &mut Context<'_>| self.stream.poll_reset(cx).is_ready();
            if !awaited(expectation, is_reset).await {
                return Err(Stopped::Peer);
            }
        }
        loop {
            let frame = poll_fn(|cx| {
                if self.stream.poll_reset(cx).is_ready() {
                    return Poll::Ready(Err(Stopped::Peer));
                }
                Pin::new(&mut body).poll_frame(cx).map(Ok)
            });
            match frame.await? {
                None => break,
                Some(Err(error)) => return Err(Stopped::Body(error)),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.send(data).await?;
                    }
                }
            }
            if body.is_end_stream() {
                break;
            }
        }
        self.stream.send_data(Bytes::new(), true).map_err(|_| Stopped::Peer)
    }

    async fn send(&mut self, mut data: Bytes) -> Result<(), Stopped> {
        while !data.is_empty() {
            self.stream.reserve_capacity(data.len().min(MAX_CHUNK_BYTES));
            let room = self.stream.capacity();
            let room = if room > 0 { room } else { self.room().await? };
            let piece = data.split_to(room.min(data.len()));
            self.progress.add_sent(piece.len() as u64);
            self.stream.send_data(piece, false).map_err(|_| Stopped::Peer)?;
        }
        Ok(())
    }

    async fn room(&mut self) -> Result<usize, Stopped> {
        self.progress.set_write_blocked(true);
        let room = poll_fn(|cx| self.stream.poll_capacity(cx)).await;
        self.progress.set_write_blocked(false);
        match room {
            Some(Ok(room)) => Ok(room),
            Some(Err(_)) | None => Err(Stopped::Peer),
        }
    }
}

/// Whether the peer's windows take so many bytes now, and they are few.
pub(super) fn fits_at_once(stream: &mut SendStream<Bytes>, bytes: usize) -> bool {
    if bytes > MAX_SMALL_BODY_BYTES {
        return false;
    }
    stream.reserve_capacity(bytes);
    stream.capacity() >= bytes
}
