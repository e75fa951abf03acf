//! A response body over HTTP/2, and the upload that may still go on beside it.

use super::frames::TrailersFlaw;
use super::upload::Upload;
use super::{Shared, errors};
use crate::connection::declared_length;
use crate::error::Error;
use crate::frame::Frame;
use crate::head::Head;
use crate::origin::Origin;
use crate::timeout::progress::Progress;
use h2::{Reason, RecvStream};
use http::Method;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Dropping it before the end resets the stream.
pub(crate) struct Body {
    stream: RecvStream,
    progress: Rc<Progress>,
    connection: Rc<Shared>,
    /// The silence that is borne, should it be given up.
    longest_silence: Duration,
    /// Ends with the body: a response that is complete wants no more of the request.
    _upload: Option<Upload>,
    received: u64,
    declared: Option<u64>,
    /// RFC 9110 sections 15.3.5 and 15.4.5: a response with this status has no content.
    has_no_content: bool,
    data_ended: bool,
    ended: bool,
}

impl Body {
    pub(super) fn new(
        stream: RecvStream,
        method: &Method,
        head: &Head,
        upload: Option<Upload>,
        progress: Rc<Progress>,
        connection: Rc<Shared>,
        longest_silence: Duration,
    ) -> Body {
        let ended = stream.is_end_stream();
        if ended {
            connection.frames.trailers.take_flaw(stream.stream_id().as_u32());
        }
        // The length of what GET would have got (RFC 9110 section 8.6).
        let has_no_content = matches!(head.status, 204 | 304);
        let declared = declared_length(&head.fields).filter(|_| *method != Method::HEAD && !has_no_content);
        Body {
            stream,
            progress,
            connection,
            longest_silence,
            _upload: upload,
            received: 0,
            declared,
            has_no_content,
            data_ended: ended,
            ended,
        }
    }

    pub(crate) fn is_end(&self) -> bool {
        self.ended || self.stream.is_end_stream()
    }

    pub(crate) fn remaining(&self) -> Option<u64> {
        match self.is_end() {
            true => Some(0),
            false => self.declared.map(|declared| declared.saturating_sub(self.received)),
        }
    }

    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    pub(crate) fn poll_frame(&mut self, origin: &Origin, cx: &mut Context<'_>) -> Poll<Result<Option<Frame>, Error>> {
        if !self.data_ended {
            match ready!(self.stream.poll_data(cx)) {
                Some(Ok(data)) if self.has_no_content && !data.is_empty() => {
                    return Poll::Ready(Err(errors::of_content(origin)));
                }
                Some(Ok(data)) => {
                    self.received += data.len() as u64;
                    self.progress.add_received(data.len() as u64);
                    self.connection.frames.small.taken(data.len(), || self.stream.is_end_stream());
                    // The window opens by as much again. This fails only when the stream has ended and needs no window.
                    let _ = self.stream.flow_control().release_capacity(data.len());
                    return Poll::Ready(Ok(Some(Frame::Data(data))));
                }
                Some(Err(cause)) => return Poll::Ready(self.failed(origin, cause)),
                None => self.data_ended = true,
            }
        }
        if self.ended {
            return Poll::Ready(Ok(None));
        }
        let trailers = ready!(self.stream.poll_trailers(cx));
        self.ended = true;
        let flaw = self.connection.frames.trailers.take_flaw(self.stream.stream_id().as_u32());
        Poll::Ready(match trailers {
            Ok(Some(trailers)) => match flaw.or_else(|| TrailersFlaw::of(&trailers)) {
                Some(flaw) => Err(errors::of_trailers(origin, flaw)),
                None => Ok(Some(Frame::Trailers((&trailers).into()))),
            },
            Ok(None) => Ok(None),
            Err(cause) => self.failed(origin, cause),
        })
    }

    /// RFC 9113 section 8.1: a response is complete with END_STREAM. A peer that wants no more of the request resets the
    /// stream with NO_ERROR after that, which h2 keeps to itself; in its place, only a known length shows that all is
    /// there.
    fn failed(&mut self, origin: &Origin, cause: h2::Error) -> Result<Option<Frame>, Error> {
        if cause.is_reset() && !cause.is_remote() {
            self.connection.frames.note_own_reset();
        }
        // h2 misses the content that Content-Length tells of, which is that of another response (RFC 9110 section 8.6).
        let misses_content = self.has_no_content && cause.is_reset() && !cause.is_remote();
        let complete = self.declared.is_some_and(|declared| declared == self.received);
        let ends = cause.is_remote() && cause.is_reset() && cause.reason() == Some(Reason::NO_ERROR) && complete;
        if ends || misses_content {
            (self.data_ended, self.ended) = (true, true);
            return Ok(None);
        }
        Err(errors::of_body(origin, cause, &self.connection.socket, self.received, self.declared))
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if !self.is_end() {
            self.connection.given_up(self.progress.last_received(), self.longest_silence);
        }
    }
}
