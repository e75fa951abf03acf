//! HTTP/2 against a scripted peer: what a response is, what is sent again, and what a connection bears.

mod floods;
mod resend;
mod responses;
mod silence;
mod small_frames;
