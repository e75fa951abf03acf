//! Peers that are scripts in memory, in the place of sockets: for `crates/core/fuzz`, by the feature `fuzzing`.

use super::Socket;
use bytes::Bytes;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What one connection's peer says.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// Each group waits until something was written since the one before; its pieces arrive one by one.
    pub groups: Vec<Vec<Bytes>>,
    /// What is after the last of them.
    pub ending: Ending,
}

/// How a script ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// An orderly end.
    #[default]
    Fin,
    /// ECONNRESET.
    Reset,
    /// Nothing more comes.
    Silence,
}

/// What was written to one connection.
pub type Written = Rc<RefCell<Vec<u8>>>;

thread_local! {
    /// `None`: connections lead to where they should.
    static SCRIPTS: RefCell<Option<VecDeque<Script>>> = const { RefCell::new(None) };
    static WRITTEN: RefCell<Vec<Written>> = RefCell::default();
    /// Neither end says anything: it stands for each connection where the kernel is asked about one.
    static SILENT: (UnixStream, UnixStream) = {
        let pair = UnixStream::pair().expect("the system has a pair of sockets left");
        pair.0.set_nonblocking(true).expect("an open socket");
        pair
    };
}

/// The next connections of this thread follow these, in this order; those after them are refused.
pub fn serve(scripts: impl IntoIterator<Item = Script>) {
    SCRIPTS.set(Some(scripts.into_iter().collect()));
    WRITTEN.with_borrow_mut(Vec::clear);
}

/// What was written to each connection since `serve`.
pub fn take_written() -> Vec<Written> {
    WRITTEN.take()
}

/// `None`: a socket is to be connected.
pub(super) fn connect() -> Option<io::Result<MemoryStream>> {
    let next = SCRIPTS.with_borrow_mut(|scripts| scripts.as_mut().map(VecDeque::pop_front))?;
    let Some(Script { groups, ending }) = next else { return Some(Err(io::ErrorKind::ConnectionRefused.into())) };
    let written = Written::default();
    WRITTEN.with_borrow_mut(|all| all.push(written.clone()));
    let groups = groups.into_iter().map(VecDeque::from).collect();
    Some(Ok(MemoryStream { groups, ending, may_speak: false, has_rested: false, reader: None, written }))
}

pub(crate) struct MemoryStream {
    groups: VecDeque<VecDeque<Bytes>>,
    ending: Ending,
    /// Something was written since the last group.
    may_speak: bool,
    /// The piece that comes next has been waited for.
    has_rested: bool,
    /// Waits for something to be written.
    reader: Option<Waker>,
    written: Written,
}

impl MemoryStream {
    pub(super) fn socket(&self) -> Socket {
        SILENT.with(|(socket, _)| Socket::of(socket))
    }
}

impl AsyncRead for MemoryStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // Others have their turn between two pieces.
        if !std::mem::replace(&mut this.has_rested, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Some(group) = this.groups.front_mut() else {
            return match this.ending {
                Ending::Fin => Poll::Ready(Ok(())),
                Ending::Reset => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
                Ending::Silence => Poll::Pending,
            };
        };
        if !this.may_speak {
            this.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if let Some(piece) = group.front_mut() {
            let length = piece.len().min(buf.remaining());
            buf.put_slice(&piece.split_to(length));
            if piece.is_empty() {
                group.pop_front();
            }
            this.has_rested = false;
        }
        if group.is_empty() {
            this.groups.pop_front();
            this.may_speak = false;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for MemoryStream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.may_speak = true;
        if let Some(reader) = this.reader.take() {
            reader.wake();
        }
        this.written.borrow_mut().extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
