//! Windows that fit the path, and signs of life: both by PING.
//!
//! A window that is smaller than what fits into one round trip slows a body down. While data comes, a PING measures how
//! much arrives within one; when that nears the window, the window is doubled.

use super::{CONNECTION_WINDOW, Io, STREAM_WINDOW, Shared};
use bytes::Bytes;
use h2::client::Connection;
use h2::{Ping, PingPong};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// As far as a stream's window grows.
const MAX_STREAM_WINDOW: u32 = 16 * 1024 * 1024;

/// RFC 9113 section 6.9.1.
const MAX_CONNECTION_WINDOW: u64 = (1 << 31) - 1;

/// Bytes since the last measurement that make another one worth its PING.
const MIN_MEASURED_BYTES: u64 = 256 * 1024;

/// Between two measurements: doubled each time that nothing was learnt.
const MIN_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(10);

pub(super) struct Tuning {
    ping_pong: Option<PingPong>,
    sent: Option<Measurement>,
    next: Instant,
    pause: Duration,
    received: u64,
    stream_window: u32,
    /// What the peer was told.
    told_stream_window: u32,
    told_connection_window: u32,
    ping_interval: Option<Duration>,
    alarm: Option<Pin<Box<Sleep>>>,
}

struct Measurement {
    at: Instant,
    received: u64,
}

impl Tuning {
    pub(super) fn new(ping_pong: Option<PingPong>, ping_interval: Option<Duration>) -> Tuning {
        Tuning {
            ping_pong,
            sent: None,
            next: Instant::now(),
            pause: MIN_PAUSE,
            received: 0,
            stream_window: STREAM_WINDOW,
            told_stream_window: STREAM_WINDOW,
            told_connection_window: CONNECTION_WINDOW,
            ping_interval,
            alarm: None,
        }
    }

    /// Tells the peer the windows that are due. The connection's window is at least the sum of the streams' windows, so that
    /// unread bodies never keep the others from coming.
    pub(super) fn apply(&mut self, connection: &mut Connection<Io, Bytes>, shared: &Shared) {
        let of_streams = (shared.streams.get() as u64 + 1) * u64::from(self.stream_window);
        let wanted = u64::from(CONNECTION_WINDOW).max(of_streams).min(MAX_CONNECTION_WINDOW) as u32;
        if wanted > self.told_connection_window {
            connection.set_target_window_size(wanted);
            self.told_connection_window = wanted;
        }
        // It fails while the peer has not confirmed the last change: then the next turn does it.
        if self.stream_window > self.told_stream_window
            && connection.set_initial_window_size(self.stream_window).is_ok()
        {
            self.told_stream_window = self.stream_window;
        }
    }

    /// Ready when the peer has not answered a PING in time.
    pub(super) fn poll(&mut self, shared: &Shared, cx: &mut Context<'_>) -> Poll<()> {
        let Some(ping_pong) = &mut self.ping_pong else { return Poll::Pending };
        let now = Instant::now();
        if self.sent.is_some() && matches!(ping_pong.poll_pong(cx), Poll::Ready(Ok(_))) {
            self.answered(shared, now);
        }
        let received = shared.socket.progress.received();
        let worth_it = received - self.received >= MIN_MEASURED_BYTES && self.next <= now;
        if self.is_given_up(shared, now) {
            shared.retired.set(true);
            return Poll::Pending;
        }
        let silent = self.ping_interval.filter(|_| shared.streams.get() > 0);
        let overdue = silent.is_some_and(|interval| shared.socket.progress.last_received() + interval <= now);
        match &self.sent {
            Some(sent) => {
                if let Some(interval) = self.ping_interval {
                    if sent.at + interval <= now && shared.socket.progress.last_received() < sent.at {
                        return Poll::Ready(());
                    }
                    let at = (sent.at + interval).max(now + Duration::from_millis(1));
                    let at = shared.doubt.get().map_or(at, |doubt| doubt.until.min(at));
                    return self.wake_at(at, cx);
                }
            }
            None if worth_it || overdue || shared.doubt.get().is_some_and(|doubt| doubt.probe_at <= now) => {
                if let Some(ping_pong) = &mut self.ping_pong
                    && ping_pong.send_ping(Ping::opaque()).is_ok()
                {
                    self.sent = Some(Measurement { at: now, received });
                    // The connection has to be polled once more for it to go out, and again for its answer.
                    cx.waker().wake_by_ref();
                }
            }
            None => {
                if let Some(interval) = silent {
                    let at = shared.socket.progress.last_received() + interval;
                    let at = shared.doubt.get().map_or(at, |doubt| doubt.probe_at.min(at));
                    return self.wake_at(at, cx);
                }
            }
        }
        match shared.doubt.get() {
            Some(doubt) => self.wake_at(if self.sent.is_some() { doubt.until } else { doubt.probe_at }, cx),
            None => Poll::Pending,
        }
    }

    /// Whether a peer that callers gave up on has said nothing for as long as is borne. Whatever it says ends the doubt.
    fn is_given_up(&mut self, shared: &Shared, now: Instant) -> bool {
        let Some(doubt) = shared.doubt.get() else { return false };
        if shared.socket.progress.last_received() > doubt.since {
            shared.doubt.set(None);
            return false;
        }
        doubt.until <= now
    }

    fn answered(&mut self, shared: &Shared, now: Instant) {
        let Some(sent) = self.sent.take() else { return };
        let received = shared.socket.progress.received();
        let within = received - sent.received;
        let grows = within >= u64::from(self.stream_window) * 2 / 3 && self.stream_window < MAX_STREAM_WINDOW;
        if grows {
            self.stream_window *= 2;
            self.pause = MIN_PAUSE;
        } else {
            self.pause = (self.pause * 2).min(MAX_PAUSE);
        }
        self.received = received;
        self.next = now + self.pause;
    }

    fn wake_at(&mut self, at: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(at)));
        alarm.as_mut().reset(at);
        if alarm.as_mut().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}
