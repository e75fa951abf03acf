//! The wait for a response's head, past the informational responses before it. What follows from its failure, and
//! whether the request is sent again, is decided in the parent module.

use super::upload::Upload;
use crate::connection::meter::HeadTooLong;
use crate::request::Request;
use crate::timeout::progress::Progress;
use crate::wire::Expectation;
use h2::client::ResponseFuture;
use http::{HeaderMap, Response, StatusCode};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// The final response's head; tells of the informational ones before it.
pub(super) struct AwaitedHead<'a> {
    pub(super) response: ResponseFuture,
    pub(super) upload: Option<&'a Upload>,
    pub(super) progress: Rc<Progress>,
    pub(super) request: &'a Request,
    /// The body waits for it.
    pub(super) expectation: Option<Rc<Expectation>>,
    /// Bytes that may still come before it.
    pub(super) left: u64,
}

impl Future for AwaitedHead<'_> {
    type Output = Result<Response<h2::RecvStream>, HeadError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        while let Poll::Ready(Some(interim)) = self.response.poll_informational(cx) {
            let interim = interim.map_err(HeadError::H2)?;
            let length = length_of(interim.headers());
            self.progress.add_received(length);
            self.left = match self.left.checked_sub(length) {
                Some(left) => left,
                None => return Poll::Ready(Err(HeadError::TooLong(HeadTooLong))),
            };
            if let (Some(expectation), StatusCode::CONTINUE) = (&self.expectation, interim.status()) {
                expectation.open();
            }
            if interim.status() == StatusCode::SWITCHING_PROTOCOLS {
                return Poll::Ready(Err(HeadError::Switched));
            }
            if let Some(handler) = &self.request.on_informational {
                handler(interim.status(), &interim.headers().into());
            }
        }
        if let Some(upload) = self.upload {
            upload.wakes(cx);
        }
        let response = std::task::ready!(Pin::new(&mut self.response).poll(cx)).map_err(HeadError::H2)?;
        if let Some(expectation) = &self.expectation {
            expectation.answered();
        }
        self.progress.add_received(length_of(response.headers()));
        Poll::Ready(Ok(response))
    }
}

/// Why there is no head.
pub(super) enum HeadError {
    H2(h2::Error),
    /// Informational responses without end.
    TooLong(HeadTooLong),
    /// RFC 9113 section 8.6: HTTP/2 has no 101.
    Switched,
}

/// RFC 9113 section 6.5.2, with the status line's place for good measure.
fn length_of(headers: &HeaderMap) -> u64 {
    headers.iter().map(|(name, value)| (name.as_str().len() + value.len() + 32) as u64).sum::<u64>() + 42
}
