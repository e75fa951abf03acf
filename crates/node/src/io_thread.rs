//! The I/O thread: it carries out the commands that come down, one after the other, and runs the exchanges and the pools.
//! What becomes of an exchange is said in `exchange`.

use crate::command::{Command, Flags, Subject, Submission};
use crate::copies::Copies;
use crate::exchange::{CompletionGuard, Credit, drive, preconnect};
use crate::files::{Feeding, FileJob, Files, Reply, SaveTo};
use crate::memory::{QUIET_AFTER, give_back};
use crate::options::Profile;
use crate::outbox::Outbox;
use crate::panics;
use crate::record::{Kind, Record};
use crate::timings::Connections;
use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::task::{AbortHandle, LocalSet, spawn_local};
use tokio::time::timeout;
use whippet_core::{BodySender, Client, MAX_LOOKUP_THREADS, RequestBody};

/// Threads that may read trust stores at once.
const TRUST_THREADS: usize = 4;

/// Threads that may block on files at once.
const DISK_THREADS: usize = 4;

pub(crate) struct IoThread(Mutex<Option<JoinHandle<()>>>);

impl IoThread {
    pub(crate) fn start(
        queue: UnboundedReceiver<Command>,
        outbox: Arc<Outbox>,
        copies: Arc<Copies>,
    ) -> std::io::Result<IoThread> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(MAX_LOOKUP_THREADS + TRUST_THREADS + DISK_THREADS)
            .thread_name("whippet-resolve")
            .build()?;
        let thread = std::thread::Builder::new()
            .name("whippet-io".into())
            // musl's default of 128 KiB is too small for certificate verification.
            .stack_size(2 * 1024 * 1024)
            .spawn(move || {
                block_signals();
                let tasks = LocalSet::new();
                tasks.block_on(&runtime, run(queue, outbox, copies));
                drop(tasks);
                // A resolver thread may sit in getaddrinfo for as long as the system lets it.
                runtime.shutdown_background();
            })?;
        Ok(IoThread(Mutex::new(Some(thread))))
    }

    /// Returns when the thread has ended. Idempotent.
    pub(crate) fn stop(&self, commands: &UnboundedSender<Command>) {
        let thread = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = commands.send(Command::Stop);
            let _ = thread.join();
        }
    }
}

/// Signals are for Node's own threads.
fn block_signals() {
    #[cfg(unix)]
    // SAFETY: the set is initialised by sigfillset before it is read; only this thread's mask changes.
    unsafe {
        let mut all = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), std::ptr::null_mut());
    }
}

/// What the I/O thread keeps of one running exchange.
struct Exchange {
    task: AbortHandle,
    credit: Rc<Credit>,
    upload: Option<Rc<BodySender>>,
    feeding: Rc<Feeding>,
    /// The task that reads a file for the request.
    feeder: RefCell<Option<AbortHandle>>,
}

impl Exchange {
    /// One without bodies.
    fn new(task: AbortHandle) -> Exchange {
        Exchange { task, credit: Rc::default(), upload: None, feeding: Rc::default(), feeder: RefCell::default() }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let Some(feeder) = self.feeder.take() {
            feeder.abort();
        }
    }
}

struct Io {
    pools: RefCell<HashMap<u32, Client>>,
    exchanges: RefCell<HashMap<u32, Exchange>>,
    files: Files,
    connections: Rc<Connections>,
}

async fn run(mut queue: UnboundedReceiver<Command>, outbox: Arc<Outbox>, copies: Arc<Copies>) {
    let io = Rc::new(Io {
        pools: RefCell::default(),
        exchanges: RefCell::default(),
        files: Files::new(DISK_THREADS),
        connections: Rc::default(),
    });
    loop {
        let Some(command) = next(&mut queue, &outbox, &copies).await else { break };
        if matches!(command, Command::Stop) {
            break;
        }
        let subject = command.subject();
        // The thread outlives a fault of its own: without it, no later request would ever end.
        if catch_unwind(AssertUnwindSafe(|| io.carry_out(command, &outbox))).is_err() {
            io.give_up(subject, &outbox);
        }
    }
}

/// The next command. While none comes, freed memory goes back to the system, ever more rarely: connections fall asleep, and
/// end, long after the last command.
async fn next(queue: &mut UnboundedReceiver<Command>, outbox: &Outbox, copies: &Copies) -> Option<Command> {
    let mut pause = QUIET_AFTER;
    loop {
        if let Ok(command) = timeout(pause, queue.recv()).await {
            return command;
        }
        give_back();
        if !copies.is_empty() {
            outbox.give_back();
        }
        pause = pause.saturating_mul(2);
    }
}

fn writable(id: u32, stopped: bool) -> Record<'static> {
    Record { status: stopped.into(), ..Record::new(id, Kind::Writable) }
}

