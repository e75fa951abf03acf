//! The allocator, and when what is freed goes back to the system.
//!
//! mimalloc takes a fifth less CPU per small request than glibc's malloc (docs/architecture.md has the figures). It keeps
//! freed pages for 10 ms, because the next request wants them; but it looks at them only while it is used, so that the
//! memory of a burst would stay for as long as nothing happens. In quiet times freed pages go back at once.

use std::time::Duration;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Without a call for so long it is quiet. Shorter than the time after which idle connections fall asleep and free most
/// of what they hold (crates/core/src/pool.rs).
pub(crate) const QUIET_AFTER: Duration = Duration::from_millis(250);

/// `mi_option_purge_delay` of mimalloc 2, which the bindings leave out.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = libmimalloc_sys::mi_option_eager_commit_delay + 1;
const BUSY_MS: std::ffi::c_long = 10;

pub(crate) fn set_quiet(quiet: bool) {
    // SAFETY: stores a number that mimalloc reads atomically.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, if quiet { 0 } else { BUSY_MS }) };
}
