//! For `crates/core/fuzz`, by the feature `fuzzing`: peers in memory in the place of sockets, and what reads a peer's bytes by itself,
//! without a client, a pool and a runtime around it.

pub use crate::connect::memory::{Ending, Script, Written, serve, take_written};
pub use crate::connection::http2::{FoundFrame, find_frames};

use crate::connect::socks;
use crate::fields::FieldLines;
use crate::head::Head;
use crate::proxy::Proxy;
use crate::proxy::digest::Session;
use crate::request::head::Http1Head;
use crate::wire::Wire;
use http::HeaderMap;
use std::cell::Cell;
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a connection made of the bytes that answer a request of HTTP/1.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Http1Answer {
    /// Status and lines of each interim response.
    pub interim: Vec<(u16, Vec<u8>)>,
    /// Status, reason and lines of the final one.
    pub head: Option<(u16, Option<Vec<u8>>, Vec<u8>)>,
    /// What hyper reads: a short head, and the body with its framing.
    pub for_hyper: Vec<u8>,
    pub trailers: Option<Vec<u8>>,
    pub failure: Option<String>,
}

/// What is made of `bytes` that arrive by `piece` (0: all at once) and are read into a buffer of `room` bytes, up to their end; and what
/// of the same bytes again on the same connection, where that may be used again.
pub fn read_http1(bytes: &[u8], piece: usize, room: usize, is_head: bool) -> (Http1Answer, Option<Http1Answer>) {
    let left = Rc::new(Cell::new(bytes));
    let (mut wire, heads) = Wire::new(Pieces { left: left.clone(), piece, said: 0 });
    let mut read = || {
        let interim = Arc::new(Mutex::new(Vec::new()));
        let seen = interim.clone();
        let method = if is_head { "HEAD" } else { "GET" };
        let request = Http1Head { bytes: format!("{method} / HTTP/1.1\r\n\r\n").into(), framing: HeaderMap::new() };
        let on_informational = move |status: http::StatusCode, lines: &FieldLines| {
            seen.lock().expect("one thread").push((status.as_u16(), lines.as_bytes().to_vec()));
        };
        heads.begin(request, Some(Arc::new(on_informational)), None);
        let mut answer = Http1Answer::default();
        let mut buffer = [MaybeUninit::uninit(); 1024];
        let room = room.clamp(1, buffer.len());
        loop {
            let mut buf = ReadBuf::uninit(&mut buffer[..room]);
            match Pin::new(&mut wire).poll_read(&mut Context::from_waker(Waker::noop()), &mut buf) {
                Poll::Ready(Ok(())) if buf.filled().is_empty() => break,
                Poll::Ready(Ok(())) => answer.for_hyper.extend_from_slice(buf.filled()),
                Poll::Ready(Err(error)) => {
                    answer.failure = Some(error.to_string());
                    break;
                }
                Poll::Pending => unreachable!("the bytes are there"),
            }
        }
        let text = |lines: FieldLines| lines.as_bytes().to_vec();
        answer.interim = std::mem::take(&mut interim.lock().expect("one thread"));
        answer.head = heads
            .take_response()
            .map(|Head { status, reason, fields, .. }| (status, reason.map(Into::into), text(fields)));
        answer.trailers = heads.take_trailers().map(text);
        answer
    };
    let first = read();
    let may_go_on = first.failure.is_none() && first.head.is_some();
    left.set(bytes);
    let second = may_go_on.then(read);
    (first, second)
}

/// How a SOCKS handshake went.
#[derive(Debug, PartialEq, Eq)]
pub struct SocksOutcome {
    /// An error's message, and whether another address may be reachable.
    pub refused: Option<(String, bool)>,
    /// Bytes of the proxy's that were read, and how many were said.
    pub read: usize,
    pub said: usize,
}

/// Asks `proxy`, which answers with `bytes` that arrive by `piece` (0: all at once), for a tunnel to the address or else the name.
pub fn open_socks(bytes: &[u8], piece: usize, proxy: &Proxy, address: Option<SocketAddr>) -> SocksOutcome {
    let left = Rc::new(Cell::new(bytes));
    let mut stream = Pieces { left: left.clone(), piece, said: 0 };
    let target = address.map_or(socks::Target::Name("a.test", 80), socks::Target::Address);
    let refused = match pin!(socks::connect(&mut stream, proxy, target)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(())) => None,
        Poll::Ready(Err(socks::Refused { error, is_unreachable })) => {
            Some((error.message().to_owned(), is_unreachable))
        }
        Poll::Pending => unreachable!("the bytes are there"),
    };
    SocksOutcome { refused, read: bytes.len() - left.get().len(), said: stream.said }
}

/// The challenge that a proxy's header lines have, as text without its `stale`, and the answer to it, if there is one.
pub fn answer_digest(lines: &FieldLines) -> Option<(String, Option<Vec<u8>>)> {
    let mut session = Session::of(lines)?;
    let shown = format!("{session:?}").replace("is_stale: true", "is_stale: false");
    let answer = session.answer("u\"\\", "p", "CONNECT", "a.test:443").ok();
    Some((shown, answer.map(|value| value.as_bytes().to_vec())))
}

/// A peer that has said everything, and takes whatever it is told.
struct Pieces<'a> {
    left: Rc<Cell<&'a [u8]>>,
    piece: usize,
    said: usize,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let left = self.left.get();
        let piece = if self.piece == 0 { left.len() } else { self.piece };
        let (read, rest) = left.split_at(piece.min(buf.remaining()).min(left.len()));
        buf.put_slice(read);
        self.left.set(rest);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pieces<'_> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.said += buf.len();
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
