//! A response: its head, and a body that is pulled and gives its connection back at the end.

use crate::connection::http1::is_persistent;
use crate::connection::meter::Meter;
use crate::connection::{Answer, Incoming};
use crate::decode::{DecodeError, Decoder, Step};
use crate::error::{Error, ErrorKind};
use crate::origin::Origin;
use crate::pool::Lease;
use crate::request::body::RequestBody;
use crate::timeout::Clock;
use crate::timeout::watch::watch;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    Http10,
    Http11,
    Http2,
}

/// The head of a final response.
pub struct Head {
    pub status: u16,
    pub version: Version,
    /// As the server wrote it; `None` when it is the one that belongs to the status code.
    pub reason: Option<Bytes>,
    pub headers: HeaderMap,
}

pub struct Response {
    pub head: Head,
    pub body: ResponseBody,
}

pub enum Frame {
    Data(Bytes),
    Trailers(HeaderMap),
}

/// Dropping it before the end closes the connection.
pub struct ResponseBody {
    incoming: Incoming,
    /// `None` after the end.
    held: Option<Held>,
    meter: Rc<Meter>,
    clock: Clock,
    origin: Origin,
    decoder: Option<Box<Decoder>>,
}

/// What the exchange still holds while the body is read.
struct Held {
    lease: Lease,
    upload: RequestBody,
    /// How long the connection may be kept afterwards; `None` when the server closes it.
    keep: Option<Keep>,
}

#[derive(Clone, Copy)]
struct Keep {
    /// From the server's `Keep-Alive: timeout=`.
    at_most: Option<Duration>,
}

impl Response {
    pub(crate) fn new(answer: Answer, lease: Lease, upload: RequestBody, clock: Clock, origin: Origin) -> Response {
        let Answer { head: mut parts, incoming, meter } = answer;
        let keep =
            is_persistent(parts.version, &parts.headers).then(|| Keep { at_most: keep_alive_timeout(&parts.headers) });
        if parts.headers.contains_key(TRANSFER_ENCODING) {
            // RFC 9112 section 6.3: the coding has overridden it.
            parts.headers.remove(CONTENT_LENGTH);
        }
        // An error, or a redirect, says that the rest of the upload is not wanted (RFC 9110 section 10.1.1, and curl);
        // a 2xx may well go on beside it.
        if parts.status.as_u16() >= 300 && !upload.is_taken() {
            upload.stop();
        }
        let held = Some(Held { lease, upload, keep });
        let mut body = ResponseBody { incoming, held, meter, clock, origin, decoder: None };
        if body.incoming.is_end() {
            body.finish();
        }
        let reason = parts.extensions.get::<hyper::ext::ReasonPhrase>();
        let head = Head {
            status: parts.status.as_u16(),
            version: match parts.version {
                http::Version::HTTP_2 => Version::Http2,
                http::Version::HTTP_10 => Version::Http10,
                _ => Version::Http11,
            },
            reason: reason.map(|reason| Bytes::copy_from_slice(reason.as_bytes())),
            headers: parts.headers,
        };
        Response { head, body }
    }
}

impl ResponseBody {
    /// The whole length, when the server told it and there is something left to read. That of decoded content is known
    /// at its end.
    pub fn remaining(&self) -> Option<u64> {
        match (&self.held, &self.decoder) {
            (_, Some(_)) => None,
            (None, None) => Some(0),
            (Some(_), None) => self.incoming.remaining(),
        }
    }

    /// Bytes so far, before decoding.
    pub fn received(&self) -> u64 {
        self.incoming.received()
    }

    pub fn is_decoding(&self) -> bool {
        self.decoder.is_some()
    }

    /// From here on the frames are decoded, in pieces of at most [`crate::STEP`] bytes. To be called before the first
    /// one, with the head's fields; where there is no body, nothing is decoded.
    pub fn decode(&mut self, headers: &HeaderMap) -> Result<(), Error> {
        if self.held.is_none() || !headers.contains_key(CONTENT_ENCODING) {
            return Ok(());
        }
        let lines = headers.get_all(CONTENT_ENCODING).iter().map(http::HeaderValue::as_bytes);
        match Decoder::new(lines) {
            Ok(decoder) => {
                self.decoder = decoder.map(Box::new);
                Ok(())
            }
            Err(error) => Err(self.undecodable(error)),
        }
    }

