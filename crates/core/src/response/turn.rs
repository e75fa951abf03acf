//! The turn of one body on the thread. What is always ready, a fast peer or a decoder, starves everything else and its
//! own timers: it has to give up its turn by itself.

use std::time::{Duration, Instant};

/// Others wait for so long at most, together with one step of a decoder.
const TURN_TIME: Duration = Duration::from_micros(200);

/// As above, where the clock is coarse.
const TURN_BYTES: usize = 1024 * 1024;

/// Since the body waited last.
#[derive(Default)]
pub(super) struct Turn {
    /// `None` before the second frame: most bodies have one, and need no clock.
    began: Option<Instant>,
    frames: usize,
    bytes: usize,
}

impl Turn {
    pub(super) fn count(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.frames += 1;
        if self.frames == 2 {
            self.began = Some(Instant::now());
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.bytes >= TURN_BYTES || self.began.is_some_and(|began| began.elapsed() >= TURN_TIME)
    }
}
