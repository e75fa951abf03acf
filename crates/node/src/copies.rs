//! Copies of request bodies, made on the JavaScript thread.
//!
//! JavaScript may take the memory under a buffer away at any moment (`transfer()`, `postMessage`, `resize()`, a WebAssembly
//! memory that grows), however firmly the buffer is held: what another thread reads is never JavaScript's memory.
//!
//! Copying is cheap, fresh memory is not, as the kernel clears it page by page. So the memory of large bodies is used again.

use bytes::Bytes;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Copies of one environment, and the memory of large ones that were sent.
#[derive(Default)]
pub(crate) struct Copies(Mutex<Vec<Vec<u8>>>);

/// Smaller ones are the allocator's business.
const MIN_KEPT_BYTES: usize = 64 * 1024;
/// Of these many bytes at most is the memory kept, until it is quiet.
const MAX_KEPT_BYTES: usize = 16 * 1024 * 1024;

impl Copies {
    pub(crate) fn make(self: &Arc<Self>, bytes: &[u8]) -> Bytes {
        if bytes.len() < MIN_KEPT_BYTES {
            return Bytes::copy_from_slice(bytes);
        }
        let mut memory = self.take(bytes.len()).unwrap_or_else(|| Vec::with_capacity(bytes.len()));
        memory.extend_from_slice(bytes);
        Bytes::from_owner(Copy { memory, copies: self.clone() })
    }

    /// The smallest that fits, if it is not much too large.
    fn take(&self, length: usize) -> Option<Vec<u8>> {
        let mut kept = self.lock();
        let fits = |memory: &&Vec<u8>| (length..=4 * length).contains(&memory.capacity());
        let (at, _) = kept.iter().enumerate().filter(|(_, memory)| fits(memory)).min_by_key(|(_, m)| m.capacity())?;
        Some(kept.swap_remove(at))
    }

    fn keep(&self, mut memory: Vec<u8>) {
        memory.clear();
        let mut kept = self.lock();
        kept.push(memory);
        let mut held: usize = kept.iter().map(Vec::capacity).sum();
        while held > MAX_KEPT_BYTES {
            held -= kept.remove(0).capacity();
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// It is quiet: what is kept goes back to the allocator.
    pub(crate) fn clear(&self) {
        let kept = std::mem::take(&mut *self.lock());
        drop(kept);
    }

    /// A panic cannot leave the list half changed.
    fn lock(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Copy {
    memory: Vec<u8>,
    copies: Arc<Copies>,
}

impl AsRef<[u8]> for Copy {
    fn as_ref(&self) -> &[u8] {
        &self.memory
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        self.copies.keep(std::mem::take(&mut self.memory));
    }
}
