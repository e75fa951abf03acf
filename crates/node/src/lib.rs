//! The binding between JavaScript and `whippet-core`: bytes and ids, no decision about HTTP.
//!
//! ```text
//! JavaScript thread            I/O thread (one per Node environment, started by the first request)
//! engine.send(id, …) ── queue ──▶ command: head string → core::Request ─▶ Client::send
//! onBatch(buffer, large) ◀─ one signal ── record: records packed side by side
//! ```
//!
//! `engine` is what JavaScript calls, `command` what goes down from there, with a `head`, `io_thread` carries it out, `exchange` runs
//! one exchange, `outbox` is the way up and `record` what goes there, laid out by `pack`; `options` reads options, `copies` has the
//! bytes of request bodies, `error` names the kinds, `lookup` asks JavaScript for names, `files` reads and writes files, `memory` is
//! the allocator; `decoder` stands beside them, on the JavaScript thread.

mod command;
mod copies;
mod decoder;
mod engine;
mod error;
mod exchange;
mod files;
mod head;
mod io_thread;
mod lookup;
mod memory;
mod options;
mod outbox;
mod pack;
mod panics;
mod proxy;
mod record;
mod timings;

use napi_derive::napi;

/// The package's version, which the loader compares with its own.
#[napi]
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
