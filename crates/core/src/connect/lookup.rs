//! One look-up of a name: by the system's resolver, or by what stands in its place. Sharing and keeping answers is
//! [`super::names`]' work.

use crate::error::io_code;
use dns_lookup::{AddrInfoHints, LookupErrorKind, SockType, getaddrinfo};
use std::any::Any;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

/// Names to addresses, in the place of the system's resolver.
pub trait Lookup: fmt::Debug + Send + Sync {
    /// The addresses of `host`, best first; their port does not count.
    fn lookup(&self, host: &str) -> LookupFuture;
}

/// An answer under way. Dropping it gives the question up.
pub type LookupFuture = Pin<Box<dyn Future<Output = Result<Vec<SocketAddr>, LookupError>>>>;

/// A name without an address, as far as is known. All that asked for it at one time share it.
#[derive(Clone, Debug)]
pub struct LookupError {
    /// As Node's dns module has it: `ENOTFOUND`, `EAI_AGAIN` …
    pub code: &'static str,
    /// In a few words.
    pub message: String,
    /// What an implementation of [`Lookup`] wants to find again in the error of the exchange.
    pub reason: Option<Arc<dyn Any + Send + Sync>>,
}

impl LookupError {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        LookupError { code, message: message.into(), reason: None }
    }
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for LookupError {}

/// Threads of the runtime that may be in the system's resolver at once. It blocks, often for half a minute where a name's servers
/// do not answer.
pub const MAX_LOOKUP_THREADS: usize = 512;

/// Threads that are in it as a rule.
const USUAL_THREADS: usize = 32;

/// A look-up that takes longer gives its turn to another one: names that hang hold up no other.
const SLOW: Duration = Duration::from_millis(50);

thread_local!(static TURNS: Turns = Turns {
    usual: Arc::new(Semaphore::new(USUAL_THREADS)),
    threads: Arc::new(Semaphore::new(MAX_LOOKUP_THREADS)),
});

/// Of one runtime, which has one thread.
struct Turns {
    usual: Arc<Semaphore>,
    threads: Arc<Semaphore>,
}

/// Asks the system's resolver (files, DNS, mDNS: whatever nsswitch has): the addresses in its order (RFC 6724).
pub(super) async fn by_system(host: String) -> Result<Vec<SocketAddr>, LookupError> {
    let (usual, threads) = TURNS.with(|turns| (turns.usual.clone(), turns.threads.clone()));
    let closed = |_| LookupError::new("EAI_FAIL", "the resolver has ended");
    let turn = usual.acquire_owned().await.map_err(closed)?;
    let thread = threads.acquire_owned().await.map_err(closed)?;
    // The thread's permit is its own: it cannot be interrupted when the question is given up.
    let mut asked = Asked(spawn_blocking(move || {
        let _thread = thread;
        blocking(&host)
    }));
    let answered = match timeout(SLOW, &mut asked.0).await {
        Ok(answered) => answered,
        Err(_) => {
            drop(turn);
            (&mut asked.0).await
        }
    };
    answered.unwrap_or_else(|_| Err(LookupError::new("EAI_FAIL", "the resolver failed")))
}

/// What has not begun when it is given up never does.
struct Asked(JoinHandle<Result<Vec<SocketAddr>, LookupError>>);

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn blocking(host: &str) -> Result<Vec<SocketAddr>, LookupError> {
    let hints = AddrInfoHints { socktype: SockType::Stream.into(), ..AddrInfoHints::default() };
    let found = getaddrinfo(Some(host), None, Some(hints)).map_err(|error| {
        let kind = error.kind();
        let cause = io::Error::from(error);
        let code = match kind {
            LookupErrorKind::Again => "EAI_AGAIN",
            LookupErrorKind::Memory => "EAI_MEMORY",
            LookupErrorKind::Fail => "EAI_FAIL",
            // It is not the name that fails, but a socket or a file (EMFILE): another time may be better.
            LookupErrorKind::System => io_code(&cause).unwrap_or("EAI_SYSTEM"),
            _ => "ENOTFOUND",
        };
        LookupError::new(code, crate::error::io_text(&cause))
    })?;
    Ok(found.flatten().map(|entry| entry.sockaddr).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    /// Runs with one thread for what blocks, and that is taken until the sender goes.
    fn with_no_thread_free<W: Future<Output = ()>>(work: impl FnOnce(mpsc::Sender<()>) -> W) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build();
        runtime.expect("a runtime").block_on(async {
            let (sender, taken) = mpsc::channel::<()>();
            let taking = spawn_blocking(move || taken.recv().is_ok());
            work(sender).await;
            assert!(!taking.await.expect("a thread"));
        });
    }

    #[test]
    fn what_has_not_begun_when_it_is_given_up_never_does() {
        with_no_thread_free(|taken| async move {
            let begun = Arc::new(AtomicUsize::new(0));
            let ask = || {
                let begun = begun.clone();
                Asked(spawn_blocking(move || {
                    begun.fetch_add(1, Ordering::Relaxed);
                    Ok(Vec::new())
                }))
            };
            let mut asked: Vec<Asked> = (0..20).map(|_| ask()).collect();
            asked.truncate(1);
            drop(taken);
            for mut one in asked {
                assert!((&mut one.0).await.expect("an answer").is_ok());
            }
            spawn_blocking(|| ()).await.expect("behind them all");
            assert_eq!(begun.load(Ordering::Relaxed), 1);
        });
    }

    #[test]
    fn those_that_are_given_up_leave_their_turns_to_others() {
        with_no_thread_free(|taken| async move {
            // More than there are turns and threads: none of them comes to its end.
            for _ in 0..2 {
                let mut asked: Vec<_> = (0..MAX_LOOKUP_THREADS + USUAL_THREADS)
                    .map(|_| Box::pin(by_system("127.0.0.1".to_owned())))
                    .collect();
                for one in &mut asked {
                    assert!(timeout(Duration::ZERO, one).await.is_err());
                }
                drop(asked);
            }
            drop(taken);
            spawn_blocking(|| ()).await.expect("behind them all");
            let found = by_system("127.0.0.1".to_owned()).await.expect("an address");
            assert_eq!(found[0].ip(), std::net::Ipv4Addr::LOCALHOST);
            let (usual, threads) = TURNS.with(|turns| (turns.usual.clone(), turns.threads.clone()));
            assert_eq!((usual.available_permits(), threads.available_permits()), (USUAL_THREADS, MAX_LOOKUP_THREADS));
        });
    }
}
