//! A scripted HTTP/2 server: it sends the frames that a test says, right or wrong, and reads those of the client. Header
//! sections are encoded without compression; those of the client are not decoded.

use super::pool;
use super::server::Server;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use whippet_core::{Client, PoolConfig, Versions};

/// RFC 9113 section 6.
pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;

/// Flags.
pub const END_STREAM: u8 = 1;
pub const ACK: u8 = 1;
pub const END_HEADERS: u8 = 4;
pub const PADDED: u8 = 8;

/// RFC 9113 section 7.
pub const NO_ERROR: u32 = 0;
pub const CANCEL: u32 = 8;
pub const REFUSED_STREAM: u32 = 7;
pub const ENHANCE_YOUR_CALM: u32 = 11;

pub const OK: &[(&str, &str)] = &[(":status", "200")];

/// A pool that speaks HTTP/2 by prior knowledge.
pub fn http2_pool(change: impl FnOnce(&mut PoolConfig)) -> Client {
    pool(|config| {
        config.versions = Versions { http1: false, http2: true };
        change(config);
    })
}

#[derive(Debug)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Frame {
    /// Of RST_STREAM.
    pub fn code(&self) -> u32 {
        u32::from_be_bytes(self.payload[..4].try_into().expect("four bytes"))
    }
}

/// The server's end of one connection, after the client's preface.
pub struct Http2Peer {
    pub reading: OwnedReadHalf,
    pub writing: OwnedWriteHalf,
}

impl Server {
    /// The next connection, with the server's own SETTINGS sent.
    pub async fn accept_http2(&self) -> Http2Peer {
        let mut peer = self.accept_unsettled().await;
        peer.settings(&[]).await;
        peer
    }

    pub async fn accept_unsettled(&self) -> Http2Peer {
        let mut stream = self.accept_tcp().await;
        let mut preface = [0; 24];
        stream.read_exact(&mut preface).await.expect("the client sends the preface");
        assert_eq!(&preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        let (reading, writing) = stream.into_split();
        Http2Peer { reading, writing }
    }
}

impl Http2Peer {
    pub async fn try_frame(&mut self) -> io::Result<Frame> {
        read_frame(&mut self.reading).await
    }

    /// The client's next frame of that kind; those before it are skipped.
    pub async fn next(&mut self, kind: u8) -> Frame {
        loop {
            let frame = self.try_frame().await.expect("the client goes on sending");
            if frame.kind == kind && (kind != SETTINGS || frame.flags & ACK == 0) {
                return frame;
            }
        }
    }

    /// The stream of the next request, whose body is not waited for.
    pub async fn request(&mut self) -> u32 {
        self.next(HEADERS).await.stream
    }

    /// The DATA of a request's body, to its end.
    pub async fn body(&mut self, stream: u32) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let frame = self.next(DATA).await;
            assert_eq!(frame.stream, stream);
            body.extend_from_slice(&frame.payload);
            if frame.flags & END_STREAM != 0 {
                return body;
            }
        }
    }

    /// Everything that the client still says, to the end of the connection.
    pub async fn rest(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Ok(frame) = self.try_frame().await {
            frames.push(frame);
        }
        frames
    }

    /// False when the client is not there any more.
    pub async fn write(&mut self, bytes: &[u8]) -> bool {
        self.writing.write_all(bytes).await.is_ok()
    }

    pub async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> bool {
        self.write(&frame(kind, flags, stream, payload)).await
    }

    pub async fn settings(&mut self, pairs: &[(u16, u32)]) -> bool {
        let entry = |(id, value): &(u16, u32)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
        let payload: Vec<u8> = pairs.iter().flat_map(entry).collect();
        self.send(SETTINGS, 0, 0, &payload).await
    }

    pub async fn headers(&mut self, stream: u32, fields: &[(&str, &str)], flags: u8) -> bool {
        self.send(HEADERS, flags | END_HEADERS, stream, &section(fields)).await
    }

    pub async fn data(&mut self, stream: u32, data: &str, flags: u8) -> bool {
        self.send(DATA, flags, stream, data.as_bytes()).await
    }

    /// A whole response.
    pub async fn answer(&mut self, stream: u32) -> bool {
        self.headers(stream, OK, 0).await && self.data(stream, "ok", END_STREAM).await
    }

    pub async fn reset(&mut self, stream: u32, code: u32) -> bool {
        self.send(RST_STREAM, 0, stream, &code.to_be_bytes()).await
    }

    pub async fn go_away(&mut self, last: u32, code: u32) -> bool {
        self.send(GOAWAY, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat()).await
    }
}

pub async fn read_frame(from: &mut OwnedReadHalf) -> io::Result<Frame> {
    let mut head = [0; 9];
    from.read_exact(&mut head).await?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
    let mut payload = vec![0; length];
    from.read_exact(&mut payload).await?;
    let stream = u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]);
    Ok(Frame { kind: head[3], flags: head[4], stream, payload })
}

/// A frame as bytes.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("no test sends so much").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// RFC 7541 section 6.2.2: each a literal without indexing, with a new name, without Huffman coding.
pub fn section(fields: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).expect("short texts only")], text.as_bytes()].concat();
    fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}
