//! Which requests that got no response are sent once more, on another connection: those that cannot have been acted upon twice,
//! and whose body is still there.

use crate::connection::Resend;
use crate::request::Request;

/// The attempts of one request that have failed.
#[derive(Default)]
pub(super) struct Resends {
    lost: u32,
    refused: u32,
}

impl Resends {
    pub(super) fn any(&self) -> bool {
        self.lost + self.refused > 0
    }

    /// Counts an attempt that failed as `resend` says; true: the request is to be sent once more. `reused`: the connection had
    /// served another request before. `http1`: HTTP/1.1 is allowed.
    pub(super) fn again(&mut self, request: &Request, resend: Resend, reused: bool, http1: bool) -> bool {
        let (times, most) = match resend {
            Resend::GoneAway => (&mut self.refused, MAX_GOAWAY_RETRIES),
            Resend::Refused | Resend::RefusedForHttp1 => (&mut self.refused, 1),
            Resend::Lost | Resend::Unsent | Resend::Never => (&mut self.lost, 1),
        };
        let again = *times < most && request.body.is_replayable() && is_safe(request, resend, reused, http1);
        *times += u32::from(again);
        again
    }
}

fn is_safe(request: &Request, resend: Resend, reused: bool, http1: bool) -> bool {
    match resend {
        Resend::Never => false,
        // The server closed a connection that was idle just as the request went out.
        Resend::Lost => reused && request.is_idempotent(),
        Resend::Unsent => reused,
        Resend::Refused | Resend::GoneAway => true,
        Resend::RefusedForHttp1 => http1,
    }
}

/// While a server is restarted, a new connection may reach one of its old processes, which sends GOAWAY as well.
const MAX_GOAWAY_RETRIES: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::Origin;
    use crate::request::body::{BodySender, RequestBody};
    use bytes::Bytes;
    use http::Method;
    use http_body::Body as _;
    use std::pin::Pin;
    use std::task::{Context, Waker};

    fn request(method: Method, body: RequestBody) -> Request {
        Request {
            method,
            origin: Origin::parse("http://example.org").expect("an origin"),
            target: Bytes::from_static(b"/"),
            fields: Default::default(),
            body,
            on_informational: None,
            proxy: None,
            proxy_answer: None,
        }
    }

    /// A streamed body, of which something was taken already or not.
    fn stream(taken: bool) -> (BodySender, RequestBody) {
        let (sender, mut body) = RequestBody::channel(None, |_| ());
        sender.push(Bytes::from_static(b"x"));
        if taken {
            let mut cx = Context::from_waker(Waker::noop());
            assert!(Pin::new(&mut body).poll_frame(&mut cx).is_ready());
        }
        (sender, body)
    }

    #[test]
    fn what_is_sent_once_more() {
        use Resend::{GoneAway, Lost, Never, Refused, RefusedForHttp1, Unsent};
        // resend, idempotent, reused, HTTP/1.1 allowed, again
        let cases = [
            (Never, true, true, true, false),
            (Lost, true, true, true, true),
            (Lost, true, false, true, false),
            (Lost, false, true, true, false),
            (Unsent, false, true, true, true),
            (Unsent, true, false, true, false),
            (Refused, false, false, true, true),
            (GoneAway, false, false, true, true),
            (RefusedForHttp1, false, false, true, true),
            (RefusedForHttp1, false, false, false, false),
        ];
        for (resend, idempotent, reused, http1, again) in cases {
            let request = request(if idempotent { Method::GET } else { Method::POST }, RequestBody::Bytes("b".into()));
            let found = Resends::default().again(&request, resend, reused, http1);
            assert_eq!(found, again, "{resend:?}, idempotent {idempotent}, reused {reused}, HTTP/1.1 {http1}");
        }
    }

    #[test]
    fn a_stream_is_sent_once_more_only_from_its_beginning() {
        for taken in [false, true] {
            let (_sender, body) = stream(taken);
            let request = request(Method::PUT, body);
            for resend in [Resend::Lost, Resend::Unsent, Resend::Refused, Resend::GoneAway] {
                assert_eq!(Resends::default().again(&request, resend, true, true), !taken, "{resend:?}, taken {taken}");
            }
        }
    }

    #[test]
    fn how_often() {
        use Resend::{GoneAway, Lost, Refused, Unsent};
        let get = request(Method::GET, RequestBody::Empty);
        let cases: [(&[Resend], &[bool]); 5] = [
            (&[Lost, Lost], &[true, false]),
            (&[Unsent, Lost], &[true, false]),
            (&[Refused, Refused], &[true, false]),
            (&[GoneAway, GoneAway, GoneAway], &[true, true, false]),
            (&[Lost, Refused, GoneAway, Refused, Lost], &[true, true, true, false, false]),
        ];
        for (failures, again) in cases {
            let mut resends = Resends::default();
            assert!(!resends.any());
            let found: Vec<bool> = failures.iter().map(|resend| resends.again(&get, *resend, true, true)).collect();
            assert_eq!(found, again, "{failures:?}");
            assert!(resends.any());
        }
    }
}
