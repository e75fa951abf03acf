//! The frames of one connection as they cross its socket, on this side of h2: what h2 does not bound, does not tell, or
//! bounds for a connection's whole life.

mod heads;
mod hpack;
mod idle;
mod notes;
mod reader;
mod small;
mod trailers;

use super::{Http2, Shared};
use heads::HeadSections;
use idle::IdleAllowance;
use reader::{CONTINUATION, DATA, END_STREAM, Found, HEADERS, Head, PADDED, RST_STREAM, Reader, UNKNOWN};
#[cfg(feature = "fuzzing")]
pub use reader::{FoundFrame, find_frames};
pub(super) use small::MAX_OVERHEAD;
use small::SmallFrames;
use std::cell::Cell;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use trailers::TrailerSections;
pub(super) use trailers::{TrailersFlaw, has_outer_blank};

/// What is handled before other connections have their turn, together with what one more read brings.
const MAX_TURN_FRAMES: u32 = 200;
const MAX_TURN_BYTES: usize = 512 * 1024;
const MAX_TURN_TIME: Duration = Duration::from_micros(100);

/// A read of frames that are smaller than this on average is followed by one of no more than `SMALL_READ_BYTES`: h2 answers
/// each SETTINGS of nine bytes.
const SMALL_FRAME_BYTES: usize = 24;
const SMALL_READ_BYTES: usize = 2 * 1024;

/// Empty DATA frames that are kept from h2, which bears a hundred of them in a connection's life: so many at once, and
/// so many more for each frame with content.
const MAX_EMPTY_FRAMES: u32 = 1_000;
const EMPTY_FRAMES_PER_CONTENT: u32 = 10;

/// Half of h2's limit, for those that h2 has to see.
const MAX_EMPTY_FRAMES_FOR_H2: u32 = 50;

/// RFC 9113 section 5.1: frames of a stream that was reset just now are ignored. So many streams are remembered, for so
/// long; what comes for another is answered by a reset.
pub(super) const MAX_REMEMBERED_RESETS: usize = 10_000;
pub(super) const RESET_MEMORY: Duration = Duration::from_secs(5);

/// Resets by h2 itself that end the connection; at half of them it gets no more streams.
pub(super) const MAX_OWN_RESETS: u32 = 4_096;

/// What was seen of a connection's frames.
#[derive(Default)]
pub(super) struct FrameCounts {
    turn: Cell<Turn>,
    /// The last read brought hardly more than frames' heads.
    are_small: Cell<bool>,
    pub(super) idle: IdleAllowance,
    /// Empty DATA frames that may still be kept from h2.
    empty_left: Cell<u32>,
    empty_for_h2: Cell<u32>,
    pub(super) small: SmallFrames,
    own_resets: Cell<u32>,
    /// The last stream whose HEADERS have begun to go out.
    last_begun: Cell<u32>,
    pub(super) heads: HeadSections,
    pub(super) trailers: TrailerSections,
    /// A frame has begun that has not ended.
    is_frame_open: Cell<bool>,
}

#[derive(Clone, Copy, Default)]
struct Turn {
    /// `None` before the second read: most turns have one, and need no clock.
    began: Option<std::time::Instant>,
    reads: u32,
    frames: u32,
    bytes: usize,
}

impl FrameCounts {
    pub(super) fn new() -> FrameCounts {
        FrameCounts { empty_left: Cell::new(MAX_EMPTY_FRAMES), ..FrameCounts::default() }
    }

    /// The connection's task begins to work.
    pub(super) fn begin_turn(&self) {
        self.turn.set(Turn::default());
    }

    fn is_turn_over(&self) -> bool {
        let Turn { began, frames, bytes, .. } = self.turn.get();
        frames >= MAX_TURN_FRAMES
            || bytes >= MAX_TURN_BYTES
            || began.is_some_and(|began| began.elapsed() >= MAX_TURN_TIME)
    }

    fn read_some(&self, bytes: usize, frames: u32) {
        self.are_small.set(bytes < frames as usize * SMALL_FRAME_BYTES);
        let turn = self.turn.get();
        let began = turn.began.or_else(|| (turn.reads > 0).then(std::time::Instant::now));
        self.turn.set(Turn { began, reads: turn.reads + 1, bytes: turn.bytes + bytes, ..turn });
    }

    /// A limit of h2's is near that would fail everything under way.
    pub(super) fn is_worn(&self) -> bool {
        self.empty_for_h2.get() >= MAX_EMPTY_FRAMES_FOR_H2
            || self.small.are_many()
            || self.own_resets.get() >= MAX_OWN_RESETS / 2
    }

    /// The peer has begun what it has not ended, and nothing else can come before that.
    pub(super) fn is_midway(&self) -> bool {
        self.is_frame_open.get() || self.heads.is_open()
    }

    /// False when the frame had better not reach h2.
    fn arrived(&self, frame: &Head, is_idle: bool) -> bool {
        let turn = self.turn.get();
        self.turn.set(Turn { frames: turn.frames + 1, ..turn });
        if is_idle {
            self.idle.arrived(frame);
        }
        match frame.kind {
            DATA if frame.length == 0 && frame.flags & (END_STREAM | PADDED) == 0 => {
                let left = self.empty_left.get();
                self.empty_left.set(left.saturating_sub(1));
                return left == 0;
            }
            DATA | HEADERS => {
                if frame.kind == HEADERS {
                    self.heads.arrived(frame);
                    self.trailers.arrived(frame);
                } else if frame.flags & (END_STREAM | PADDED) == 0 {
                    self.small.arrived(frame.length);
                }
                self.empty_left.set((self.empty_left.get() + EMPTY_FRAMES_PER_CONTENT).min(MAX_EMPTY_FRAMES));
            }
            CONTINUATION => {
                self.heads.arrived(frame);
                self.trailers.arrived(frame);
            }
            _ => {}
        }
        true
    }

