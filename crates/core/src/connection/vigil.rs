//! Peers that vanished while something was on its way to them. The kernel's keepalive probes do not run then: it sends again what
//! was not acknowledged, for a quarter of an hour. So the connections of a pool are looked at as often as probes would need to tell.
//!
//! TCP_USER_TIMEOUT would do it without a look, and cut a peer as well that lives and merely stops reading. That one acknowledges
//! what it is asked, and is left alone.

use crate::connection::meter::MeteredSocket;
use std::cell::{Cell, RefCell};
use std::mem::take;
use std::rc::{Rc, Weak};
use std::time::Duration;
use tokio::task::yield_now;
use tokio::time::sleep;

/// Of one pool.
pub(crate) struct Vigil {
    /// How long a peer may be silent while it owes an acknowledgement; `None`: for as long as the kernel bears it.
    patience: Option<Duration>,
    watched: RefCell<Vec<Weak<MeteredSocket>>>,
    /// Of those watched, the ones that were open when that was last asked.
    open_count: Cell<usize>,
    is_awake: Cell<bool>,
}

impl Vigil {
    pub(crate) fn new(patience: Option<Duration>) -> Rc<Vigil> {
        Rc::new(Vigil { patience, watched: RefCell::default(), open_count: Cell::new(0), is_awake: Cell::new(false) })
    }

    /// For as long as the connection is open.
    pub(crate) fn watch(self: &Rc<Self>, socket: &Rc<MeteredSocket>) {
        let Some(patience) = self.patience else { return };
        {
            let mut watched = self.watched.borrow_mut();
            watched.push(Rc::downgrade(socket));
            // Of connections that come and go nothing piles up until the next look.
            if watched.len() > 2 * self.open_count.get() + STEP_COUNT {
                watched.retain(|socket| socket.strong_count() > 0);
                self.open_count.set(watched.len());
            }
        }
        if self.is_awake.replace(true) {
            return;
        }
        let this = Rc::downgrade(self);
        tokio::task::spawn_local(async move {
            loop {
                sleep(patience / LOOKS_PER_PATIENCE).await;
                let Some(vigil) = this.upgrade() else { return };
                if !vigil.look(patience).await {
                    return;
                }
            }
        });
    }

    /// False when nothing is left to look at.
    async fn look(&self, patience: Duration) -> bool {
        let mut sockets = take(&mut *self.watched.borrow_mut());
        for step in sockets.chunks(STEP_COUNT) {
            for socket in step.iter().filter_map(Weak::upgrade) {
                socket.end_if_vanished(patience);
            }
            yield_now().await;
        }
        sockets.retain(|socket| socket.strong_count() > 0);
        let mut watched = self.watched.borrow_mut();
        watched.append(&mut sockets);
        self.open_count.set(watched.len());
        self.is_awake.set(!watched.is_empty());
        self.is_awake.get()
    }
}

const LOOKS_PER_PATIENCE: u32 = 16;

/// Connections that are looked at before others have their turn.
const STEP_COUNT: usize = 128;
