//! Which requests that got no response are sent once more, on another connection: those that cannot have been acted upon twice,
//! and whose body is still there.

use crate::connection::Resend;
use crate::request::Request;
use std::time::Duration;

/// The attempts of one request that have failed.
#[derive(Default)]
pub(super) struct Resends {
    lost: u32,
    refused: u32,
    misplaced: u32,
}

impl Resends {
    pub(super) fn any(&self) -> bool {
        self.lost + self.refused + self.misplaced > 0
    }

    /// As below, after a response that was about the connection and not about the request.
    pub(super) fn again_elsewhere(&mut self, request: &Request) -> bool {
        let again = self.misplaced == 0 && request.body.is_replayable();
        self.misplaced += u32::from(again);
        again
    }

    /// Before the next attempt: the first two times a server refuses it is asked again at once; after that it is not hurried.
    pub(super) fn pause(&self) -> Option<Duration> {
        let doubled = self.refused.checked_sub(3)?;
        Some(Duration::from_millis(1 << doubled.min(4)))
    }

    /// Counts an attempt that failed as `resend` says; true: the request is to be sent once more. `reused`: the connection had
    /// served another request before. `http1`: HTTP/1.1 is allowed.
    pub(super) fn again(&mut self, request: &Request, resend: Resend, reused: bool, http1: bool) -> bool {
        let (times, most) = match resend {
            Resend::GoneAway | Resend::Refused => (&mut self.refused, MAX_REFUSED_RETRIES),
            Resend::RefusedForHttp1 => (&mut self.refused, 1),
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

/// A server that says of a request that it has not processed it may say so again: a new connection may reach one of its old
/// processes, or one that takes fewer requests than are in flight. One that never works gets no more than this.
const MAX_REFUSED_RETRIES: u32 = 32;

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
        let (sender, mut body) = RequestBody::channel(|_| ());
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
        use Resend::{GoneAway, Lost, Refused, RefusedForHttp1, Unsent};
        let get = request(Method::GET, RequestBody::Empty);
        let cases: [(&[Resend], &[bool]); 5] = [
            (&[Lost, Lost], &[true, false]),
            (&[Unsent, Lost], &[true, false]),
            (&[RefusedForHttp1, RefusedForHttp1], &[true, false]),
            (&[Refused, GoneAway, Refused, GoneAway], &[true; 4]),
            (&[Lost, Refused, GoneAway, Refused, Lost], &[true, true, true, true, false]),
        ];
        for (failures, again) in cases {
            let mut resends = Resends::default();
            assert!(!resends.any());
            let found: Vec<bool> = failures.iter().map(|resend| resends.again(&get, *resend, true, true)).collect();
            assert_eq!(found, again, "{failures:?}");
            assert!(resends.any());
        }
    }

    #[test]
    fn a_server_that_always_refuses_is_asked_33_times_and_not_hurried() {
        let (get, mut resends) = (request(Method::GET, RequestBody::Empty), Resends::default());
        let mut pauses = Vec::new();
        while resends.again(&get, Resend::Refused, false, true) {
            pauses.push(resends.pause().map(|pause| pause.as_millis()));
        }
        assert_eq!(pauses.len(), 32);
        assert_eq!(pauses[..8], [None, None, Some(1), Some(2), Some(4), Some(8), Some(16), Some(16)]);
    }

    #[test]
    fn a_stream_whose_producer_can_begin_anew_is_sent_again() {
        let (sender, mut body) = RequestBody::restartable_channel(|_| (), || ());
        sender.push(Bytes::from_static(b"x"));
        assert!(Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop())).is_ready());
        let request = request(Method::PUT, body);
        assert!(Resends::default().again(&request, Resend::Lost, true, true));
        let mut resends = Resends::default();
        assert!(resends.again_elsewhere(&request));
        assert!(!resends.again_elsewhere(&request));
    }
}
