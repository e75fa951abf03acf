//! Exchanges over a client whose peers are scripts, and what has to hold after them.

use crate::Input;
use bytes::Bytes;
use http::Method;
use std::cell::OnceCell;
use std::rc::Rc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::sleep;
use whippet_core::fuzzing::{Script, serve};
use whippet_core::{
    Client, FieldLines, Origin, PoolConfig, Proxy, Request, RequestBody, Response, Timeouts, TlsOptions, Verify,
    Versions,
};

/// What the client is asked for.
pub struct Plan {
    pub versions: Versions,
    pub origin: &'static str,
    pub proxy: Option<Proxy>,
    /// One after the other, or all at once.
    pub requests: u8,
    pub at_once: bool,
    pub method: Method,
    pub body: Option<&'static [u8]>,
    pub reading: Reading,
}

/// How a body is read.
#[derive(Clone, Copy)]
pub struct Reading {
    pub mode: u8,
    pub decodes: bool,
}

impl Plan {
    /// Of one byte.
    pub fn new(input: &mut Input<'_>, versions: Versions) -> Plan {
        let choice = input.byte();
        let (method, body) = match choice & 3 {
            0 => (Method::GET, None),
            1 => (Method::HEAD, None),
            2 => (Method::POST, Some(&b"content"[..])),
            _ => (Method::PUT, Some(&[b'x'; 70_000][..])),
        };
        Plan {
            versions,
            origin: "http://a.test",
            proxy: None,
            requests: 1 + (choice >> 2) % 3,
            at_once: choice & 0x10 != 0,
            method,
            body,
            reading: Reading { mode: choice >> 5 & 3, decodes: choice & 0x80 != 0 },
        }
    }
}

/// Runs the plan against the scripts. Panics where something does not hold.
pub fn exchange(plan: Plan, scripts: Vec<Script>) {
    serve(scripts);
    on_runtime(async {
        let tls = TlsOptions { verify: Verify::Off, ..TlsOptions::default() };
        let client = Client::new(PoolConfig { versions: plan.versions, tls, ..PoolConfig::default() });
        let plan = Rc::new(plan);
        let mut running = Vec::new();
        for _ in 0..plan.requests {
            let one = spawn_local(one(client.clone(), plan.clone()));
            match plan.at_once {
                true => running.push(one),
                false => one.await.expect("no panic"),
            }
        }
        for one in running {
            one.await.expect("no panic");
        }
        // The clock moves when all tasks wait.
        sleep(Duration::from_millis(1)).await;
        let stats = client.stats();
        assert_eq!((stats.active(), stats.queued()), (0, 0), "active, queued");
    });
}

async fn one(client: Client, plan: Rc<Plan>) {
    let body = plan.body.map_or(RequestBody::Empty, |body| RequestBody::Bytes(Bytes::from_static(body)));
    let request = Request {
        method: plan.method.clone(),
        origin: Origin::parse(plan.origin).expect("an origin"),
        target: Bytes::from_static(b"/"),
        fields: FieldLines::new(Bytes::from_static(b"Accept\n*/*\n")),
        body,
        on_informational: None,
        proxy: plan.proxy.clone(),
        proxy_answer: None,
    };
    match client.send(request, TIMEOUTS).await {
        Ok(response) => read(&plan, response).await,
        Err(error) => assert!(!error.message().is_empty()),
    }
}

async fn read(plan: &Plan, response: Response) {
    let Response { head, mut body, .. } = response;
    assert!((200..1000).contains(&head.status), "a final status, not {}", head.status);
    let decodes = plan.reading.decodes;
    if decodes && body.decode(&head.fields).is_err() {
        return;
    }
    let declared = body.remaining().filter(|_| !decodes);
    let mut length = 0;
    match plan.reading.mode {
        0 => match body.collect(Some(LIMIT), None).await {
            Ok(content) => length = content.len() as u64,
            Err(_) => return,
        },
        1 => loop {
            let chunk = body.chunk().await;
            length += chunk.data.len() as u64;
            match chunk.more {
                Ok(true) if length < LIMIT => {}
                Ok(false) => break,
                _ => return,
            }
        },
        2 => return drop(body.drain().await),
        _ => return,
    }
    if let Some(declared) = declared {
        assert_eq!(length, declared, "the length that was declared");
    }
    drop(body.take_trailers());
}

/// On a clock that moves when all that runs waits for it.
pub fn on_runtime(work: impl Future<Output = ()>) {
    thread_local! {
        static RUNTIME: OnceCell<Runtime> = const { OnceCell::new() };
    }
    RUNTIME.with(|runtime| {
        let runtime = runtime
            .get_or_init(|| Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime"));
        LocalSet::new().block_on(runtime, work);
    });
}

const TIMEOUTS: Timeouts = Timeouts {
    pool: Some(Duration::from_secs(2)),
    connect: Some(Duration::from_secs(2)),
    write: Some(Duration::from_secs(2)),
    read: Some(Duration::from_secs(2)),
    total: Some(Duration::from_secs(60)),
};

/// Of a body.
const LIMIT: u64 = 4 << 20;
