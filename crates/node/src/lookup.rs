//! Names that JavaScript looks up: a question goes up as a record, the answer comes down by `Engine.answerLookup`.

use crate::outbox::Outbox;
use crate::record::{Body, Kind, Record};
use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;
use whippet_core::{Lookup, LookupError, LookupFuture};

type Answer = Result<Vec<IpAddr>, LookupError>;

/// The questions of one environment that are not answered yet.
#[derive(Default)]
pub(crate) struct Questions {
    open: Mutex<HashMap<u32, oneshot::Sender<Answer>>>,
    last: AtomicU32,
}

impl Questions {
    fn ask(&self) -> (u32, oneshot::Receiver<Answer>) {
        let (sender, answer) = oneshot::channel();
        // Zero is none.
        let number = self.last.fetch_add(1, Ordering::Relaxed).wrapping_add(1).max(1);
        self.lock().insert(number, sender);
        (number, answer)
    }

    /// A question that was given up has no one to answer.
    pub(crate) fn answer(&self, number: u32, answer: Answer) {
        let open = self.lock().remove(&number);
        if let Some(open) = open {
            let _ = open.send(answer);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u32, oneshot::Sender<Answer>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One pool's function in JavaScript.
pub(crate) struct JsLookup {
    /// Of its listener.
    pub(crate) id: u32,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) questions: Arc<Questions>,
}

impl Lookup for JsLookup {
    fn lookup(&self, host: &str) -> LookupFuture {
        let (number, answer) = self.questions.ask();
        let given_up = GivenUp { questions: self.questions.clone(), number };
        self.outbox.push(Record { received: number, body: Body::Text(host), ..Record::new(self.id, Kind::Lookup) });
        Box::pin(async move {
            let _given_up = given_up;
            match answer.await {
                Ok(answer) => Ok(answer?.into_iter().map(|address| SocketAddr::new(address, 0)).collect()),
                Err(_) => Err(LookupError { code: "EAI_FAIL", message: "it was not answered".into(), reason: None }),
            }
        })
    }
}

impl fmt::Debug for JsLookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<JsLookup {}>", self.id)
    }
}

impl Drop for JsLookup {
    fn drop(&mut self) {
        self.outbox.push(Record::new(self.id, Kind::LookupEnded));
    }
}

struct GivenUp {
    questions: Arc<Questions>,
    number: u32,
}

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.questions.lock().remove(&self.number);
    }
}

/// What a function threw, which JavaScript keeps by the number of the question for as long as this is there.
pub(crate) struct Thrown {
    number: u32,
    outbox: Arc<Outbox>,
}

impl Thrown {
    /// The failure of a question whose function threw.
    pub(crate) fn failure(number: u32, message: String, outbox: Arc<Outbox>) -> LookupError {
        LookupError { code: "ENOTFOUND", message, reason: Some(Arc::new(Thrown { number, outbox })) }
    }

    /// The number of the question that `error` comes from; zero where it comes from none.
    pub(crate) fn number_of(error: &whippet_core::Error) -> u32 {
        let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<LookupError>());
        let thrown = source.and_then(|error| error.reason.as_ref()?.downcast_ref::<Thrown>());
        thrown.map_or(0, |thrown| thrown.number)
    }
}

impl Drop for Thrown {
    fn drop(&mut self) {
        self.outbox.push(Record { received: self.number, ..Record::new(u32::MAX, Kind::LookupForgotten) });
    }
}
