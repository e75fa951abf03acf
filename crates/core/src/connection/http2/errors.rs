//! h2's errors as ours, under the codes that Node's http2 module gives the same faults.

use super::frames::{MAX_OWN_RESETS, TrailersFlaw};
use crate::connection::meter::MeteredSocket;
use crate::connection::{broken_tls, cut_short};
use crate::error::{Error, ErrorKind};
use crate::origin::Origin;
use std::io;

pub(super) fn of_handshake(origin: &Origin, cause: h2::Error) -> Error {
    let message = format!("cannot set up HTTP/2 with {origin}: {cause}");
    Error::new(ErrorKind::ConnectError, message).with_source(cause)
}

/// No response came.
pub(super) fn of_head(origin: &Origin, cause: h2::Error, socket: &MeteredSocket) -> Error {
    match cause.get_io() {
        Some(error) if is_end(error) => {
            let what = format!("reading from {origin} failed: it closed the connection before it answered");
            Error::new(ErrorKind::ReadError, what).with_code("ECONNRESET").closed_by_peer().with_source(cause)
        }
        _ => of_any(origin, cause, socket),
    }
}

/// The body is not complete.
pub(super) fn of_body(
    origin: &Origin,
    cause: h2::Error,
    socket: &MeteredSocket,
    received: u64,
    declared: Option<u64>,
) -> Error {
    match cause.get_io() {
        Some(error) if is_end(error) => {
            let expected = declared.map_or("and no orderly end".to_owned(), |declared| format!("expected {declared}"));
            cut_short(origin, format_args!("received {received} bytes, {expected}")).with_source(cause)
        }
        _ => of_any(origin, cause, socket),
    }
}

/// RFC 9113 section 8.1.1: content where the status allows none makes a response malformed.
pub(super) fn of_content(origin: &Origin) -> Error {
    malformed(origin, "content with a status that has none")
}

/// RFC 9113 sections 8.2.1 and 8.3: what makes a response malformed to which h2 does not object.
pub(super) fn malformed(origin: &Origin, flaw: &str) -> Error {
    let what = format!("{origin} sent no valid HTTP/2 response ({flaw})");
    Error::new(ErrorKind::RemoteProtocolError, what).with_code(STREAM_ERROR)
}

/// RFC 9113 section 8.1: pseudo-headers among the trailers make a response malformed.
pub(super) fn of_trailers(origin: &Origin, flaw: TrailersFlaw) -> Error {
    let flaw = match flaw {
        TrailersFlaw::Pseudo => "a pseudo-header in the trailers",
        TrailersFlaw::Unclear => "trailers whose first frame has no name",
        TrailersFlaw::Blank => "a trailer that begins or ends with a blank",
        TrailersFlaw::TooLong => "trailers of more than 64 KiB, or 128 KiB unpacked",
    };
    malformed(origin, flaw)
}

fn of_any(origin: &Origin, cause: h2::Error, socket: &MeteredSocket) -> Error {
    if let Some(error) = cause.get_io() {
        if let Some(fault) = socket.tls_fault() {
            return broken_tls(origin, fault);
        }
        let error = io::Error::new(error.kind(), error.to_string());
        return Error::from_io(ErrorKind::ReadError, format_args!("reading from {origin} failed"), error);
    }
    let reason = cause.reason().map_or("no reason".to_owned(), name);
    let (code, what) = match (cause.is_reset(), cause.is_go_away(), cause.is_remote()) {
        (true, _, true) => (STREAM_ERROR, format!("{origin} reset the stream ({reason})")),
        (true, _, false) => (STREAM_ERROR, format!("{origin} sent no valid HTTP/2 response ({reason})")),
        (_, true, true) => {
            ("ERR_HTTP2_GOAWAY_SESSION", format!("{origin} is closing the connection (GOAWAY, {reason})"))
        }
        (_, true, false) if cause.to_string().contains(TOO_MANY_RESETS) => {
            let what = format!(
                "the HTTP/2 connection to {origin} was given up: {MAX_OWN_RESETS} of its streams were reset for errors, the most that this client bears"
            );
            ("ERR_HTTP2_SESSION_ERROR", what)
        }
        (_, true, false) if cause.to_string().contains(TOO_MANY_FRAMES) => {
            let what = format!(
                "the HTTP/2 connection to {origin} was given up: more small DATA frames that wait to be read, or empty ones, than this client bears"
            );
            ("ERR_HTTP2_SESSION_ERROR", what)
        }
        (_, true, false) => ("ERR_HTTP2_SESSION_ERROR", format!("{origin} broke the rules of HTTP/2 ({reason})")),
        _ => ("ERR_HTTP2_ERROR", format!("HTTP/2 with {origin} failed: {cause}")),
    };
    Error::new(ErrorKind::RemoteProtocolError, what).with_code(code).with_source(cause)
}

/// What h2 says when the socket ended without a word.
fn is_end(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof)
}

/// What h2 says when it gives up at a limit that it was given.
const TOO_MANY_RESETS: &str = "too_many_internal_resets";
const TOO_MANY_FRAMES: &str = "too_many_data_frames";

const STREAM_ERROR: &str = "ERR_HTTP2_STREAM_ERROR";

/// RFC 9113 section 7.
fn name(reason: h2::Reason) -> String {
    const NAMES: [&str; 14] = [
        "NO_ERROR",
        "PROTOCOL_ERROR",
        "INTERNAL_ERROR",
        "FLOW_CONTROL_ERROR",
        "SETTINGS_TIMEOUT",
        "STREAM_CLOSED",
        "FRAME_SIZE_ERROR",
        "REFUSED_STREAM",
        "CANCEL",
        "COMPRESSION_ERROR",
        "CONNECT_ERROR",
        "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY",
        "HTTP_1_1_REQUIRED",
    ];
    let code = u32::from(reason);
    NAMES.get(code as usize).map_or_else(|| format!("error code {code}"), |name| (*name).to_owned())
}
