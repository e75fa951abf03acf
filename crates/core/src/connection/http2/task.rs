//! The task that drives one connection: it moves the frames, sees what the peer allows, and ends when it is told to.

use super::tuning::Tuning;
use super::{Http2, Shared, UNSETTLED};
use crate::connect::Stream;
use crate::connection::meter::MeteredStream;
use bytes::Bytes;
use h2::client::Connection;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Weak;
use std::task::Poll;
use std::time::Duration;
use tokio::time::timeout;

/// A peer that does not read has so long to take our goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

pub(super) async fn run(
    mut connection: Connection<MeteredStream<Stream>, Bytes>,
    http2: &Weak<Http2>,
    shared: &Shared,
    ping_interval: Option<Duration>,
    on_room: impl Fn(),
) {
    let mut tuning = Tuning::new(connection.ping_pong(), ping_interval);
    let mut dropped = pin!(shared.dropped.notified());
    let mut is_dropped = false;
    poll_fn(|cx| {
        tuning.apply(&mut connection, shared);
        if Pin::new(&mut connection).poll(cx).is_ready() || tuning.poll(shared, cx).is_ready() {
            return Poll::Ready(());
        }
        if notice(&connection, http2, shared) {
            shared.room.notify_waiters();
            on_room();
        }
        is_dropped = is_dropped || dropped.as_mut().poll(cx).is_ready();
        // The exchanges that are under way come to their end first.
        if is_dropped && shared.streams.get() == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    if is_dropped {
        let _ = timeout(GOODBYE, connection).await;
    }
}

/// Whether something has changed that those who wait for a stream should know.
fn notice(connection: &Connection<MeteredStream<Stream>, Bytes>, http2: &Weak<Http2>, shared: &Shared) -> bool {
    let most = connection.max_concurrent_send_streams();
    let before = shared.max_streams.replace(most);
    // That the limit is known now is news as well: who waited for it may need another connection.
    let more = most != before && (most > before || before == UNSETTLED);
    let retired = shared.retired.get();
    let lost = shared.socket.has_write_error() || http2.upgrade().is_some_and(|http2| !http2.is_usable());
    if lost {
        shared.retired.set(true);
    }
    more || (lost && !retired)
}
