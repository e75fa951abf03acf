//! Uploads, counted and thrown away: an HTTP/1.1 server for `POST` with a Content-Length and nothing else.
//!
//! A server that copies a body out of the kernel spends as much on a MiB as the client does, and the row would measure
//! both. Here the kernel drops the bytes itself (`MSG_TRUNC`, tcp(7)), so that the client is what takes the time.

use std::io;
use std::os::fd::AsRawFd;
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream};

const HEAD_LIMIT: usize = 16 * 1024;
const WAKE_AT: usize = 256 * 1024;

pub async fn accept(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            // A client that goes away in the middle ends its connection and nothing else.
            let _ = stream.set_nodelay(true);
            let _ = serve(stream).await;
        });
    }
}

async fn serve(stream: TcpStream) -> io::Result<()> {
    let mut head = Vec::with_capacity(HEAD_LIMIT);
    loop {
        let end = match head.windows(4).position(|four| four == b"\r\n\r\n") {
            Some(at) => at + 4,
            None if head.len() >= HEAD_LIMIT => return Err(io::ErrorKind::InvalidData.into()),
            None => {
                stream.readable().await?;
                match stream.try_read_buf(&mut head) {
                    Ok(0) => return Ok(()),
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
                continue;
            }
        };
        let length = content_length(&head[..end]).ok_or(io::ErrorKind::InvalidData)?;
        let buffered = (head.len() - end).min(length);
        head.drain(..end + buffered);
        discard(&stream, length - buffered).await?;
        let body = format!(r#"{{"received":{length}}}"#);
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        wake_at(&stream, 1)?;
        write_all(&stream, answer.as_bytes()).await?;
    }
}

async fn discard(stream: &TcpStream, mut left: usize) -> io::Result<()> {
    while left > 0 {
        wake_at(stream, left.min(WAKE_AT))?;
        let read = stream
            .async_io(Interest::READABLE, || {
                // SAFETY: with MSG_TRUNC the kernel writes nothing: the pointer is not used.
                let n = unsafe {
                    libc::recv(stream.as_raw_fd(), std::ptr::null_mut(), left, libc::MSG_TRUNC | libc::MSG_DONTWAIT)
                };
                usize::try_from(n).map_err(|_| io::Error::last_os_error())
            })
            .await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        left -= read;
    }
    Ok(())
}

/// Wakes the reader when so many bytes are there, not for each segment.
fn wake_at(stream: &TcpStream, bytes: usize) -> io::Result<()> {
    let bytes = bytes as libc::c_int;
    let size = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the pointer is to a c_int of this frame, whose size is passed along.
    let done = unsafe {
        libc::setsockopt(stream.as_raw_fd(), libc::SOL_SOCKET, libc::SO_RCVLOWAT, (&raw const bytes).cast(), size)
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

async fn write_all(stream: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = stream.async_io(Interest::WRITABLE, || stream.try_write(bytes)).await?;
        bytes = &bytes[written..];
    }
    Ok(())
}

fn content_length(head: &[u8]) -> Option<usize> {
    head.split(|b| *b == b'\n').find_map(|line| {
        let (name, value) = line.split_at_checked(15)?;
        let value = name.eq_ignore_ascii_case(b"content-length:").then(|| value.trim_ascii())?;
        std::str::from_utf8(value).ok()?.parse().ok()
    })
}
