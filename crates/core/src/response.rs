//! A response: its head, and a body that is pulled and gives its connection back at the end.

mod content;
pub(crate) mod read;
mod turn;

use crate::connection::{Answer, Incoming, Reuse};
use crate::connection_info::ConnectionInfo;
use crate::decode::{DecodeError, Decoder, Step};
use crate::error::{Error, ErrorKind};
use crate::fields::FieldLines;
use crate::frame::Frame;
use crate::head::Head;
use crate::origin::Origin;
use crate::pool::Lease;
use crate::request::body::RequestBody;
use crate::timeout::progress::Progress;
use crate::timeout::watch::watch;
use crate::timeout::{Clock, Phase};
use crate::timings::Timeline;
use bytes::Bytes;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use turn::Turn;

pub struct Response {
    pub head: Head,
    pub body: ResponseBody,
    /// How it came here.
    pub timeline: Timeline,
    /// What it came over.
    pub connection: Rc<ConnectionInfo>,
}

/// Dropping it before the end closes the connection.
pub struct ResponseBody {
    incoming: Incoming,
    /// `None` after the end.
    in_use: Option<InUse>,
    progress: Rc<Progress>,
    clock: Clock,
    origin: Origin,
    decoder: Option<Box<Decoder>>,
    turn: Turn,
    trailers: Option<FieldLines>,
    /// What was found before the reader asked, and is the reader's.
    front: Option<Result<Option<Frame>, Error>>,
}

/// What the exchange still holds while the body is read.
struct InUse {
    lease: Lease,
    upload: RequestBody,
    /// Whether the connection serves again afterwards.
    reuse: Option<Reuse>,
}

impl Response {
    pub(crate) fn new(
        answer: Answer,
        lease: Lease,
        upload: RequestBody,
        clock: Clock,
        origin: Origin,
        timeline: Timeline,
        connection: Rc<ConnectionInfo>,
    ) -> Response {
        let Answer { mut head, incoming, progress, reuse } = answer;
        if head.fields.has("transfer-encoding") {
            // RFC 9112 section 6.3: the coding has overridden it.
            head.fields.remove("content-length");
        }
        // An error, or a redirect, says that the rest of the upload is not wanted (RFC 9110 section 10.1.1, and curl);
        // a 2xx may well go on beside it.
        if head.status >= 300 && !upload.is_taken() {
            upload.stop();
        }
        let in_use = Some(InUse { lease, upload, reuse });
        let (turn, decoder, trailers, front) = (Turn::default(), None, None, None);
        let mut body = ResponseBody { incoming, in_use, progress, clock, origin, decoder, turn, trailers, front };
        if body.incoming.is_end() {
            body.finish();
        }
        Response { head, body, timeline, connection }
    }
}

impl ResponseBody {
    /// The whole length, when the server told it and there is something left to read. That of decoded content is known
    /// at its end.
    pub fn remaining(&self) -> Option<u64> {
        match (&self.in_use, &self.decoder) {
            (_, Some(_)) => None,
            (None, None) => Some(0),
            (Some(_), None) => self.incoming.remaining().map(|rest| rest + self.found().len() as u64),
        }
    }

    /// The piece that waits in front.
    fn found(&self) -> &[u8] {
        match &self.front {
            Some(Ok(Some(Frame::Data(data)))) => data,
            _ => &[],
        }
    }

    /// All of it, undecoded, if that is at most `most` bytes of a known number and has come with the head; the connection
    /// is back in the pool then. Nothing is waited for, and what came of a longer one is still to be read. Cancel safe.
    pub async fn at_hand(&mut self, most: usize) -> Option<Bytes> {
        std::future::poll_fn(|cx| Poll::Ready(self.poll_at_hand(most, cx))).await
    }

    fn poll_at_hand(&mut self, most: usize, cx: &mut Context<'_>) -> Option<Bytes> {
        let Some(in_use) = &self.in_use else { return Some(Bytes::new()) };
        // An upload may well go on beside the body.
        let is_writing = !in_use.upload.is_taken() || self.progress.is_write_blocked();
        if is_writing || self.remaining().is_none_or(|length| length > most as u64) {
            return None;
        }
        match self.poll_received(cx) {
            Poll::Ready(Ok(Some(Frame::Data(data)))) if self.in_use.is_none() => Some(data),
            Poll::Ready(Ok(None)) => Some(Bytes::new()),
            Poll::Ready(found) => {
                self.front = Some(found);
                None
            }
            Poll::Pending => None,
        }
    }

    /// Bytes so far, before decoding.
    pub fn received(&self) -> u64 {
        self.incoming.received()
    }

    /// Fields behind the body (RFC 9110 section 6.5), after its end and for one caller.
    pub fn take_trailers(&mut self) -> Option<FieldLines> {
        self.trailers.take()
    }

