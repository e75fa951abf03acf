//! A response body over HTTP/1.1: hyper undoes the framing, this file says how a broken one broke.

use super::read_failure;
use crate::connection::meter::MeteredSocket;
use crate::connection::{cut_short, declared_length};
use crate::error::Error;
use crate::fields::FieldLines;
use crate::frame::Frame;
use crate::origin::Origin;
use crate::wire::Heads;
use hyper::body::{Body as _, Incoming};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

pub(crate) struct Body {
    incoming: Incoming,
    received: u64,
    declared: Option<u64>,
    chunked: bool,
    socket: Rc<MeteredSocket>,
    heads: Rc<Heads>,
    ended: bool,
}

impl Body {
    pub(super) fn new(incoming: Incoming, fields: &FieldLines, socket: Rc<MeteredSocket>, heads: Rc<Heads>) -> Body {
        let chunked = fields.has("transfer-encoding");
        // RFC 9112 section 6.3: the transfer coding overrides it.
        let declared = declared_length(fields).filter(|_| !chunked);
        Body { incoming, received: 0, declared, chunked, socket, heads, ended: false }
    }

    pub(crate) fn is_end(&self) -> bool {
        self.incoming.is_end_stream()
    }

    pub(crate) fn remaining(&self) -> Option<u64> {
        self.incoming.size_hint().exact()
    }

    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    pub(crate) fn poll_frame(&mut self, origin: &Origin, cx: &mut Context<'_>) -> Poll<Result<Option<Frame>, Error>> {
        if self.ended {
            return Poll::Ready(Ok(None));
        }
        let frame = match ready!(Pin::new(&mut self.incoming).poll_frame(cx)) {
            None => {
                self.ended = true;
                return Poll::Ready(Ok(self.heads.take_trailers().map(Frame::Trailers)));
            }
            Some(Ok(frame)) => frame,
            Some(Err(cause)) => {
                let cut = |cause| cut_short(origin, self.progress()).with_source(cause);
                return Poll::Ready(Err(read_failure(&self.socket, cause, origin, cut)));
            }
        };
        // hyper's are empty: see `wire`.
        let data = frame.into_data().unwrap_or_default();
        self.received += data.len() as u64;
        Poll::Ready(Ok(Some(Frame::Data(data))))
    }

    fn progress(&self) -> String {
        match self.declared {
            Some(declared) => format!("received {} bytes, expected {declared}", self.received),
            None if self.chunked => "incomplete chunked read".to_owned(),
            None => format!("received {} bytes, and no orderly end", self.received),
        }
    }
}
