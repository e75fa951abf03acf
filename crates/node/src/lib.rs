//! The stair between JavaScript and `whippet-core`: bytes and ids, no decision about HTTP.
//!
//! ```text
//! JavaScript thread            I/O thread (one per Node environment, started by the first request)
//! engine.send(id, …) ── queue ──▶ submit: head string → core::Request ─▶ Pool::send
//! onBatch(buffer, large) ◀─ one signal ── complete: records packed side by side
//! ```
//!
//! `engine` owns the thread and the queues, `submit` reads what comes down, `drive` runs one exchange, `complete` packs
//! what goes up, `profile` reads options, `error` names the kinds, `memory` is the allocator; `decoder` stands beside them, on
//! the JavaScript thread.

mod complete;
mod decoder;
mod drive;
mod engine;
mod error;
mod memory;
mod profile;
mod proxy;
mod submit;
