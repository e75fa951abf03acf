//! One exchange: a connection, the request on it, and, when the connection had died idle, once more on another.

use crate::body::RequestBody;
use crate::error::Error;
use crate::http1::Unanswered;
use crate::pool::Pool;
use crate::request::Request;
use crate::response::Response;
use crate::timeout::{Clock, Timeouts};

impl Pool {
    /// Sends `request` and resolves at the final response's head. Dropping the future cancels: a place in the queue is
    /// left, a connection is closed.
    pub async fn send(&self, request: Request, timeouts: Timeouts) -> Result<Response, Error> {
        let clock = Clock::start(timeouts);
        let upload = StopOnDrop(Some(request.body.clone()));
        let mut resent = false;
        loop {
            let mut lease = self.acquire(&request.origin, &clock).await?;
            if resent {
                // Where one connection had died, the others may have as well.
                lease.discard();
            }
            let connection = lease.connection(&clock).await?;
            match connection.send(&request, &clock).await {
                Ok(response) => {
                    let meter = connection.meter().clone();
                    return Ok(Response::new(response, meter, lease, upload.keep(), clock, request.origin));
                }
                Err(unanswered) if lease.is_reused() && !resent && may_resend(&request, &unanswered) => resent = true,
                Err(unanswered) => return Err(unanswered.error),
            }
        }
    }
}

/// The server closed a connection that was idle just as the request went out. Sending it again is safe when it cannot
/// have been acted upon twice: nothing was written, or the method is idempotent (RFC 9110 section 9.2.2) and no byte
/// came back; and when the body is still there.
fn may_resend(request: &Request, unanswered: &Unanswered) -> bool {
    unanswered.unheard
        && unanswered.error.is_disconnect()
        && request.body.is_replayable()
        && (unanswered.unsent || request.is_idempotent())
}

/// However the exchange ends, the producer of a streamed body is told.
struct StopOnDrop(Option<RequestBody>);

impl StopOnDrop {
    fn keep(mut self) -> RequestBody {
        self.0.take().unwrap_or(RequestBody::Empty)
    }
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        if let Some(body) = self.0.take() {
            body.stop();
        }
    }
}
