//! What the targets have in common: inputs taken apart, and exchanges with a peer in memory.

mod exchange;
mod input;

pub use exchange::{Plan, Reading, exchange, on_runtime};
pub use input::Input;