impl Io {
    fn carry_out(self: &Rc<Self>, command: Command, outbox: &Arc<Outbox>) {
        // Those of an exchange panic when its guard is there, which has the last word.
        if !matches!(command, Command::Send(_) | Command::Preconnect { .. }) {
            panics::point(command.name());
        }
        match command {
            Command::Stop => {}
            Command::Send(submission) => self.send(*submission, outbox),
            Command::Read { id, wish } => self.with(id, |exchange| exchange.credit.give(wish)),
            Command::Write { id, chunk } => self.with(id, |exchange| {
                if exchange.upload.as_ref().is_some_and(|upload| upload.push(chunk)) {
                    outbox.push(writable(id, false));
                }
            }),
            Command::WriteFile { id, part } => self.with(id, |exchange| {
                let Some(upload) = exchange.upload.clone() else { return };
                let (feeding, disk, outbox) = (exchange.feeding.clone(), self.files.disk.clone(), outbox.clone());
                let feeder = spawn_local(async move { feeding.feed(id, part, upload, disk, outbox).await });
                let before = exchange.feeder.replace(Some(feeder.abort_handle()));
                if let Some(before) = before {
                    before.abort();
                }
            }),
            Command::Save { id, file, reports_progress } => self.with(id, |exchange| {
                exchange.credit.save(SaveTo { jobs: self.files.jobs(file), reports_progress });
            }),
            Command::File { id, file, job } => {
                let reply = id.map_or(Reply::None, |id| Reply::Record(id, outbox.clone()));
                match job {
                    FileJob::Open { .. } => self.files.open(file, job, reply),
                    job => self.files.submit(file, job, reply),
                }
            }
            Command::End(id) => self.with(id, |exchange| {
                if let Some(upload) = &exchange.upload {
                    upload.end();
                }
            }),
            Command::Restart(id) => self.with(id, |exchange| {
                if let Some(upload) = &exchange.upload {
                    upload.restart();
                }
            }),
            Command::Cancel(id) => self.with(id, |exchange| exchange.task.abort()),
            Command::OpenPool { pool, config, stats } => {
                let made = Client::new(*config);
                let _ = stats.set(made.stats());
                self.pools.borrow_mut().insert(pool, made);
            }
            Command::Preconnect { id, profile, origin, count } => self.preconnect(id, profile, origin, count, outbox),
            Command::DrainPool { id, pool } => {
                let found = self.pools.borrow().get(&pool).cloned();
                if let Some(pool) = found {
                    pool.drain();
                }
                outbox.push(Record::new(id, Kind::Closed));
            }
            Command::ClosePool { id, pool } => {
                let found = self.pools.borrow_mut().remove(&pool);
                if let Some(pool) = found {
                    pool.close();
                }
                if let Some(id) = id {
                    outbox.push(Record::new(id, Kind::Closed));
                }
            }
        }
    }

    /// What a command that panicked was about comes to its end.
    fn give_up(&self, subject: Subject, outbox: &Outbox) {
        match subject {
            // Its guard has the last word.
            Subject::Exchange(id) => self.with(id, |exchange| exchange.task.abort()),
            Subject::File(id) => outbox.fault(id),
            Subject::Pool(id) => outbox.push(Record::new(id, Kind::Closed)),
            Subject::None => {}
        }
    }

    /// An exchange that has ended already is no error: its last record is on its way to JavaScript.
    fn with(&self, id: u32, act: impl FnOnce(&Exchange)) {
        if let Some(exchange) = self.exchanges.borrow().get(&id) {
            act(exchange);
        }
    }

    /// For one that begins now: its end frees its id.
    fn guard(self: &Rc<Self>, id: u32, outbox: &Arc<Outbox>) -> CompletionGuard {
        let io = Rc::downgrade(self);
        let on_end = Box::new(move |id: u32| {
            if let Some(io) = io.upgrade() {
                let ended = io.exchanges.borrow_mut().remove(&id);
                drop(ended);
            }
        });
        CompletionGuard::new(id, outbox.clone(), on_end)
    }

    fn preconnect(self: &Rc<Self>, id: u32, profile: Arc<Profile>, origin: String, count: u32, outbox: &Arc<Outbox>) {
        let guard = self.guard(id, outbox);
        panics::point("command preconnect");
        let Some(pool) = self.pools.borrow().get(&profile.pool).cloned() else {
            return;
        };
        let task = spawn_local(preconnect(profile, origin, count, pool, guard)).abort_handle();
        self.exchanges.borrow_mut().insert(id, Exchange::new(task));
    }

    fn send(self: &Rc<Self>, mut submission: Submission, outbox: &Arc<Outbox>) {
        let id = submission.id;
        let guard = self.guard(id, outbox);
        panics::point("command send");
        let Some(pool) = self.pools.borrow().get(&submission.profile.pool).cloned() else {
            return;
        };
        let feeding = Rc::new(Feeding::default());
        let (upload, body) = match submission.body.take() {
            _ if submission.flags.streams_request() => {
                let (sender, body) = upload(id, submission.flags, outbox, feeding.clone());
                (Some(Rc::new(sender)), body)
            }
            Some(bytes) => (None, RequestBody::Bytes(bytes)),
            None => (None, RequestBody::Empty),
        };
        let credit = Rc::new(Credit::default());
        // Boxed, as tokio moves a task's future about: when it is spawned, and with each change of its stage.
        let drive = Box::pin(drive(submission, body, pool, credit.clone(), guard, self.connections.clone()));
        let task = spawn_local(drive).abort_handle();
        let exchange = Exchange { credit, upload, feeding, task, feeder: RefCell::default() };
        self.exchanges.borrow_mut().insert(id, exchange);
    }
}

fn upload(id: u32, flags: Flags, outbox: &Arc<Outbox>, feeding: Rc<Feeding>) -> (BodySender, RequestBody) {
    let (of_room, of_feeding) = (outbox.clone(), feeding.clone());
    let on_room = move |stopped| {
        if !of_feeding.takes_room() || stopped {
            of_room.push(writable(id, stopped));
        }
    };
    match flags.can_restart_request() {
        true => {
            let outbox = outbox.clone();
            let on_restart = move || {
                feeding.give_up();
                outbox.push(Record::new(id, Kind::Restart));
            };
            RequestBody::restartable_channel(on_room, on_restart)
        }
        false => RequestBody::channel(on_room),
    }
}
