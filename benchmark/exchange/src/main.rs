//! `whippet-bench-exchange CASE REQUESTS`: so many exchanges of the core with a server that knows one answer, in one thread.
//!
//! It measures nothing itself: it is run under `valgrind --tool=callgrind`, which counts instructions (`../guard.js`). One thread, and the
//! server in it, so that two runs do the same.

use bytes::Bytes;
use http::{Method, Response};
use std::cell::Cell;
use std::error::Error;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::{env, io};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local};
use whippet_core::{Client, FieldLines, Origin, PoolConfig, Request, RequestBody, Timeouts, Versions};

const BODY: &[u8] =
    br#"{"bytes":105,"id":471,"name":"whippet","breed":{"group":"sighthound","kg":12.7},"fast":true,"tags":["a"]}"#;

/// The head that nginx sends.
const HEAD: &str = "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Fri, 27 Nov 2026 02:00:00 GMT\r\n\
    Content-Type: application/json\r\nContent-Length: 105\r\nConnection: keep-alive\r\nCache-Control: no-store\r\n\r\n";

/// What `client.get` sends.
const FIELDS: &[u8] = b"accept\n*/*\naccept-encoding\ngzip, deflate, br, zstd\nuser-agent\nwhippet/0.1.0\n";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let case = arguments.next().ok_or("usage: whippet-bench-exchange CASE REQUESTS")?;
    let requests: usize = arguments.next().ok_or("how many requests?")?.parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async move {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let (in_flight, is_http2) = match case.as_str() {
            "http1-1" => (1, false),
            "http1-50" => (50, false),
            "http2-50" => (50, true),
            _ => return Err("cases are http1-1, http1-50 and http2-50".into()),
        };
        spawn_local(accept(listener, is_http2));
        ask(port, requests, in_flight, Versions { http1: !is_http2, http2: is_http2 }).await
    })
}

/// Sends `requests`, `in_flight` at a time, and checks every answer.
async fn ask(port: u16, requests: usize, in_flight: usize, versions: Versions) -> Result<(), Box<dyn Error>> {
    let client = Client::new(PoolConfig { versions, ..PoolConfig::default() });
    let origin = format!("http://127.0.0.1:{port}");
    let left = Rc::new(Cell::new(requests));
    let tasks: Vec<_> = (0..in_flight)
        .map(|_| {
            let (client, origin, left) = (client.clone(), origin.clone(), left.clone());
            spawn_local(async move {
                while left.get() > 0 {
                    left.set(left.get() - 1);
                    exchange(&client, &origin).await?;
                }
                Ok::<(), whippet_core::Error>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    client.close();
    Ok(())
}

async fn exchange(client: &Client, origin: &str) -> Result<(), whippet_core::Error> {
    let timeout = Some(std::time::Duration::from_secs(600));
    let request = Request {
        method: Method::GET,
        origin: Origin::parse(origin)?,
        target: Bytes::from_static(b"/small"),
        fields: FieldLines::new(Bytes::from_static(FIELDS)),
        body: RequestBody::Empty,
        on_informational: None,
        proxy: None,
        proxy_answer: None,
    };
    // Those that the façade has by default, and no total.
    let timeouts = Timeouts { pool: timeout, connect: timeout, write: timeout, read: timeout, total: None };
    let response = client.send(request, timeouts).await?;
    let mut body = response.body;
    body.decode(&response.head.fields)?;
    let content = body.collect(None, None).await?;
    assert_eq!((response.head.status, content.len()), (200, BODY.len()));
    Ok(())
}

async fn accept(listener: TcpListener, is_http2: bool) {
    while let Ok((socket, _)) = listener.accept().await {
        spawn_local(async move {
            // The client's end closes its connections: what that looks like here is of no interest.
            let _ = socket.set_nodelay(true);
            match is_http2 {
                true => drop(serve_http2(socket).await),
                false => drop(serve_http1(socket).await),
            }
        });
    }
}

async fn serve_http1(mut socket: TcpStream) -> io::Result<()> {
    let answer = [HEAD.as_bytes(), BODY].concat();
    let mut buffer = [0; 4096];
    // A request comes in one piece: the client writes it with one call.
    while socket.read(&mut buffer).await? > 0 {
        socket.write_all(&answer).await?;
    }
    Ok(())
}

async fn serve_http2(socket: TcpStream) -> Result<(), h2::Error> {
    let mut connection = h2::server::handshake(socket).await?;
    while let Some(request) = connection.accept().await {
        let (_, mut respond) = request?;
        let response = Response::builder().header("content-type", "application/json").header("content-length", "105");
        let Ok(response) = response.body(()) else { continue };
        respond.send_response(response, false)?.send_data(Bytes::from_static(BODY), true)?;
    }
    Ok(())
}
