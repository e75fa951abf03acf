//! The head that a connection brought last. Most servers send the same bytes again while the clock shows the same second, and what
//! is read from the same bytes is the same.

use crate::head::Head;
use bytes::Bytes;
use std::cell::RefCell;

/// Longer heads are read anew each time.
const MAX_SEEN_BYTES: usize = 1024;

/// What was read from a head.
#[derive(Clone)]
pub(super) struct Parsed {
    pub(super) head: Head,
    /// The short form.
    pub(super) for_hyper: Bytes,
    /// Of the head, with the empty line that ends it.
    pub(super) length: usize,
}

/// One head, its bytes beside what was read from them.
#[derive(Default)]
pub(super) struct SeenHead(RefCell<Option<(Vec<u8>, Parsed)>>);

impl SeenHead {
    /// The head at the beginning of `bytes`, when it is the last one again.
    pub(super) fn again(&self, bytes: &[u8]) -> Option<Parsed> {
        let seen = self.0.borrow();
        let (_, parsed) = seen.as_ref().filter(|(seen, _)| bytes.starts_with(seen))?;
        Some(parsed.clone())
    }

    /// `bytes` begin with that head.
    pub(super) fn keep(&self, bytes: &[u8], parsed: &Parsed) {
        if parsed.length > MAX_SEEN_BYTES {
            return;
        }
        let mut seen = self.0.borrow_mut();
        let mut last = seen.take().map(|(bytes, _)| bytes).unwrap_or_default();
        last.clear();
        last.extend_from_slice(&bytes[..parsed.length]);
        *seen = Some((last, parsed.clone()));
    }

    pub(super) fn forget(&self) {
        self.0.take();
    }
}
