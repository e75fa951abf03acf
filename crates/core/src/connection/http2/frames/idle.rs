//! What a connection may bring while no stream is open.

use super::reader::{CONTINUATION, DATA, HEADERS, Head, RST_STREAM};
use std::cell::Cell;
use std::time::Duration;
use tokio::time::Instant;

/// Frames other than a stream's own: so many at once, and one more each `FRAME_INTERVAL`.
const MAX_FRAMES: u32 = 100;
const FRAME_INTERVAL: Duration = Duration::from_millis(100);

/// Bytes of cancelled streams that may still come: as much as was on its way when the peer was told, and more. A frame counts
/// as at least `MIN_FRAME_BYTES`.
const MAX_BYTES: usize = 64 * 1024 * 1024;
const MIN_FRAME_BYTES: usize = 1024;

/// What was used of it.
#[derive(Default)]
pub(in crate::connection::http2) struct IdleAllowance {
    left: Cell<Option<Left>>,
    is_exceeded: Cell<bool>,
}

#[derive(Clone, Copy)]
struct Left {
    frames: u32,
    since: Instant,
    bytes: usize,
}

impl IdleAllowance {
    /// A stream was opened.
    pub(in crate::connection::http2) fn stream_opened(&self) {
        if let Some(left) = self.left.get() {
            self.left.set(Some(Left { bytes: MAX_BYTES, ..left }));
        }
    }

    /// The connection speaks without end.
    pub(in crate::connection::http2) fn is_exceeded(&self) -> bool {
        self.is_exceeded.get()
    }

    /// A frame, while no stream is open.
    pub(super) fn arrived(&self, frame: &Head) {
        let now = Instant::now();
        let full = Left { frames: MAX_FRAMES, since: now, bytes: MAX_BYTES };
        let mut left = self.left.get().unwrap_or(full);
        let earned = (now - left.since).as_millis() / FRAME_INTERVAL.as_millis();
        if earned > 0 {
            let earned = u32::try_from(earned).unwrap_or(u32::MAX);
            left.frames = left.frames.saturating_add(earned).min(MAX_FRAMES);
            left.since = now;
        }
        let is_within = match frame.kind {
            DATA | HEADERS | CONTINUATION | RST_STREAM => {
                let bytes = left.bytes.checked_sub(frame.length.max(MIN_FRAME_BYTES));
                bytes.map(|bytes| left.bytes = bytes)
            }
            _ => left.frames.checked_sub(1).map(|frames| left.frames = frames),
        };
        self.left.set(Some(left));
        if is_within.is_none() {
            self.is_exceeded.set(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::http2::frames::tests::tokio_test;

    #[test]
    fn an_idle_connection_may_say_a_little_all_the_time() {
        let (idle, ping) = (IdleAllowance::default(), Head { length: 8, kind: 6, flags: 0, stream: 0 });
        tokio_test(async {
            for _ in 0..1_000 {
                tokio::time::advance(Duration::from_secs(1)).await;
                (0..5).for_each(|_| idle.arrived(&ping));
            }
            assert!(!idle.is_exceeded());
            (0..=MAX_FRAMES).for_each(|_| idle.arrived(&ping));
            assert!(idle.is_exceeded());
        });
    }

    #[test]
    fn what_is_cancelled_may_still_come_but_not_without_end() {
        let (idle, data) = (IdleAllowance::default(), Head { length: 16_384, kind: DATA, flags: 0, stream: 1 });
        tokio_test(async {
            let most = MAX_BYTES / 16_384;
            (0..most).for_each(|_| idle.arrived(&data));
            assert!(!idle.is_exceeded());
            idle.stream_opened();
            (0..most).for_each(|_| idle.arrived(&data));
            assert!(!idle.is_exceeded());
            idle.arrived(&data);
            assert!(idle.is_exceeded());
        });
    }
}
