//! What is known of names: answers are used again for a while, and those that ask for one name at one time share the question.

use super::lookup::{self, Lookup, LookupError, LookupFuture};
use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, spawn_local};
use tokio::time::Instant;

/// The names that one pool connects to.
pub(super) struct Names {
    /// In the place of the system's resolver.
    lookup: Option<Arc<dyn Lookup>>,
    /// How long an answer is used again; zero: not.
    ttl: Duration,
    known: RefCell<HashMap<Box<str>, Known>>,
}

/// The addresses of a name, in the resolver's order; at least one. Their port does not count.
pub(super) type Answer = Rc<[SocketAddr]>;

type Answered = Result<Answer, LookupError>;

#[derive(Default)]
struct Known {
    answer: Option<(Answer, Instant)>,
    question: Weak<Question>,
}

impl Names {
    pub(super) fn new(lookup: Option<Arc<dyn Lookup>>, ttl: Option<Duration>) -> Self {
        Names { lookup, ttl: ttl.unwrap_or_default(), known: RefCell::default() }
    }

    /// The addresses of `host`, from memory or by asking.
    pub(super) async fn find(&self, host: &str) -> Answered {
        let now = Instant::now();
        let question = {
            let mut known = self.known.borrow_mut();
            let entry = known.get(host);
            if let Some((answer, _)) = entry.and_then(|entry| entry.answer.as_ref()).filter(|(_, until)| *until > now) {
                return Ok(answer.clone());
            }
            let shared = entry.and_then(|entry| entry.question.upgrade());
            match shared.filter(|question| now.duration_since(question.asked) < MAX_SHARED_FOR) {
                Some(question) => question,
                None => {
                    let question = Question::ask(self.start(host), now);
                    make_room(&mut known, now);
                    known.entry(host.into()).or_default().question = Rc::downgrade(&question);
                    question
                }
            }
        };
        let answered = question.answered().await;
        self.settle(host, &question, answered)
    }

    fn start(&self, host: &str) -> LookupFuture {
        match &self.lookup {
            // An address with a zone is none of its business: only the system knows its interfaces.
            Some(lookup) if !host.contains(':') => lookup.lookup(host),
            _ => {
                // RFC 6761 section 6.3: always this machine; the system's resolver knows it only without the root's dot.
                let host = if host == "localhost." { "localhost" } else { host };
                Box::pin(lookup::by_system(host.to_owned()))
            }
        }
    }

    /// Called by each that shared the question; the first one writes the answer down.
    fn settle(&self, host: &str, question: &Rc<Question>, answered: Answered) -> Answered {
        let mut known = self.known.borrow_mut();
        let is_latest = |entry: &&mut Known| std::ptr::eq(entry.question.as_ptr(), Rc::as_ptr(question));
        if let Some(entry) = known.get_mut(host).filter(is_latest) {
            let before = entry.answer.take();
            entry.question = Weak::new();
            match &answered {
                Ok(answer) if !self.ttl.is_zero() => {
                    entry.answer = Instant::now().checked_add(self.ttl).map(|until| (answer.clone(), until));
                }
                // The resolver fails, which the name may survive: what it said last is good for one more time.
                Err(_) => drop(question.stale.set(before.map(|(answer, _)| answer))),
                Ok(_) => {}
            }
            if entry.answer.is_none() {
                known.remove(host);
            }
        }
        answered.or_else(|error| question.stale.get().cloned().flatten().ok_or(error))
    }

    /// All names are asked for again.
    pub(super) fn forget_all(&self) {
        self.known.borrow_mut().clear();
    }

    /// None of these addresses could be connected to: the name is asked for again.
    pub(super) fn forget(&self, host: &str, answer: &Answer) {
        let mut known = self.known.borrow_mut();
        let is_it = |entry: &&mut Known| entry.answer.as_ref().is_some_and(|(own, _)| Rc::ptr_eq(own, answer));
        if let Some(entry) = known.get_mut(host).filter(is_it) {
            entry.answer = None;
            if entry.question.strong_count() == 0 {
                known.remove(host);
            }
        }
    }
}

/// A crawler asks for ever new names, and keeps none.
const MAX_KNOWN_COUNT: usize = 4_096;

/// A question that is older is not joined: another one may be answered.
const MAX_SHARED_FOR: Duration = Duration::from_secs(10);

fn make_room(known: &mut HashMap<Box<str>, Known>, now: Instant) {
    if known.len() < MAX_KNOWN_COUNT {
        return;
    }
    known.retain(|_, entry| {
        entry.question.strong_count() > 0 || entry.answer.as_ref().is_some_and(|(_, until)| *until > now)
    });
    if known.len() >= MAX_KNOWN_COUNT {
        known.retain(|_, entry| entry.question.strong_count() > 0);
    }
}

/// A question under way. It is given up when the last one that asked goes.
struct Question {
    asked: Instant,
    answer: OnceCell<Answered>,
    /// What was known before, should there be no answer.
    stale: OnceCell<Option<Answer>>,
    is_answered: Notify,
    task: OnceCell<AbortHandle>,
}

impl Question {
    fn ask(looking: LookupFuture, now: Instant) -> Rc<Question> {
        let question = Rc::new(Question {
            asked: now,
            answer: OnceCell::new(),
            stale: OnceCell::new(),
            is_answered: Notify::new(),
            task: OnceCell::new(),
        });
        let answering = Answering(Rc::downgrade(&question));
        let task = spawn_local(async move {
            let answered = match looking.await {
                Ok(addresses) if addresses.is_empty() => Err(LookupError::new("ENOTFOUND", "the name has no address")),
                answered => answered.map(|addresses| distinct(addresses).into()),
            };
            answering.answer(answered);
        });
        let _ = question.task.set(task.abort_handle());
        question
    }

    async fn answered(&self) -> Answered {
        let is_answered = self.is_answered.notified();
        if let Some(answer) = self.answer.get() {
            return answer.clone();
        }
        is_answered.await;
        self.answer.get().cloned().unwrap_or_else(|| Err(LookupError::new("EAI_FAIL", "the resolver failed")))
    }
}

/// Each address once, where it comes first: what has been tried is not tried again. An address of IPv4 that is written as one of IPv6
/// is the same: a machine without IPv6, and Windows, connect to it only so.
fn distinct(mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    for address in &mut addresses {
        address.set_ip(address.ip().to_canonical());
    }
    if addresses.len() > 1 {
        let mut seen = HashSet::with_capacity(addresses.len());
        addresses.retain(|address| seen.insert(*address));
    }
    addresses
}

impl Drop for Question {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

/// The task of a question; a panic in it is a failure like others.
struct Answering(Weak<Question>);

impl Answering {
    fn answer(&self, answered: Answered) {
        if let Some(question) = self.0.upgrade() {
            let _ = question.answer.set(answered);
            question.is_answered.notify_waiters();
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.answer(Err(LookupError::new("EAI_FAIL", "the resolver failed")));
    }
}

#[cfg(test)]
mod tests;
