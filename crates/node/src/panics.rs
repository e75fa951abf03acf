//! A panic is a fault of ours, and no reason to end the program: it becomes an `InternalError` of the call that it was in. With the
//! feature `panic-points`, which is in no release, there are places that panic when they are told to (`npm run test:panics`).

/// What the caller is told.
pub(crate) const FAULT: &str =
    "a fault inside whippet ended the request (a panic, whose message is on stderr); please report it";

/// Panics when the environment says so: `WHIPPET_PANIC_AT=send`.
#[cfg(feature = "panic-points")]
pub(crate) fn point(name: &str) {
    if std::env::var("WHIPPET_PANIC_AT").is_ok_and(|at| at == name) {
        panic!("panic point {name}");
    }
}

#[cfg(not(feature = "panic-points"))]
#[inline(always)]
pub(crate) fn point(_name: &str) {}
