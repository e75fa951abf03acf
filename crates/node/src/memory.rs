//! The allocator, and when what is freed goes back to the system.
//!
//! mimalloc takes a fifth less CPU per small request than glibc's malloc (docs/decisions/allocator.md has the figures). It keeps
//! freed pages for 10 ms, because the next request wants them; but it looks at them only while it is used, so that the
//! memory of a burst would stay for as long as nothing happens. In quiet times each thread looks at its own.

use std::time::Duration;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Without a call for so long it is quiet. Shorter than the time after which idle connections fall asleep and free most
/// of what they hold (crates/core/src/pool.rs).
pub(crate) const QUIET_AFTER: Duration = Duration::from_millis(250);

/// Gives back what this thread has freed.
///
/// mimalloc's `purge_delay` would do it for all threads at once, but its options are plain numbers: to set one while other
/// threads read it is a data race.
pub(crate) fn give_back() {
    #[cfg(feature = "mimalloc")]
    // SAFETY: a thread may collect its own heap at any time; what is shared between heaps, mimalloc synchronises.
    unsafe {
        libmimalloc_sys::mi_collect(true);
    }
}