    /// From here on the frames are decoded, in pieces of at most [`crate::MAX_STEP_BYTES`] bytes. To be called before the first
    /// one, with the head's fields; where there is no body, nothing is decoded.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::DecodingError`] for more codings than are undone.
    pub fn decode(&mut self, fields: &FieldLines) -> Result<(), Error> {
        if self.in_use.is_none() || !fields.has("content-encoding") {
            return Ok(());
        }
        match Decoder::new(fields.get_all("content-encoding")) {
            Ok(decoder) => {
                self.decoder = decoder.map(Box::new);
                Ok(())
            }
            Err(error) => Err(self.undecodable(error)),
        }
    }

    /// The next piece as it arrives, empty where data decodes to nothing yet; `None` at the end, when the connection is
    /// back in the pool. Others have their turn in between, and the total timeout counts, however much is there
    /// already. Cancel safe.
    async fn frame(&mut self) -> Result<Option<Frame>, Error> {
        if self.in_use.is_none() && self.decoder.is_none() && self.front.is_none() {
            return Ok(None);
        }
        if self.turn.is_over() {
            self.turn = Turn::default();
            tokio::task::yield_now().await;
        }
        if self.clock.is_over() {
            self.abandon();
            return Err(self.clock.expired(Phase::Total, &self.origin));
        }
        let ready = std::future::poll_fn(|cx| Poll::Ready(self.poll_frame(cx))).await;
        let frame = match ready {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                self.turn = Turn::default();
                // On the heap, as most bodies are there with their heads: their futures stay small.
                Box::pin(self.wait()).await
            }
        }?;
        if let Some(Frame::Data(data)) = &frame {
            self.turn.count(data.len());
        }
        Ok(frame)
    }

    async fn wait(&mut self) -> Result<Option<Frame>, Error> {
        let Some(in_use) = &self.in_use else { return Ok(None) };
        let (progress, upload, clock, origin) =
            (self.progress.clone(), in_use.upload.clone(), self.clock.clone(), self.origin.clone());
        let next = pin!(std::future::poll_fn(|cx| self.poll_frame(cx)));
        let watched = watch(&progress, &clock, &upload, &origin, next).await;
        self.clock = clock.clone();
        match watched {
            Ok(frame) => frame,
            Err(expired) => {
                if let Some(in_use) = &self.in_use {
                    in_use.lease.suspect(&clock);
                }
                self.abandon();
                Err(expired)
            }
        }
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Frame>, Error>> {
        match self.decoder.take() {
            None => self.poll_received(cx),
            Some(mut decoder) => {
                let frame = self.poll_decoded(&mut decoder, cx);
                self.decoder = Some(decoder);
                frame
            }
        }
    }

    fn poll_decoded(&mut self, decoder: &mut Decoder, cx: &mut Context<'_>) -> Poll<Result<Option<Frame>, Error>> {
        let mut pushed = false;
        loop {
            match decoder.step() {
                Ok(Step::Piece(piece)) => return Poll::Ready(Ok(Some(Frame::Data(piece)))),
                Ok(Step::End) => return Poll::Ready(Ok(None)),
                Ok(Step::Unfinished) => return Poll::Ready(Ok(Some(Frame::Data(Bytes::new())))),
                Ok(Step::Starved) if pushed => return Poll::Ready(Ok(Some(Frame::Data(Bytes::new())))),
                Ok(Step::Starved) => {}
                Err(error) => return Poll::Ready(Err(self.undecodable(error))),
            }
            match std::task::ready!(self.poll_received(cx))? {
                Some(Frame::Data(data)) => {
                    decoder.push(data);
                    pushed = true;
                }
                Some(trailers) => return Poll::Ready(Ok(Some(trailers))),
                None => decoder.end(),
            }
        }
    }

    fn poll_received(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Frame>, Error>> {
        if let Some(found) = self.front.take() {
            return Poll::Ready(found);
        }
        if self.in_use.is_none() {
            return Poll::Ready(Ok(None));
        }
        let frame = std::task::ready!(self.incoming.poll_frame(&self.origin, cx));
        match &frame {
            Ok(None) => self.finish(),
            Ok(Some(Frame::Data(_))) if self.incoming.is_end() => self.finish(),
            Ok(Some(_)) => {}
            Err(_) => self.abandon(),
        }
        Poll::Ready(frame)
    }

    /// What is left of the body is of no use: the connection is closed.
    fn undecodable(&mut self, cause: DecodeError) -> Error {
        self.abandon();
        Error::new(ErrorKind::DecodingError, format!("{}: {cause}", self.origin)).with_source(cause)
    }

    /// The end of the body: the connection goes back when a next request can begin on it.
    fn finish(&mut self) {
        if let Some(in_use) = self.in_use.take() {
            let writing = !in_use.upload.is_taken() || self.progress.is_write_blocked();
            in_use.upload.stop();
            match in_use.reuse {
                Some(reuse) if !writing => in_use.lease.release(reuse.at_most),
                _ => drop(in_use.lease),
            }
        }
    }

    fn abandon(&mut self) {
        if let Some(in_use) = self.in_use.take() {
            in_use.upload.stop();
        }
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        self.abandon();
    }
}
