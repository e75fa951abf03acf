//! One HTTP request in, one response out, over connections that this crate owns.
//!
//! ```text
//! Client::send ─▶ pool (acquire) ─▶ connect {resolve, tcp | local, hop} ─▶ tls ─▶ connection {http1 ─▶ hyper, http2 ─▶ h2}
//!                              ResponseBody ◀─ decode ◀─────────────────────────────┘
//! ```
//!
//! What it does *not* do, and where that lives instead:
//!
//! - redirects, cookies, auth, netrc, the environment, retries by policy: `src/` (TypeScript);
//! - anything of Node or JavaScript: `crates/node`;
//! - parsing URLs beyond an [`Origin`]: `src/url/`.
//!
//! Everything here runs on one thread, inside a tokio current-thread runtime with a `LocalSet`: nothing is `Send`
//! unless it says so, and there are no locks.

mod client;
mod connect;
mod connection;
mod connection_info;
mod decode;
mod encode;
mod error;
mod fields;
mod file;
mod frame;
mod head;
mod origin;
mod pool;
mod proxy;
mod request;
mod response;
mod timeout;
mod timings;
mod tls;
mod version;
mod wire;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;

pub use client::Client;
pub use connect::{
    AddressGuard, AddressOverrides, AddressSet, ConnectOverrides, Lookup, LookupError, LookupFuture, MAX_LOOKUP_THREADS,
};
pub use connection_info::{ConnectTimings, ConnectionInfo, Peer, TlsInfo};
pub use decode::{DecodeError, Decoder, MAX_STEP_BYTES, Step};
pub use encode::ZstdEncoder;
pub use error::{Error, ErrorKind, Refusal};
pub use fields::FieldLines;
pub use file::{Commit, Disk, FileSink, FileSource, HashAlgorithm, Written};
pub use head::Head;
pub use origin::{Origin, Scheme};
pub use pool::{PoolConfig, PoolStats};
pub use proxy::{Credentials, Proxy, ProxyOptions, ProxyScheme};
pub use request::body::{BodySender, RequestBody};
pub use request::{InformationalHandler, Request};
pub use response::read::Chunk;
pub use response::{Response, ResponseBody};
pub use timeout::Timeouts;
pub use timings::Timeline;
pub use tls::{ClientAuth, TlsOptions, Verify, take_warning};
pub use version::{Version, Versions};
