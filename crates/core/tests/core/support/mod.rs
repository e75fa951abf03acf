//! What every test needs: a runtime, requests in one line, and a patient look at the pool.

pub mod certs;
pub mod http2;
pub mod server;

use bytes::Bytes;
use http::Method;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::task::{JoinHandle, LocalSet, spawn_blocking, spawn_local};
use tokio::time::{advance, sleep, timeout};
use whippet_core::{
    BodySender, Client, Error, ErrorKind, FieldLines, Origin, PoolConfig, Request, RequestBody, Response, Timeouts,
};

/// Longer than anything here takes, by the test's clock: a test that hangs fails instead.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs a test where the core lives: on one thread, in a `LocalSet`, by a clock of its own.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build();
    let runtime = runtime.expect("the machine has threads and sockets");
    let tasks = LocalSet::new();
    let done = tasks.block_on(&runtime, async {
        let clock = spawn_local(move_clock());
        let done = timeout(PATIENCE, test).await;
        clock.abort();
        done
    });
    done.expect("the test hangs")
}

/// Moves the paused clock by ten milliseconds for each that passes: waiting costs little, and the sockets, which know no other
/// clock than the machine's, keep up.
async fn move_clock() {
    // While a blocking task runs, tokio does not move the clock to the next timer by itself.
    let (_ends_with_this, ended) = std::sync::mpsc::channel::<()>();
    spawn_blocking(move || ended.recv());
    loop {
        let tick = spawn_blocking(|| std::thread::sleep(Duration::from_millis(1)));
        tick.await.expect("sleeping does not panic");
        advance(Duration::from_millis(10)).await;
    }
}

/// A pool with the default limits, as changed by `change`.
pub fn pool(change: impl FnOnce(&mut PoolConfig)) -> Client {
    let mut config = PoolConfig::default();
    change(&mut config);
    Client::new(config)
}

/// The pool says `line`, if not at once then soon: what a peer does takes a moment to be noticed.
pub async fn becomes(pool: &Client, line: &str) {
    for _ in 0..2_000 {
        if format!("{pool:?}") == line {
            return;
        }
        sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(format!("{pool:?}"), line);
}

/// Lets everything that is under way on the loopback arrive.
pub async fn settle() {
    sleep(Duration::from_millis(20)).await;
}

pub fn request(method: Method, origin: &Origin, body: RequestBody) -> Request {
    Request {
        method,
        origin: origin.clone(),
        target: Bytes::from_static(b"/"),
        fields: FieldLines::default(),
        body,
        on_informational: None,
        proxy: None,
        proxy_answer: None,
    }
}

pub fn get(origin: &Origin) -> Request {
    request(Method::GET, origin, RequestBody::Empty)
}

pub fn post(origin: &Origin, body: impl Into<Bytes>) -> Request {
    request(Method::POST, origin, RequestBody::Bytes(body.into()))
}

/// An exchange under way; dropping it does not cancel it, [`Sending::cancel`] does.
pub struct Sending(JoinHandle<Result<Response, Error>>);

/// Starts an exchange without timeouts.
pub fn send(pool: &Client, request: Request) -> Sending {
    send_within(pool, request, Timeouts::default())
}

pub fn send_within(pool: &Client, request: Request, timeouts: Timeouts) -> Sending {
    let pool = pool.clone();
    Sending(spawn_local(async move { pool.send(request, timeouts).await }))
}

impl Sending {
    pub async fn response(self) -> Response {
        self.result().await.unwrap_or_else(|error| panic!("a response was expected, not {error:?}"))
    }

    pub async fn error(self) -> Error {
        match self.result().await {
            Ok(response) => panic!("an error was expected, not a {}", response.head.status),
            Err(error) => error,
        }
    }

    pub async fn kind(self) -> ErrorKind {
        self.error().await.kind()
    }

    pub async fn text(self) -> String {
        text(self.response().await).await
    }

    pub async fn result(self) -> Result<Response, Error> {
        self.0.await.expect("the exchange does not panic")
    }

    pub async fn cancel(self) {
        self.0.abort();
        assert!(self.0.await.is_err_and(|why| why.is_cancelled()), "there was something to cancel");
    }
}

/// Reads a body to its end.
pub async fn read(response: &mut Response) -> Result<(String, Option<FieldLines>), Error> {
    let data = response.body.collect(None, None).await?;
    Ok((String::from_utf8_lossy(&data).into_owned(), response.body.take_trailers()))
}

pub async fn text(mut response: Response) -> String {
    match read(&mut response).await {
        Ok((text, _)) => text,
        Err(error) => panic!("a whole body was expected, not {error:?}"),
    }
}

/// Why a body could not be read to its end.
pub async fn body_error(mut response: Response) -> Error {
    match read(&mut response).await {
        Ok((text, _)) => panic!("an error was expected, not the body {text:?}"),
        Err(error) => error,
    }
}

/// A streamed body, and what its producer was told.
pub struct Upload {
    pub sender: BodySender,
    pub body: RequestBody,
    /// What `on_room` was called with, in order.
    pub told: Rc<RefCell<Vec<bool>>>,
}

pub fn upload() -> Upload {
    let told = Rc::new(RefCell::new(Vec::new()));
    let listener = told.clone();
    let (sender, body) = RequestBody::channel(move |stopped| listener.borrow_mut().push(stopped));
    Upload { sender, body, told }
}

/// Declares the length of its body, if it is known.
pub fn declaring(length: Option<u64>, request: Request) -> Request {
    let lines = length.map(|length| format!("Content-Length\n{length}\n"));
    Request { fields: FieldLines::new(lines.unwrap_or_default().into()), ..request }
}

/// Waits for a fact that another task brings about.
pub async fn until(what: &str, mut fact: impl FnMut() -> bool) {
    for _ in 0..2_000 {
        if fact() {
            return;
        }
        sleep(Duration::from_millis(2)).await;
    }
    panic!("never happened: {what}");
}

/// Counts, shared with a server's task.
#[derive(Clone, Default)]
pub struct Counter(Rc<Cell<usize>>);

impl Counter {
    pub fn add(&self) {
        self.0.set(self.0.get() + 1);
    }

    pub fn count(&self) -> usize {
        self.0.get()
    }
}
