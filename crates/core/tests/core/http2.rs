//! HTTP/2 against a scripted peer: what a response is, and what is sent again.

mod resend;
mod responses;
