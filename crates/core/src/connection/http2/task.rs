//! The task that drives one connection: it moves the frames, sees what the peer allows, and ends when it is told to.

use super::tuning::Tuning;
use super::{BEFORE_SETTINGS, Http2, Io, Shared};
use bytes::Bytes;
use h2::client::Connection;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Weak;
use std::task::Poll;
use std::time::Duration;
use tokio::time::timeout;

/// A peer that does not read has so long to take our goodbye.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// Drives it until it has ended, or is not needed any more: then it is returned, to be ended in order.
pub(super) async fn run(
    mut connection: Connection<Io, Bytes>,
    http2: &Weak<Http2>,
    shared: &Shared,
    ping_interval: Option<Duration>,
    on_room: impl Fn(),
) -> Option<Connection<Io, Bytes>> {
    let mut tuning = Tuning::new(connection.ping_pong(), ping_interval);
    let mut dropped = pin!(shared.dropped.notified());
    let mut asked = pin!(shared.asked.notified());
    let (mut is_dropped, mut is_excessive, mut was_retired, mut has_news) = (false, false, false, false);
    poll_fn(|cx| {
        shared.frames.begin_turn();
        tuning.apply(&mut connection, shared);
        if Pin::new(&mut connection).poll(cx).is_ready() || tuning.poll(shared, cx).is_ready() {
            return Poll::Ready(());
        }
        while asked.as_mut().poll(cx).is_ready() {
            asked.set(shared.asked.notified());
        }
        has_news |= has_more_room(&connection, shared);
        if std::mem::take(&mut has_news) {
            shared.room.notify_waiters();
            on_room();
        }
        if is_lost(http2, shared) && !std::mem::replace(&mut was_retired, true) {
            // The exchanges that the peer has refused line up first, before those that have waited.
            shared.retired.set(true);
            has_news = true;
            cx.waker().wake_by_ref();
        }
        is_dropped = is_dropped || dropped.as_mut().poll(cx).is_ready();
        is_excessive = shared.frames.idle.is_exceeded();
        // The exchanges that are under way come to their end first.
        let is_over = (is_dropped || shared.retired.get()) && shared.streams.get() == 0;
        if is_excessive || is_over { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    // A peer that speaks without end hears no goodbye, as on HTTP/1.1.
    (!is_excessive && (is_dropped || shared.retired.get())).then_some(connection)
}

/// Tells the peer that nothing more comes, once the pool has let go of the connection.
pub(super) async fn say_goodbye(connection: Connection<Io, Bytes>) {
    let _ = timeout(SHUTDOWN_TIMEOUT, connection).await;
}

/// Whether more streams are allowed than before. That the limit is known now counts as well: a request that waited for it
/// may need another connection.
fn has_more_room(connection: &Connection<Io, Bytes>, shared: &Shared) -> bool {
    let most = connection.max_concurrent_send_streams();
    let before = shared.max_streams.replace(most);
    most != before && (most > before || before == BEFORE_SETTINGS)
}

/// Whether the connection is to get no more streams.
fn is_lost(http2: &Weak<Http2>, shared: &Shared) -> bool {
    shared.frames.is_worn()
        || shared.socket.has_write_error()
        || http2.upgrade().is_some_and(|http2| !http2.is_usable())
}
