//! The core against scripted peers on the loopback. One binary, so that it is linked once; a module is named after what
//! it is about. What a pool holds is read from its `Debug` line, never from its insides.

mod asleep;
mod body;
mod http1;
mod http2;
mod idle;
mod modules;
mod pool;
mod resend;
mod support;
mod timeouts;
mod tls;