    /// The next piece as it arrives; `None` at the end, when the connection is back in the pool. Cancel safe.
    pub async fn frame(&mut self) -> Result<Option<Frame>, Error> {
        let ready = std::future::poll_fn(|cx| Poll::Ready(self.poll_frame(cx))).await;
        match ready {
            Poll::Ready(frame) => frame,
            // On the heap, as most bodies are there with their heads: their futures stay small.
            Poll::Pending => Box::pin(self.wait()).await,
        }
    }

    async fn wait(&mut self) -> Result<Option<Frame>, Error> {
        let Some(held) = &self.held else { return Ok(None) };
        let (meter, upload, clock, origin) =
            (self.meter.clone(), held.upload.clone(), self.clock.clone(), self.origin.clone());
        let next = pin!(std::future::poll_fn(|cx| self.poll_frame(cx)));
        match watch(&meter, &clock, &upload, &origin, next).await {
            Ok(frame) => frame,
            Err(expired) => {
                if let Some(held) = &self.held {
                    held.lease.suspect(&clock);
                }
                self.abandon();
                Err(expired)
            }
        }
    }

    /// Takes what is there already, without waiting. Data that decodes to nothing yet is an empty piece.
    pub fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Frame>, Error>> {
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
        if self.held.is_none() {
            return Poll::Ready(Ok(None));
        }
        let frame = std::task::ready!(self.incoming.poll_frame(&self.origin, &self.meter, cx));
        match &frame {
            Ok(None) => self.finish(),
            Ok(Some(Frame::Data(_))) if self.incoming.is_end() => self.finish(),
            Ok(Some(_)) => {}
            Err(_) => self.abandon(),
        }
        Poll::Ready(frame)
    }

    /// The error of a body that has more bytes than may be held.
    pub fn too_large(&self, limit: u64) -> Error {
        let advice = "for a body of that size use client.stream() or client.download()";
        let origin = &self.origin;
        let message = format!("{origin}: the response is larger than maxResponseSize ({limit} bytes); {advice}");
        Error::new(ErrorKind::ResponseTooLarge, message)
    }

    /// What is left of the body is of no use: the connection is closed.
    fn undecodable(&mut self, cause: DecodeError) -> Error {
        self.abandon();
        Error::new(ErrorKind::DecodingError, format!("{}: {cause}", self.origin)).with_source(cause)
    }

    /// The end of the body: the connection goes back when a next request can begin on it.
    fn finish(&mut self) {
        if let Some(held) = self.held.take() {
            let writing = !held.upload.is_taken() || self.meter.is_write_blocked();
            held.upload.stop();
            match held.keep {
                Some(keep) if !writing => held.lease.release(keep.at_most),
                _ => drop(held.lease),
            }
        }
    }

    fn abandon(&mut self) {
        if let Some(held) = self.held.take() {
            held.upload.stop();
        }
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        self.abandon();
    }
}

/// `Keep-Alive: timeout=5` with a second to spare, so that the server never closes first.
fn keep_alive_timeout(headers: &HeaderMap) -> Option<Duration> {
    let line = headers.get("keep-alive")?.to_str().ok()?;
    let seconds = line.split(',').find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("timeout").then(|| value.trim().parse::<u64>().ok())?
    })?;
    Some(Duration::from_secs(seconds.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn keep_alive_has_a_second_to_spare() {
        let cases =
            [("timeout=5", Some(4)), ("max=100, timeout=2", Some(1)), ("Timeout = 0", Some(0)), ("max=1", None)];
        for (value, seconds) in cases {
            let mut headers = HeaderMap::new();
            headers.insert("keep-alive", HeaderValue::from_static(value));
            assert_eq!(keep_alive_timeout(&headers), seconds.map(Duration::from_secs), "{value}");
        }
    }
}
