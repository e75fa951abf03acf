//! Where the time of an exchange went and where its connection led, as it goes up: a few numbers in each record, the rest once for
//! each connection.

use crate::outbox::Outbox;
use crate::record::{Body, Kind, Record};
use std::cell::RefCell;
use std::fmt::Write;
use std::net::SocketAddr;
use std::rc::{Rc, Weak};
use std::time::{Duration, Instant};
use whippet_core::{ConnectTimings, ConnectionInfo, Peer, Response, Timeline, TlsInfo};

/// What each record of a response says of its time. Microseconds since `send`, as far as 71 minutes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Timing {
    pub(crate) head_us: u32,
    pub(crate) now_us: u32,
    /// There was a connection.
    pub(crate) pool_us: u32,
    /// The request was written.
    pub(crate) sent_us: u32,
    /// The connection's number, and `IS_NEW` or `IS_REUSED`; 0: none.
    pub(crate) connection: u32,
}

/// The connection was made for this request.
const IS_NEW: u32 = 1 << 31;
/// The connection was there before this request was sent.
const IS_REUSED: u32 = 1 << 30;

impl Timing {
    /// At the head of a response.
    pub(crate) fn of(response: &Response, at: Instant, connections: &Connections, outbox: &Outbox) -> Timing {
        let head_us = micros(at.elapsed());
        let Timeline { acquired, sent, is_new, .. } = response.timeline;
        let since = |moment: Option<tokio::time::Instant>| {
            moment.map_or(head_us, |moment| micros(moment.into_std().saturating_duration_since(at)).min(head_us))
        };
        let info = &response.connection;
        let flag = if is_new {
            IS_NEW
        } else if info.established.into_std() <= at {
            IS_REUSED
        } else {
            0
        };
        let connection = connections.number(info, outbox) | flag;
        Timing { head_us, now_us: 0, pool_us: since(acquired), sent_us: since(sent), connection }
    }
}

/// The connections that JavaScript knows, by number.
#[derive(Default)]
pub(crate) struct Connections(RefCell<Numbers>);

#[derive(Default)]
struct Numbers {
    /// By number, less one.
    known: Vec<Weak<ConnectionInfo>>,
    free: Vec<u32>,
    /// Where no number is free, those of connections that have gone are looked for at this length.
    sweep_at: usize,
}

impl Connections {
    /// Tells of the connection what JavaScript does not know yet.
    fn number(&self, info: &Rc<ConnectionInfo>, outbox: &Outbox) -> u32 {
        if info.number.get() == 0 {
            let number = self.0.borrow_mut().take(Rc::downgrade(info));
            info.number.set(number);
            let body = Body::of(describe(info).into());
            outbox.push(Record { body, ..Record::new(number, Kind::Connection) });
        }
        info.number.get()
    }
}

impl Numbers {
    const MIN_SWEEP: usize = 64;

    fn take(&mut self, info: Weak<ConnectionInfo>) -> u32 {
        if self.free.is_empty() && self.known.len() >= self.sweep_at.max(Self::MIN_SWEEP) {
            let gone = self.known.iter().enumerate().filter(|(_, info)| info.strong_count() == 0);
            self.free.extend(gone.map(|(at, _)| at as u32 + 1));
            self.sweep_at = 2 * (self.known.len() - self.free.len());
        }
        match self.free.pop() {
            Some(number) => {
                self.known[number as usize - 1] = info;
                number
            }
            None => {
                self.known.push(info);
                self.known.len() as u32
            }
        }
    }
}

/// `address port local-address local-port \n version cipher group alpn \n dns connect tls \n length … \n certificate …`; `-` is none,
/// and so is an empty line.
fn describe(info: &ConnectionInfo) -> Vec<u8> {
    let mut text = String::new();
    if let Some(peer) = info.peer {
        push_peer(&mut text, peer);
    }
    text.push('\n');
    // It is JavaScript's from here on.
    let tls = info.tls.borrow_mut().take();
    if let Some(TlsInfo { version, cipher, group, alpn, .. }) = &tls {
        let group = group.as_deref().unwrap_or("-");
        let alpn = alpn.as_deref().map_or("-".into(), String::from_utf8_lossy);
        let _ = write!(text, "{version} {cipher} {group} {alpn}");
    }
    text.push('\n');
    let ConnectTimings { dns, connect, tls: handshake } = info.connecting;
    push_parts(&mut text, &[dns, connect, handshake].map(|part| part.map(micros)));
    text.push('\n');
    let certificates = tls.map(|tls| tls.certificates).unwrap_or_default();
    let lengths: Vec<String> = certificates.iter().map(|certificate| certificate.len().to_string()).collect();
    text.push_str(&lengths.join(" "));
    text.push('\n');
    let mut bytes = text.into_bytes();
    certificates.iter().for_each(|certificate| bytes.extend_from_slice(certificate));
    bytes
}

/// Of an exchange that failed, as far as it came: `pool dns connect tls send wait receive`, then where its connection led and `reused`
/// or `new`. The last part that there is lasts until now. `head_us`: it had a head.
pub(crate) fn course(timeline: &Timeline, at: Instant, head_us: Option<u32>) -> String {
    let now = micros(at.elapsed());
    let since = |moment: tokio::time::Instant| micros(moment.into_std().saturating_duration_since(at));
    let Timeline { acquired, connecting, sent, peer, established, .. } = *timeline;
    let mut parts = [None; 7];
    parts[0] = Some(acquired.map_or(now, since));
    if acquired.is_some() {
        for (part, spent) in parts[1..4].iter_mut().zip([connecting.dns, connecting.connect, connecting.tls]) {
            *part = spent.map(micros);
        }
    }
    let sum = |parts: &[Option<u32>]| parts.iter().flatten().fold(0_u32, |sum, part| sum.saturating_add(*part));
    if established.is_some() {
        parts[4] = Some(0);
        if let Some(sent) = sent {
            parts[4] = Some(since(sent).saturating_sub(sum(&parts)));
            parts[5] = Some(0);
        }
        if let Some(head) = head_us {
            parts[5] = Some(head.saturating_sub(sum(&parts)));
            parts[6] = Some(0);
        }
    }
    let left = now.saturating_sub(sum(&parts));
    if let Some(last) = parts.iter_mut().rev().flatten().next() {
        *last += left;
    }
    let mut text = String::new();
    push_parts(&mut text, &parts);
    if let Some(peer) = peer {
        text.push(' ');
        push_peer(&mut text, peer);
        let is_reused = established.is_some_and(|established| established.into_std() <= at);
        text.push_str(if is_reused { " reused" } else { " new" });
    }
    text
}

fn push_parts(text: &mut String, parts: &[Option<u32>]) {
    for (at, part) in parts.iter().enumerate() {
        let gap = if at == 0 { "" } else { " " };
        let _ = match part {
            Some(us) => write!(text, "{gap}{us}"),
            None => write!(text, "{gap}-"),
        };
    }
}

fn push_peer(text: &mut String, Peer { remote, local }: Peer) {
    let [remote, local]: [SocketAddr; 2] = [remote, local];
    let _ = write!(text, "{} {} {} {}", remote.ip(), remote.port(), local.ip(), local.port());
}

/// As far as 71 minutes.
pub(crate) fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}