    /// The first bytes of a payload, as many as [`Head::is_worth_a_look`] is about.
    fn looked_into(&self, frame: &Head, payload: &[u8]) {
        match frame.kind {
            DATA => match payload.first().and_then(|padding| frame.length.checked_sub(usize::from(*padding) + 1)) {
                Some(0) => self.empty_for_h2.set(self.empty_for_h2.get() + 1),
                Some(bytes) => self.small.arrived(bytes),
                None => {}
            },
            HEADERS => {
                self.heads.looked_into(frame, payload);
                if frame.flags & END_STREAM != 0 {
                    self.trailers.looked_into(frame, payload);
                }
            }
            _ => {}
        }
    }

    /// The peer may have something of the stream's request.
    pub(super) fn has_begun(&self, stream: u32) -> bool {
        stream <= self.last_begun.get()
    }

    fn sends(&self, frame: &Head) {
        if frame.kind == HEADERS {
            self.last_begun.set(self.last_begun.get().max(frame.stream));
        }
    }

    fn sent(&self, frame: &Head, payload: &[u8]) {
        const NO_ERROR: [u8; 4] = [0, 0, 0, 0];
        const CANCEL: [u8; 4] = [0, 0, 0, 8];
        if frame.kind == RST_STREAM && payload != NO_ERROR && payload != CANCEL {
            self.note_own_reset();
        }
    }

    /// h2 has reset a stream. Where both sides had ended it, no frame tells; some are counted twice, which does no harm.
    pub(super) fn note_own_reset(&self) {
        self.own_resets.set(self.own_resets.get() + 1);
    }
}

/// A connection's socket, with its frames counted.
pub(super) struct MeteredFrames<S> {
    stream: S,
    shared: Rc<Shared>,
    incoming: Reader,
    outgoing: Reader,
}

impl<S> MeteredFrames<S> {
    /// Made before the client's preface is written.
    pub(super) fn new(stream: S, shared: Rc<Shared>) -> Self {
        MeteredFrames { stream, shared, incoming: Reader::default(), outgoing: Reader::after(Http2::PREFACE_LENGTH) }
    }

    fn wrote(&mut self, bytes: &[u8]) {
        let counts = &self.shared.frames;
        self.outgoing.read(bytes, |found| match found {
            Found::Frame(frame, _) => counts.sends(&frame),
            Found::Payload(frame, payload) => counts.sent(&frame, payload),
        });
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for MeteredFrames<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let counts = &this.shared.frames;
        if counts.is_turn_over() {
            // Goes on when the others have had their turn, sockets and timers included. Polled once, it asks for that.
            return pin!(tokio::task::yield_now()).poll(cx).map(Ok);
        }
        let before = buf.filled().len();
        if counts.are_small.get() {
            let most = buf.remaining().min(SMALL_READ_BYTES);
            let mut less = ReadBuf::new(buf.initialize_unfilled_to(most));
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut less))?;
            let read = less.filled().len();
            buf.advance(read);
        } else {
            ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        }
        let frames_before = counts.turn.get().frames;
        let is_idle = this.shared.streams.get() == 0;
        let mut hidden = Vec::new();
        this.incoming.read(&buf.filled()[before..], |found| match found {
            Found::Frame(frame, kind_at) => {
                if !counts.arrived(&frame, is_idle) {
                    hidden.extend(kind_at);
                }
            }
            Found::Payload(frame, payload) => counts.looked_into(&frame, payload),
        });
        for at in hidden {
            buf.filled_mut()[before + at] = UNKNOWN;
        }
        counts.is_frame_open.set(this.incoming.is_midway());
        counts.read_some(buf.filled().len() - before, counts.turn.get().frames - frames_before);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for MeteredFrames<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.stream).poll_write(cx, buf))?;
        this.wrote(&buf[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.stream).poll_write_vectored(cx, bufs))?;
        let mut left = written;
        for buf in bufs {
            let part = left.min(buf.len());
            this.wrote(&buf[..part]);
            left -= part;
        }
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::meter::MeteredSocket;
    use std::task::Waker;

    #[test]
    fn a_turn_ends_while_there_is_more_to_read() {
        tokio_test(async {
            let pings = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8].repeat(10_000);
            let shared = Rc::new(Shared::new(MeteredSocket::new()));
            let mut io = MeteredFrames::new(&pings[..], shared.clone());
            let mut turns = 0;
            loop {
                shared.frames.begin_turn();
                let mut read = 0;
                loop {
                    let mut bytes = [0; 1_024];
                    let mut buf = ReadBuf::new(&mut bytes);
                    match Pin::new(&mut io).poll_read(&mut Context::from_waker(Waker::noop()), &mut buf) {
                        Poll::Ready(Ok(())) if buf.filled().is_empty() => break,
                        Poll::Ready(read_some) => read_some.expect("a slice has no errors"),
                        Poll::Pending => break,
                    }
                    read += buf.filled().len();
                }
                if read == 0 {
                    break;
                }
                turns += 1;
                assert!(read <= (MAX_TURN_FRAMES as usize) * 17 + 1_024, "{read} bytes in a turn");
            }
            assert!(turns >= 10_000 / 2_100, "{turns} turns");
        });
    }

    /// On a clock that stands still.
    pub(super) fn tokio_test(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime without sockets").block_on(test);
    }
}
