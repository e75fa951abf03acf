//! Files that bodies are written to and read from. Reading and writing block, so they run on tokio's blocking threads, a few
//! at a time: a slow disk holds up its own transfers, and neither the I/O thread nor the resolver.

mod lock;
mod sink;
mod source;

pub use sink::{Commit, FileSink, HashAlgorithm, Written};
pub use source::FileSource;

use crate::error::{Error, ErrorKind};
use std::fmt::Display;
use std::io;
use std::path::Path;
use std::rc::Rc;
use tokio::sync::Semaphore;

/// Blocking work on files, of which only so much runs at once. Clones share the bound.
#[derive(Clone)]
pub struct Disk(Rc<Semaphore>);

impl Disk {
    /// At most `threads` of the runtime's blocking threads are used at once.
    pub fn new(threads: usize) -> Disk {
        Disk(Rc::new(Semaphore::new(threads)))
    }

    /// Runs `work` where it may block.
    ///
    /// # Errors
    ///
    /// `None` when `work` panicked, or the runtime is ending.
    ///
    /// # Cancel safety
    ///
    /// Work that has begun is finished all the same; its result is dropped, on the thread that made it.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        // Never closed.
        let permit = self.0.acquire().await.ok()?;
        let done = tokio::task::spawn_blocking(work).await;
        drop(permit);
        done.ok()
    }
}

/// `what` and the path, and the system's own words and code.
fn error_of(what: impl Display, path: &Path, cause: io::Error) -> Error {
    Error::from_io(ErrorKind::FileError, format!("{what} {path:?}"), cause)
}
