//! What each path answers.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, SERVER};
use hyper::{Request, Response, StatusCode};
use tokio::sync::Notify;

use crate::bodies::Bodies;

pub struct Answers {
    bodies: Bodies,
    /// Connections open now.
    open: AtomicUsize,
    /// Requests to `/hold?arrivals=` that wait for the others.
    held: AtomicUsize,
    release: Notify,
}

impl Answers {
    pub fn new(bodies: Bodies) -> Answers {
        Answers { bodies, open: AtomicUsize::new(0), held: AtomicUsize::new(0), release: Notify::new() }
    }

    /// Counts a connection for `/connections` as long as the guard lives.
    pub fn connected(&self) -> Counted<'_> {
        Counted::new(&self.open)
    }

    pub async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let bodies = &self.bodies;
        Ok(match request.uri().path() {
            "/small" => ok(JSON, bodies.small.clone()),
            "/64k" => ok(BINARY, bodies.kib64.clone()),
            "/1m" => ok(BINARY, bodies.mib1.clone()),
            "/upload" => match received(request.into_body()).await {
                Ok(bytes) => ok(JSON, format!(r#"{{"received":{bytes}}}"#).into()),
                Err(_) => status(StatusCode::BAD_REQUEST),
            },
            "/gzip-json" => {
                let mut response = ok(JSON, bodies.gzip_json.clone());
                response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                response
            }
            "/hold" => {
                self.hold(request.uri().query()).await;
                ok(JSON, bodies.small.clone())
            }
            "/events" => ok("text/event-stream", bodies.events.clone()),
            "/lines" => ok("application/x-ndjson", bodies.lines.clone()),
            "/connections" => ok(JSON, format!(r#"{{"open":{}}}"#, self.open.load(Relaxed)).into()),
            path => match path.strip_prefix("/bytes/").and_then(|length| bodies.bytes(length)) {
                Some(body) => ok(BINARY, body),
                None => status(StatusCode::NOT_FOUND),
            },
        })
    }

    /// `?ms=N` waits N milliseconds, `?arrivals=N` until N such requests are here at once; anything else, not at all.
    async fn hold(&self, query: Option<&str>) {
        match query.and_then(|query| query.split_once('=')).map(|(name, value)| (name, value.parse::<u32>())) {
            Some(("ms", Ok(ms))) => tokio::time::sleep(Duration::from_millis(ms.into())).await,
            Some(("arrivals", Ok(expected))) => {
                let released = self.release.notified();
                let _here = Counted::new(&self.held);
                if self.held.load(Relaxed) >= expected as usize {
                    self.release.notify_waiters();
                } else {
                    released.await;
                }
            }
            _ => {}
        }
    }
}

/// One more while it lives, also when its request is dropped half-way.
pub struct Counted<'a>(&'a AtomicUsize);

impl Counted<'_> {
    fn new(count: &AtomicUsize) -> Counted<'_> {
        count.fetch_add(1, Relaxed);
        Counted(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

async fn received(mut body: Incoming) -> hyper::Result<usize> {
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        bytes += frame?.data_ref().map_or(0, Bytes::len);
    }
    Ok(bytes)
}

fn ok(content_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    let headers = response.headers_mut();
    headers.insert(SERVER, HeaderValue::from_static("whippet-bench-origin"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

const JSON: &str = "application/json";
const BINARY: &str = "application/octet-stream";
