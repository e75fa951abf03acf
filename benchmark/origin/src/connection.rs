//! One accepted socket: TLS if the port asks for it, then the protocol that ALPN chose.

use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::answers::Answers;

pub async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, answers: &'static Answers) {
    loop {
        match listener.accept().await {
            Ok((socket, _)) => {
                tokio::spawn(serve(socket, tls.clone(), answers));
            }
            // Out of file descriptors: some of them come back when a contender ends.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn serve(socket: TcpStream, tls: Option<TlsAcceptor>, answers: &'static Answers) {
    let _open = answers.connected();
    let _ = socket.set_nodelay(true);
    let Some(tls) = tls else { return serve_http1(socket, answers).await };
    let Ok(stream) = tls.accept(socket).await else { return };
    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        serve_http2(stream, answers).await
    } else {
        serve_http1(stream, answers).await
    }
}

// A connection ends in an error whenever its client is killed; that is the contender's result, not the origin's.

async fn serve_http1<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S, answers: &'static Answers) {
    let service = service_fn(move |request| answers.answer(request));
    let _ = http1::Builder::new().header_read_timeout(None).serve_connection(TokioIo::new(stream), service).await;
}

async fn serve_http2<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S, answers: &'static Answers) {
    let service = service_fn(move |request| answers.answer(request));
    let _ = http2::Builder::new(TokioExecutor::new())
        .max_concurrent_streams(1_000)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
