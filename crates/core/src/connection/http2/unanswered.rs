//! An exchange that got no response: its error, and whether its request may be sent again.

use super::Http2;
use super::errors;
use super::head::HeadError;
use super::upload::Upload;
use crate::connection::{Resend, SendError};
use crate::error::{Error, ErrorKind};
use crate::request::Request;
use h2::Reason;

impl Http2 {
    /// `heard`: an informational response has come.
    pub(super) fn unanswered(
        &self,
        request: &Request,
        stream: u32,
        cause: HeadError,
        upload: Option<Upload>,
        heard: bool,
    ) -> SendError {
        let malformed =
            |message: String| SendError::new(Error::new(ErrorKind::RemoteProtocolError, message), Resend::Never);
        let cause = match cause {
            HeadError::H2(cause) => cause,
            HeadError::TooLong(why) => {
                // More of the same is on its way, before all other answers.
                self.shared.retired.set(true);
                return malformed(format!("{} sent {why}", request.origin));
            }
            HeadError::Switched => {
                return malformed(format!("{} switched protocols, which HTTP/2 does not have (101)", request.origin));
            }
        };
        if let Some(error) = upload.and_then(|upload| upload.failure(&request.origin)) {
            return SendError::new(error, Resend::Never);
        }
        if cause.is_reset() && !cause.is_remote() {
            self.shared.frames.note_own_reset();
        }
        let resend = match cause.reason() {
            // "Calm down" is not followed by the same again.
            Some(Reason::ENHANCE_YOUR_CALM) => Resend::Never,
            Some(Reason::HTTP_1_1_REQUIRED) if cause.is_remote() => Resend::RefusedForHttp1,
            Some(Reason::REFUSED_STREAM) if cause.is_remote() => Resend::Refused,
            // A GOAWAY's error reaches only the streams that it names as not processed; the others end with the socket.
            _ if cause.is_remote() && cause.is_go_away() => Resend::GoneAway,
            _ if cause.is_io() && !self.shared.frames.has_begun(stream) => Resend::Unsent,
            _ if cause.is_io() && !heard => Resend::Lost,
            _ => Resend::Never,
        };
        if matches!(resend, Resend::Refused | Resend::GoneAway | Resend::RefusedForHttp1) {
            self.shared.retired.set(true);
        }
        if resend == Resend::GoneAway {
            self.shared.note_gone_away();
        }
        // What the peer has begun to answer it has processed, whatever it says afterwards.
        let resend = if heard && !request.is_idempotent() { Resend::Never } else { resend };
        SendError::new(errors::of_head(&request.origin, cause, &self.shared.socket), resend)
    }
}
