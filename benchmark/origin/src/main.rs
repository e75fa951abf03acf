//! The benchmark's own origin: `whippet-bench-origin DIR`.
//!
//! Writes its bodies and certificates into DIR (nginx serves the same files), listens on four free loopback ports,
//! prints one JSON line that names them, and ends when its standard input does. One thread; every body is made once.
//! It decides nothing about the benchmark: what is asked, how often and in which order is `../run.js`'s.

mod answers;
mod bodies;
mod certificate;
mod connection;
mod sink;

use std::error::Error;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::{env, io, thread};

use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use answers::Answers;
use bodies::Bodies;
use certificate::Certificate;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = env::args_os().nth(1).map(PathBuf::from).ok_or("usage: whippet-bench-origin DIR")?;
    Builder::new_current_thread().enable_all().build()?.block_on(serve(dir))
}

async fn serve(dir: PathBuf) -> Result<(), Box<dyn Error>> {
    let certificate = Certificate::issue()?;
    certificate.write(&dir)?;
    let bodies = Bodies::new()?;
    bodies.write(&dir)?;
    let answers: &'static Answers = Box::leak(Box::new(Answers::new(bodies)));

    // A client that offers h2 must still be measurable over HTTP/1.1, so each protocol has a TLS port of its own.
    let (http, https, h2, upload) = (listen()?, listen()?, listen()?, listen()?);
    println!(
        r#"{{"http":{},"https":{},"h2":{},"upload":{},"ca":"ca.pem","cert":"cert.pem","key":"key.pem"}}"#,
        http.local_addr()?.port(),
        https.local_addr()?.port(),
        h2.local_addr()?.port(),
        upload.local_addr()?.port(),
    );
    let http1_only = TlsAcceptor::from(certificate.server_config(&["http/1.1"])?);
    let either = TlsAcceptor::from(certificate.server_config(&["h2", "http/1.1"])?);
    tokio::spawn(connection::accept(http, None, answers));
    tokio::spawn(connection::accept(https, Some(http1_only), answers));
    tokio::spawn(connection::accept(h2, Some(either), answers));
    tokio::spawn(sink::accept(upload));
    end_of_stdin().await;
    Ok(())
}

fn listen() -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    // 10,000 connections come at once; the kernel lowers this to its own limit.
    socket.listen(65_535)
}

async fn end_of_stdin() {
    let (end, ended) = oneshot::channel();
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        let _ = end.send(());
    });
    let _ = ended.await;
}
