//! Happy eyeballs, RFC 8305: addresses in alternating families, each started 250 ms after the one before it or as soon
//! as that one failed; the first connection wins and the others are dropped.

use super::race::race;
use socket2::TcpKeepalive;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::ControlFlow;
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};

/// RFC 8305 section 5: the recommended Connection Attempt Delay.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// What is the same for every socket.
#[derive(Clone, Copy, Default)]
pub(super) struct SocketOptions {
    /// Where they start; only addresses of its family are tried.
    pub(super) local: Option<IpAddr>,
    /// After so much silence the peer is probed.
    pub(super) keepalive: Option<Duration>,
}

/// `addresses` is not empty.
pub(super) async fn connect(addresses: &[SocketAddr], options: SocketOptions) -> io::Result<TcpStream> {
    if let [address] = addresses {
        return attempt(*address, options).await;
    }
    let mut waiting = interleave(addresses);
    if let Some(local) = options.local {
        let of_its_family = |address: &SocketAddr| address.is_ipv6() == local.is_ipv6();
        // Without any, the system says why it cannot be done.
        if addresses.iter().any(of_its_family) {
            waiting.retain(of_its_family);
        }
    }
    let attempts = waiting.into_iter().map(|address| async move {
        match attempt(address, options).await {
            Ok(stream) => ControlFlow::Break(Ok(stream)),
            Err(error) => ControlFlow::Continue(error),
        }
    });
    let connected = race(attempts, ATTEMPT_DELAY).await;
    connected.unwrap_or_else(|| Err(io::Error::other("no address to connect to")))
}

async fn attempt(address: SocketAddr, options: SocketOptions) -> io::Result<TcpStream> {
    let stream = match options.local {
        None => TcpStream::connect(address).await?,
        Some(local) => {
            let socket = if local.is_ipv6() { TcpSocket::new_v6()? } else { TcpSocket::new_v4()? };
            socket.bind(SocketAddr::new(local, 0))?;
            socket.connect(address).await?
        }
    };
    stream.set_nodelay(true)?;
    if let Some(after) = options.keepalive {
        let socket = socket2::SockRef::from(&stream);
        // What a system does not know, such as the number of probes in Windows before 10.0.15063, is no reason not to connect.
        if socket.set_tcp_keepalive(&probes(after)).is_err() {
            let (first, between) = schedule(after);
            let fewer = TcpKeepalive::new().with_time(first).with_interval(between);
            let _ = socket.set_tcp_keepalive(&fewer);
        }
    }
    Ok(stream)
}

/// A peer that has vanished without a word, or a NAT that has forgotten the connection, is noticed: `after` so much silence there
/// is a probe, then one every sixth of that time, at most five. A peer that lives answers them, however long it takes over its
/// response, and also while it reads nothing. (TCP_USER_TIMEOUT would cut that one as well.)
fn probes(after: Duration) -> TcpKeepalive {
    let (first, between) = schedule(after);
    TcpKeepalive::new().with_time(first).with_interval(between).with_retries(PROBE_COUNT)
}

/// After so much silence the last probe is unanswered.
pub(crate) fn patience(after: Duration) -> Duration {
    let (first, between) = schedule(after);
    first + between * PROBE_COUNT
}

const PROBE_COUNT: u32 = 5;

/// When the first one is sent, and how long after each the next.
fn schedule(after: Duration) -> (Duration, Duration) {
    // Systems count in seconds, and Linux takes no more of them.
    const MAX_SECONDS: u64 = 32_767;
    let seconds = (after.as_secs() + u64::from(after.subsec_nanos() > 0)).clamp(1, MAX_SECONDS);
    (Duration::from_secs(seconds), Duration::from_secs((seconds / 6).max(1)))
}

/// RFC 8305 section 4: the families in turn, starting with that of the first address, each in its order.
fn interleave(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (preferred, other): (Vec<SocketAddr>, Vec<SocketAddr>) =
        addresses.iter().copied().partition(|a| a.is_ipv6() == first_is_v6);
    let mut mixed = Vec::with_capacity(addresses.len());
    let (mut preferred, mut other) = (preferred.into_iter(), other.into_iter());
    loop {
        let pair = [preferred.next(), other.next()];
        if pair == [None, None] {
            return mixed;
        }
        mixed.extend(pair.into_iter().flatten());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let parse = |texts: &[&str]| texts.iter().map(|t| t.parse().expect(t)).collect::<Vec<SocketAddr>>();
        let mixed = interleave(&parse(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"]));
        assert_eq!(mixed, parse(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"]));
    }

    #[cfg(unix)]
    #[test]
    fn a_silent_connection_is_probed() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("an address");
            // after, in ms; seconds until the first probe and between them, as the system has them
            let cases = [
                (None, None),
                (Some(1_000), Some((1, 1))),
                (Some(1_500), Some((2, 1))),
                (Some(60_000), Some((60, 10))),
                (Some(u32::MAX), Some((32_767, 5_461))),
            ];
            for local in [None, Some(address.ip())] {
                for (after, expected) in cases {
                    let keepalive = after.map(|ms| Duration::from_millis(ms.into()));
                    let stream = connect(&[address], SocketOptions { local, keepalive }).await.expect("a connection");
                    let socket = socket2::SockRef::from(&stream);
                    assert_eq!(socket.keepalive().expect("a socket"), expected.is_some(), "{after:?}");
                    let Some((time, interval)) = expected else { continue };
                    assert_eq!(socket.tcp_keepalive_time().expect("a socket"), Duration::from_secs(time));
                    assert_eq!(socket.tcp_keepalive_interval().expect("a socket"), Duration::from_secs(interval));
                    assert_eq!(socket.tcp_keepalive_retries().expect("a socket"), 5);
                }
            }
        });
    }
}
