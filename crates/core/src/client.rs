//! One exchange: a connection, the request on it, and, when the connection had died idle or refused it, once more on
//! another.

use crate::connection::{Answer, Connection, Resend, Unanswered};
use crate::error::Error;
use crate::pool::{Key, Lease, Pool};
use crate::proxy::Challenged;
use crate::request::Request;
use crate::request::body::RequestBody;
use crate::response::Response;
use crate::timeout::{Clock, Phase, Timeouts};
use http::StatusCode;

impl Pool {
    /// Sends `request` and resolves at the final response's head. Dropping the future cancels: a place in the queue is
    /// left, a connection is closed.
    pub async fn send(&self, mut request: Request, timeouts: Timeouts) -> Result<Response, Error> {
        let clock = Clock::start(timeouts);
        let upload = StopOnDrop(Some(request.body.clone()));
        let key = Key::new(&request.origin, request.proxy.as_ref());
        let (mut lost, mut refused) = (0, 0);
        let mut challenged = Challenged::default();
        loop {
            let mut lease = self.acquire(&key, &clock).await?;
            if lost + refused > 0 {
                // Where one connection had died, the others may have as well.
                lease.discard();
            }
            let Some(connection) = lease.connection(&clock).await? else { continue };
            if let (true, Connection::Http2(connection)) = (lost + refused > 0, &*connection) {
                let settled = async {
                    connection.settled().await;
                    Ok(())
                };
                clock.within(Phase::Pool, &request.origin, Box::pin(settled)).await?;
            }
            let Unanswered { error, resend } = match connection.send(&request, &clock).await {
                Ok(answer) if answer_challenge(&mut request, &answer, &mut challenged)? => continue,
                Ok(answer) => return Ok(Response::new(answer, lease, upload.keep(), clock, request.origin)),
                Err(unanswered) => unanswered,
            };
            let (times, most) = match resend {
                Resend::GoneAway => (&mut refused, MOST_FAREWELLS),
                Resend::Refused | Resend::RefusedForHttp1 => (&mut refused, 1),
                _ => (&mut lost, 1),
            };
            if *times >= most || !may_resend(&request, resend, &lease) {
                return Err(error);
            }
            *times += 1;
        }
    }
}

/// Sending once more, on another connection, is safe when the request cannot have been acted upon twice, and possible
/// when the body is still there.
fn may_resend(request: &Request, resend: Resend, lease: &Lease) -> bool {
    if !request.body.is_replayable() {
        return false;
    }
    match resend {
        Resend::Never => false,
        // The server closed a connection that was idle just as the request went out.
        Resend::Lost => lease.is_reused() && request.is_idempotent(),
        Resend::Unsent => lease.is_reused(),
        Resend::Refused | Resend::GoneAway => true,
        Resend::RefusedForHttp1 => lease.require_http1(),
    }
}

/// True: a proxy that forwards wants credentials that there are, and the request is to be sent once more, with them. (407 to
/// CONNECT is answered in `connect/tunnel.rs`.)
fn answer_challenge(request: &mut Request, answer: &Answer, challenged: &mut Challenged) -> Result<bool, Error> {
    let Some(proxy) = request.proxy.clone().filter(|proxy| proxy.options().forwards) else { return Ok(false) };
    if answer.head.status != StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        proxy.accepted(challenged);
        return Ok(false);
    }
    let Some(challenge) = proxy.challenged(&answer.head.headers, challenged) else { return Ok(false) };
    if !request.body.is_replayable() {
        return Ok(false);
    }
    *challenged = challenge;
    let uri = String::from_utf8_lossy(&request.target).into_owned();
    request.proxy_answer = proxy.answer(challenged, request.method.as_str(), &uri).transpose()?;
    Ok(true)
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

/// While a server is restarted, a new connection may reach one of its old processes, which says goodbye as well.
const MOST_FAREWELLS: u32 = 2;
