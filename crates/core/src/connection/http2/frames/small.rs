//! DATA frames of a few bytes that are there and have not been read. h2 reckons with 256 bytes of memory for each, whatever windows
//! allow, and ends the connection with all that is under way when they come to more than it was given. The same is reckoned here, so
//! that a connection gets no more streams before that.

use std::cell::Cell;

/// Frames with less content are small; what one takes is the difference.
const SMALL_BYTES: usize = 256;

/// What h2 is given, however many streams there are: some 31,000 frames of a byte, which are 12 MiB of memory, as in truth each takes it
/// 400 bytes. By itself it would take half of the connection's window, and end a connection for one body of 640 KB, in frames of 60
/// bytes, that waits for its reader.
pub(in crate::connection::http2) const MAX_OVERHEAD: usize = 8_000_000;

/// As h2 counts them. What a body held as it was dropped is not known here: that is too much then, until there are larger frames.
#[derive(Default)]
pub(in crate::connection::http2) struct SmallFrames {
    overhead: Cell<usize>,
}

impl SmallFrames {
    /// DATA with so much content, which does not end its stream.
    pub(super) fn arrived(&self, bytes: usize) {
        let overhead = self.overhead.get();
        self.overhead.set(match bytes {
            0 => overhead,
            1..SMALL_BYTES => overhead + SMALL_BYTES - bytes,
            _ => overhead.saturating_sub(bytes - SMALL_BYTES),
        });
    }

    /// A body has taken so much from h2. Whether that ended the stream is asked only if it makes a difference.
    pub(in crate::connection::http2) fn taken(&self, bytes: usize, has_ended: impl FnOnce() -> bool) {
        let overhead = self.overhead.get();
        if overhead > 0 && (1..SMALL_BYTES).contains(&bytes) && !has_ended() {
            self.overhead.set(overhead.saturating_sub(SMALL_BYTES - bytes));
        }
    }

    pub(super) fn are_many(&self) -> bool {
        self.overhead.get() >= MAX_OVERHEAD / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_frames_count_until_they_are_read() {
        let small = SmallFrames::default();
        let many = MAX_OVERHEAD / 2 / 255 + 1;
        (0..many).for_each(|_| small.arrived(1));
        assert!(small.are_many());
        small.taken(1, || true);
        assert!(small.are_many());
        small.taken(1, || false);
        small.taken(0, || false);
        small.taken(256, || false);
        assert_eq!(small.overhead.get(), (many - 1) * 255);
        small.arrived(0);
        small.arrived(255);
        small.arrived(256);
        assert_eq!(small.overhead.get(), (many - 1) * 255 + 1);
        small.arrived(16_384);
        assert_eq!(small.overhead.get(), (many - 1) * 255 + 1 + 256 - 16_384);
        small.arrived(1 << 24);
        small.arrived(1 << 24);
        assert_eq!(small.overhead.get(), 0);
        small.taken(1, || unreachable!("nothing is counted"));
    }
}
