//! Bytes that are held until there are enough of them: of a whole body, or of the pieces that travel together.

use bytes::Bytes;
use std::collections::TryReserveError;

/// The smallest buffer.
const MIN_GROWTH_BYTES: usize = 16 * 1024;

/// Up to this many bytes a declared length is believed before any of them is there.
const MAX_TRUSTED_BYTES: usize = 1024 * 1024;

/// One piece is kept as it is; several are one buffer, so that ever so small ones cost no more than their bytes.
pub(super) struct Content {
    one: Bytes,
    many: Vec<u8>,
    bound: usize,
    /// Buffers are not smaller than this, or the bound.
    least: usize,
}

impl Content {
    /// There will be so many bytes.
    pub(super) fn of(length: u64) -> Content {
        Content { one: Bytes::new(), many: Vec::new(), bound: clamp_usize(length), least: MAX_TRUSTED_BYTES }
    }

    /// How many is not known.
    pub(super) fn at_most(limit: u64) -> Content {
        Content { least: MIN_GROWTH_BYTES, ..Content::of(limit) }
    }

    pub(super) fn len(&self) -> usize {
        self.one.len() + self.many.len()
    }

    /// A single piece of at least so many bytes.
    pub(super) fn is_one_of(&self, bytes: usize) -> bool {
        self.one.len() >= bytes
    }

    /// # Errors
    ///
    /// There is no memory for so many bytes.
    pub(super) fn push(&mut self, piece: Bytes) -> Result<(), TryReserveError> {
        if self.len() == 0 {
            self.one = piece;
            return Ok(());
        }
        let needed = self.len() + piece.len();
        if needed > self.many.capacity() {
            let capacity = self.capacity_for(needed);
            self.many.try_reserve_exact(capacity - self.many.len())?;
        }
        self.many.extend_from_slice(&std::mem::take(&mut self.one));
        self.many.extend_from_slice(&piece);
        Ok(())
    }

    pub(super) fn into_bytes(mut self) -> Bytes {
        if self.many.is_empty() {
            return self.one;
        }
        if self.many.len() < self.many.capacity() / 2 {
            self.many.shrink_to_fit();
        }
        self.many.into()
    }

    /// The bound, a quarter of it, a quarter of that, and so on: while one buffer is copied into the next, both together
    /// hold no more than half of the bound, and the last one is never copied. Memory that is not written to costs
    /// nothing.
    fn capacity_for(&self, needed: usize) -> usize {
        let mut capacity = self.bound.max(needed);
        while capacity > self.least && capacity / 4 >= needed {
            capacity /= 4;
        }
        capacity
    }
}

fn clamp_usize(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_hold_no_more_than_the_bound_together() {
        const MIB: usize = 1024 * 1024;
        for (mut content, bound) in [
            (Content::of(100 * MIB as u64), 100 * MIB),
            (Content::at_most(100 * MIB as u64), 100 * MIB),
            (Content::at_most(1000), 1000),
            (Content::of(1), 1),
        ] {
            let piece = Bytes::from(vec![7; bound.div_ceil(100)]);
            let mut buffers = vec![];
            while content.len() < bound {
                content.push(piece.slice(..piece.len().min(bound - content.len()))).expect("there is memory");
                let capacity = content.many.capacity();
                if buffers.last() != Some(&capacity) {
                    buffers.push(capacity);
                }
            }
            assert!(buffers.windows(2).all(|pair| pair[0] * 2 <= bound), "{buffers:?}");
            assert!(buffers.iter().all(|capacity| *capacity <= bound), "{buffers:?}");
            let bytes = content.into_bytes();
            assert!(bytes.len() == bound && bytes.iter().all(|byte| *byte == 7));
        }
    }

    #[test]
    fn a_declared_length_reserves_little_before_it_is_seen() {
        let mut content = Content::of(1 << 40);
        content.push(Bytes::from_static(b"a")).expect("there is memory");
        content.push(Bytes::from_static(b"b")).expect("there is memory");
        assert!(content.many.capacity() <= MAX_TRUSTED_BYTES);
        assert_eq!(content.into_bytes(), "ab");
    }

    #[test]
    fn one_piece_is_not_copied() {
        let piece = Bytes::from_static(b"whole");
        let mut content = Content::of(5);
        content.push(piece.clone()).expect("there is memory");
        assert_eq!(content.into_bytes().as_ptr(), piece.as_ptr());
    }
}
