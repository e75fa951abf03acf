//! What is noted of streams as their frames come, until their exchanges ask.

use std::cell::RefCell;
use std::collections::HashMap;

/// Streams that are remembered. Of those that were cancelled no exchange asks: when there are so many, all are forgotten.
const MAX_STREAMS: usize = 4_096;

pub(super) struct StreamNotes<T>(RefCell<HashMap<u32, T>>);

impl<T> StreamNotes<T> {
    /// In place of what was noted of the stream before.
    pub(super) fn note(&self, stream: u32, what: T) {
        let mut notes = self.0.borrow_mut();
        if notes.len() >= MAX_STREAMS {
            notes.clear();
        }
        notes.insert(stream, what);
    }

    /// Asked once.
    pub(super) fn take(&self, stream: u32) -> Option<T> {
        self.0.borrow_mut().remove(&stream)
    }
}

impl<T> Default for StreamNotes<T> {
    fn default() -> Self {
        StreamNotes(RefCell::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_note_is_given_once() {
        let notes = StreamNotes::default();
        notes.note(1, 'a');
        notes.note(1, 'b');
        assert_eq!((notes.take(3), notes.take(1), notes.take(1)), (None, Some('b'), None));
    }

    #[test]
    fn streams_that_no_exchange_asks_about_are_bounded() {
        let notes = StreamNotes::default();
        let last = u32::try_from(MAX_STREAMS).expect("a few thousand");
        (0..=last).for_each(|stream| notes.note(stream, ()));
        assert_eq!(notes.0.borrow().len(), 1);
        assert_eq!((notes.take(0), notes.take(last)), (None, Some(())));
    }
}
