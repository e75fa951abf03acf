//! A raw TCP server whose every byte the test decides. It knows nothing of HTTP but the blank line after a head.

use super::{Counter, settle};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::spawn_local;
use tokio::time::timeout;
use whippet_core::Origin;

/// A complete response after which the connection stays open.
pub const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

pub struct Server {
    listener: TcpListener,
    port: u16,
}

impl Server {
    pub async fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("the loopback has a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        Server { listener, port }
    }

    /// The kernel takes little on its behalf: what the peer does not read, it does not acknowledge.
    pub async fn start_narrow() -> Server {
        let socket = TcpSocket::new_v4().expect("the machine has sockets");
        socket.set_recv_buffer_size(8 * 1024).expect("a TCP socket has this option");
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("the loopback has a free port");
        let listener = socket.listen(16).expect("a bound socket listens");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        Server { listener, port }
    }

    pub fn origin(&self) -> Origin {
        self.named("http", "127.0.0.1")
    }

    pub fn named(&self, scheme: &str, host: &str) -> Origin {
        Origin::parse(&format!("{scheme}://{host}:{}", self.port)).expect("scheme, host and port make an origin")
    }

    pub async fn accept(&self) -> Peer {
        Peer::new(self.accept_tcp().await)
    }

    pub async fn accept_tcp(&self) -> TcpStream {
        let (stream, _) = self.listener.accept().await.expect("the listener is open");
        stream.set_nodelay(true).expect("a TCP socket has this option");
        stream
    }

    /// No connection waits to be accepted: the client has opened no other.
    pub async fn is_left_alone(&self) -> bool {
        timeout(std::time::Duration::from_millis(20), self.listener.accept()).await.is_err()
    }

    /// Answers every request on every connection with `reply` from now on. Counts the connections.
    pub fn answer_all(self, reply: &'static str) -> Counter {
        let connections = Counter::default();
        let count = connections.clone();
        spawn_local(async move {
            loop {
                let mut peer = self.accept().await;
                count.add();
                spawn_local(async move {
                    while peer.try_head().await.is_ok() {
                        peer.write(reply).await;
                    }
                });
            }
        });
        connections
    }
}

/// An origin that refuses connections: its port was free a moment ago.
pub async fn refusing() -> Origin {
    Server::start().await.origin()
}

/// The server's end of one connection.
pub struct Peer<S = TcpStream> {
    pub stream: S,
    /// Read from the socket, not yet looked at by the test.
    pending: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub fn new(stream: S) -> Self {
        Peer { stream, pending: Vec::new() }
    }

    /// The next message's head, with the blank line.
    pub async fn head(&mut self) -> String {
        self.try_head().await.expect("the client sends a request")
    }

    pub async fn try_head(&mut self) -> io::Result<String> {
        loop {
            if let Some(at) = self.pending.windows(4).position(|four| four == b"\r\n\r\n") {
                let head: Vec<u8> = self.pending.drain(..at + 4).collect();
                return Ok(String::from_utf8_lossy(&head).into_owned());
            }
            self.more().await?;
        }
    }

    /// The next bytes are exactly these.
    pub async fn expect(&mut self, bytes: &str) {
        while self.pending.len() < bytes.len() {
            if let Err(why) = self.more().await {
                panic!("{bytes:?} was expected, {:?} came, then {why}", String::from_utf8_lossy(&self.pending));
            }
        }
        let found: Vec<u8> = self.pending.drain(..bytes.len()).collect();
        assert_eq!(String::from_utf8_lossy(&found), bytes);
    }

    /// Everything up to the end of what the client sends, whether it ends by a close or a reset.
    pub async fn rest(&mut self) -> Vec<u8> {
        while self.more().await.is_ok() {}
        std::mem::take(&mut self.pending)
    }

    /// Reads, and forgets, up to these bytes.
    pub async fn skip_to(&mut self, bytes: &str) {
        while !self.pending.ends_with(bytes.as_bytes()) {
            self.pending.drain(..self.pending.len().saturating_sub(bytes.len()));
            self.more().await.expect("the client goes on sending");
        }
        self.pending.clear();
    }

    /// Waits for the client to close, and for nothing else: no byte comes before that.
    pub async fn closed(&mut self) {
        let rest = self.rest().await;
        assert_eq!(String::from_utf8_lossy(&rest), "", "bytes before the close");
    }

    /// The client has neither closed nor sent anything.
    pub async fn is_quiet(&mut self) -> bool {
        settle().await;
        timeout(std::time::Duration::from_millis(1), self.more()).await.is_err() && self.pending.is_empty()
    }

    /// What the client thinks of these bytes, or whether it is still there for them, is for the test to see elsewhere.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok() && self.stream.flush().await.is_ok()
    }

    /// Reads a request without a body and answers it.
    pub async fn answer(&mut self, reply: &str) -> String {
        let head = self.head().await;
        self.write(reply).await;
        head
    }

    async fn more(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.pending).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

impl Peer {
    /// Cuts the connection: the client sees ECONNRESET.
    pub fn reset(self) {
        self.stream.set_zero_linger().expect("a TCP socket has this option");
    }
}
