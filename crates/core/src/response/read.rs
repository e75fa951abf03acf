//! The ways to read a body: piece by piece, as a whole, or only to be rid of it.

use super::ResponseBody;
use super::content::Content;
use crate::error::{Error, ErrorKind};
use crate::frame::Frame;
use bytes::Bytes;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;
use tokio::time::timeout;

/// Small pieces that are there together travel together, up to this many bytes.
const MAX_CHUNK_BYTES: usize = 64 * 1024;

/// A piece of so many bytes travels alone: it is not worth copying.
const MIN_WHOLE_BYTES: usize = 16 * 1024;

/// What is read of a body that is not wanted, so that its connection serves again. More costs more than a connection.
const MAX_DRAINED_BYTES: usize = 64 * 1024;
const DRAIN_TIMEOUT: Duration = Duration::from_millis(250);

/// A length that no body has, a power of four: buffers grow by four from a power of four then.
const MAX_CONTENT_BYTES: u64 = 1 << 62;

/// What came of a body, and whether there is more.
pub struct Chunk {
    pub data: Bytes,
    /// False at the end. What arrived before a failure is delivered with it.
    pub more: Result<bool, Error>,
}

impl ResponseBody {
    /// Waits for one piece, which may be empty while nothing is decoded yet, then takes what else is there already.
    pub async fn chunk(&mut self) -> Chunk {
        let mut content = Content::at_most(MAX_CHUNK_BYTES as u64);
        let more = self.fill(&mut content).await;
        Chunk { data: content.into_bytes(), more }
    }

    async fn fill(&mut self, content: &mut Content) -> Result<bool, Error> {
        let mut has_waited = false;
        loop {
            let frame = match has_waited {
                false => self.frame().await?,
                true => match self.frame_at_hand().await {
                    Poll::Ready(frame) => frame?,
                    Poll::Pending => return Ok(true),
                },
            };
            match frame {
                None => return Ok(false),
                Some(Frame::Trailers(found)) => self.trailers = Some(found),
                Some(Frame::Data(data)) => {
                    has_waited = true;
                    self.hold(content, data)?;
                    if content.is_one_of(MIN_WHOLE_BYTES) || content.len() >= MAX_CHUNK_BYTES {
                        return Ok(true);
                    }
                }
            }
        }
    }

    /// The next piece, if it is there before others have had their turn.
    async fn frame_at_hand(&mut self) -> Poll<Result<Option<Frame>, Error>> {
        for looks in 0..2 {
            if self.turn.is_over() || self.clock.is_over() {
                break;
            }
            let ready = poll_fn(|cx| Poll::Ready(self.poll_frame(cx))).await;
            match ready {
                Poll::Ready(Ok(Some(Frame::Data(data)))) => {
                    self.turn.count(data.len());
                    return Poll::Ready(Ok(Some(Frame::Data(data))));
                }
                Poll::Ready(other) => return Poll::Ready(other),
                // The connection's task has been woken, and has the next piece when it has run.
                Poll::Pending if looks == 0 => step_back().await,
                Poll::Pending => {}
            }
        }
        Poll::Pending
    }

    /// All of it, as one buffer. `on_progress` is told of the bytes received so far, before each wait.
    ///
    /// # Errors
    ///
    /// ResponseTooLarge: there are more than `limit` bytes, declared or received, after decoding.
    pub async fn collect(&mut self, limit: Option<u64>, on_progress: Option<&dyn Fn(u64)>) -> Result<Bytes, Error> {
        let most = limit.unwrap_or(u64::MAX);
        let mut content = match self.remaining() {
            Some(length) if length > most => return Err(self.too_large(most)),
            Some(length) => Content::of(length),
            None => Content::at_most(most.min(MAX_CONTENT_BYTES)),
        };
        loop {
            let frame = match on_progress {
                None => self.frame().await?,
                Some(tell) => match self.frame_at_hand().await {
                    Poll::Ready(frame) => frame?,
                    Poll::Pending => {
                        tell(self.received());
                        self.frame().await?
                    }
                },
            };
            match frame {
                None => return Ok(content.into_bytes()),
                Some(Frame::Trailers(found)) => self.trailers = Some(found),
                Some(Frame::Data(data)) if (content.len() + data.len()) as u64 > most => {
                    return Err(self.too_large(most));
                }
                Some(Frame::Data(data)) => self.hold(&mut content, data)?,
            }
        }
    }

    /// Reads what is left of a body that is not wanted, within 64 KiB and 250 ms and without decoding it: then its
    /// connection serves again. `None` when it was given up, and what was read can be had no more.
    pub async fn drain(mut self) -> Option<Bytes> {
        self.decoder = None;
        if self.remaining().is_some_and(|length| length > MAX_DRAINED_BYTES as u64) {
            return None;
        }
        timeout(DRAIN_TIMEOUT, self.collect(Some(MAX_DRAINED_BYTES as u64), None)).await.ok()?.ok()
    }

    fn hold(&mut self, content: &mut Content, data: Bytes) -> Result<(), Error> {
        content.push(data).map_err(|cause| {
            self.abandon();
            let message = format!("{}: there is no memory for the response", self.origin);
            Error::new(ErrorKind::ResponseTooLarge, message).with_source(cause)
        })
    }

    fn too_large(&mut self, limit: u64) -> Error {
        self.abandon();
        let advice = "for a body of that size use client.stream() or client.download()";
        let origin = &self.origin;
        let message = format!("{origin}: the response is larger than maxResponseSize ({limit} bytes); {advice}");
        Error::new(ErrorKind::ResponseTooLarge, message)
    }
}

/// To the end of the queue of tasks: those that are ready run first.
async fn step_back() {
    let mut has_run = false;
    poll_fn(|cx| match std::mem::replace(&mut has_run, true) {
        true => Poll::Ready(()),
        false => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}
