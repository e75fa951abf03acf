//! The I/O thread and the two queues. One per Node environment; the façade makes it with the first request.

use crate::command::{Command, Flags, PoolStatsSlot, Subject, Submission};
use crate::copies::Copies;
use crate::exchange::{CompletionGuard, Credit, Wish, drive, preconnect};
use crate::files::{Feeding, FileHandle, FileJob, FilePart, Files, Reply, SaveTo};
use crate::lookup::{JsLookup, Questions, Thrown};
use crate::memory::{QUIET_AFTER, give_back};
use crate::options::{PoolOptions, Profile, ProfileOptions};
use crate::panics;
use crate::proxy::ProxyHandle;
use crate::record::{Kind, Outbox, Record};
use crate::timings::Connections;
use napi::bindgen_prelude::{BufferSlice, Function};
use napi::{Env, Error, JsString, Result};
use napi_derive::napi;
use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{AbortHandle, LocalSet, spawn_local};
use tokio::time::timeout;
use whippet_core::{BodySender, Client, MAX_LOOKUP_THREADS, PoolConfig, RequestBody};

/// Threads that may read trust stores at once.
const TRUST_THREADS: usize = 4;

/// Threads that may block on files at once.
const DISK_THREADS: usize = 4;

/// Carries requests to the I/O thread and completions back.
#[napi]
pub struct Engine {
    commands: UnboundedSender<Command>,
    outbox: Arc<Outbox>,
    copies: Arc<Copies>,
    questions: Arc<Questions>,
    thread: Arc<IoThread>,
    profiles: RefCell<Vec<Option<Arc<Profile>>>>,
    next_pool: u32,
    next_file: u32,
}

#[napi]
impl Engine {
    /// `onBatch(records, large)` is called with everything that has happened since it was called last. `outlivesViews`:
    /// this environment ends after every other one that its memory can be handed to, so that `large` need not be copies.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: Env,
        #[napi(ts_arg_type = "(records: Buffer, large: Buffer[]) => void")] on_batch: Function<'_, (), ()>,
        outlives_views: bool,
    ) -> Result<Self> {
        let copies = Arc::new(Copies::default());
        let outbox = Outbox::new(on_batch, outlives_views, copies.clone())?;
        let (commands, queue) = unbounded_channel();
        let thread = IoThread::start(queue, outbox.clone(), copies.clone())
            .map_err(|error| Error::from_reason(format!("cannot start the I/O thread: {error}")))?;
        let thread = Arc::new(thread);
        // Registered after the threadsafe function's own hook, so run before it: the thread is gone when Node takes
        // the function down.
        let (hooked, commands_of_hook, outbox_of_hook) = (thread.clone(), commands.clone(), outbox.clone());
        env.add_env_cleanup_hook((), move |()| {
            outbox_of_hook.close();
            hooked.stop(&commands_of_hook);
        })?;
        let (questions, profiles) = (Arc::default(), RefCell::default());
        Ok(Engine { commands, outbox, copies, questions, thread, profiles, next_pool: 0, next_file: 0 })
    }

    /// While busy, the process is held until something completes.
    #[napi(catch_unwind)]
    pub fn set_busy(&self, env: Env, busy: bool) {
        let Some(wake) = self.outbox.wake() else { return };
        // SAFETY: called on the JavaScript thread that made the function, which lives as long as the outbox.
        unsafe {
            match busy {
                true => napi::sys::napi_ref_threadsafe_function(env.raw(), wake.raw()),
                false => napi::sys::napi_unref_threadsafe_function(env.raw(), wake.raw()),
            };
        }
    }

    /// Makes a pool of connections; it is closed when the handle is closed or forgotten.
    #[napi(catch_unwind)]
    pub fn open_pool(&mut self, options: PoolOptions) -> Result<PoolHandle> {
        panics::point("open_pool");
        let lookup = options.lookup;
        let mut config: Box<PoolConfig> = Box::new(options.try_into()?);
        if let Some(id) = lookup {
            let (outbox, questions) = (self.outbox.clone(), self.questions.clone());
            config.overrides.lookup = Some(Arc::new(JsLookup { id, outbox, questions }));
        }
        let pool = self.next_pool;
        self.next_pool += 1;
        let stats = PoolStatsSlot::default();
        self.command(Command::OpenPool { pool, config, stats: stats.clone() });
        Ok(PoolHandle { pool, stats, commands: self.commands.clone() })
    }

    /// Registers what requests have in common; the number stands for it in `send`. Without a proxy they go directly.
    #[napi(catch_unwind)]
    pub fn open_profile(&self, options: ProfileOptions, proxy: Option<&ProxyHandle>) -> u32 {
        panics::point("open_profile");
        let profile = Some(Arc::new(Profile::new(options, proxy.map(|handle| handle.0.clone()))));
        let mut profiles = self.profiles.borrow_mut();
        match profiles.iter().position(Option::is_none) {
            Some(free) => {
                profiles[free] = profile;
                free as u32
            }
            None => {
                profiles.push(profile);
                profiles.len() as u32 - 1
            }
        }
    }

    #[napi(catch_unwind)]
    pub fn close_profile(&self, profile: u32) {
        if let Some(slot) = self.profiles.borrow_mut().get_mut(profile as usize) {
            *slot = None;
        }
    }

    /// Starts an exchange. `head` is method, origin and request-target, then names and values, each on a line of its own;
    /// `flags` is a sum of `SendFlag`s. `id` is free again after the last record.
    #[napi(catch_unwind)]
    pub fn send(
        &self,
        id: u32,
        profile: u32,
        flags: u32,
        head: JsString<'_>,
        body: Option<BufferSlice<'_>>,
    ) -> Result<()> {
        panics::point("send");
        let flags = Flags(flags);
        let profile = self.profile(profile)?;
        let body = body.map(|bytes| self.copies.make(&bytes));
        let head = head.into_latin1()?.take();
        self.command(Command::Send(Box::new(Submission { id, profile, flags, head, body, at: Instant::now() })));
        Ok(())
    }

    /// Opens connections to an origin, until `count` are there; a `Ready` record follows, or an `Error`. `cancel` ends it.
    #[napi(catch_unwind)]
    pub fn preconnect(&self, id: u32, profile: u32, origin: String, count: u32) -> Result<()> {
        let profile = self.profile(profile)?;
        self.command(Command::Preconnect { id, profile, origin, count });
        Ok(())
    }

    /// Asks for the next piece of a streamed response: one `Chunk`, or the `End`. The first call decides whether the body
    /// comes `raw` or decoded.
    #[napi(catch_unwind)]
    pub fn read(&self, id: u32, raw: bool) {
        let wish = if raw { Wish::RawPiece } else { Wish::Piece };
        panics::point("read");
        self.command(Command::Read { id, wish });
    }

    /// Asks for all that is left of a streamed response, decoded unless its first piece came raw: the `End` brings it. A
    /// `limit` of more bytes than that is an error; null for none. `Progress` records tell of what was received before
    /// it, if they are wanted.
    #[napi(catch_unwind)]
    pub fn read_whole(&self, id: u32, limit: Option<f64>, reports_progress: bool) {
        let limit = limit.map(|limit| limit as u64);
        self.command(Command::Read { id, wish: Wish::Whole { limit, reports_progress } });
    }

    /// Nothing more of a streamed response is wanted, but its connection, if that costs little. The `End` brings what was
    /// read meanwhile, as it came.
    #[napi(catch_unwind)]
    pub fn drain(&self, id: u32) {
        self.command(Command::Read { id, wish: Wish::Nothing });
    }

    /// A piece of a streamed request; a `Writable` record follows when there is room for the next.
    #[napi(catch_unwind)]
    pub fn write(&self, id: u32, chunk: BufferSlice<'_>) {
        panics::point("write");
        self.command(Command::Write { id, chunk: self.copies.make(&chunk) });
    }

    /// `length` bytes of a file of `size` bytes are the next piece of a streamed request: a `Writable` record follows, or a
    /// `WriteFailed`. Beforehand, with `reports_progress`, one with status 2 for each chunk.
    #[napi(catch_unwind)]
    pub fn write_file(&self, id: u32, path: String, start: f64, length: f64, size: f64, reports_progress: bool) {
        let (start, length, size) = (start as u64, length as u64, size as u64);
        self.command(Command::WriteFile { id, part: FilePart { path, start, length, size, reports_progress } });
    }

    /// Opens a file for a download, locked against other writers.
    #[napi(catch_unwind)]
    pub fn open_file(&mut self, id: u32, path: String, create: bool, mode: Option<u32>) -> FileHandle {
        let file = self.next_file;
        self.next_file = self.next_file.wrapping_add(1);
        let job = FileJob::Open { path: path.into(), create, mode };
        self.command(Command::File { id: Some(id), file, job });
        FileHandle { file, commands: self.commands.clone() }
    }

    /// The decoded body of a streamed response goes into a file, instead of credits; `Chunk`s without bytes say how much
    /// was received, the last record is as ever.
    #[napi(catch_unwind)]
    pub fn save(&self, id: u32, file: &FileHandle, reports_progress: bool) {
        self.command(Command::Save { id, file: file.file, reports_progress });
    }

    /// The streamed request is complete.
    #[napi(catch_unwind)]
    pub fn end(&self, id: u32) {
        self.command(Command::End(id));
    }

    /// The answer to a `Restart` record: what is written from here on is the body from its beginning.
    #[napi(catch_unwind)]
    pub fn restart(&self, id: u32) {
        self.command(Command::Restart(id));
    }

    /// Drops the exchange: HTTP/1.1 closes the connection. Its last record still comes.
    #[napi(catch_unwind)]
    pub fn cancel(&self, id: u32) {
        self.command(Command::Cancel(id));
    }

    /// Closes a pool's idle connections now and the others when their responses end; a `Closed` record follows.
    #[napi(catch_unwind)]
    pub fn close_pool(&self, id: u32, pool: &PoolHandle) {
        self.command(Command::ClosePool { id: Some(id), pool: pool.pool });
    }

    /// The answer to a `Lookup` record: addresses, or what is to be said of a function that threw. Then what it threw is kept
    /// until a `LookupForgotten` record comes.
    #[napi(catch_unwind)]
    pub fn answer_lookup(&self, question: u32, addresses: Option<Vec<String>>, thrown: Option<String>) {
        let failure = |message| Thrown::failure(question, message, self.outbox.clone());
        let answer = match thrown {
            Some(message) => Err(failure(message)),
            None => {
                let parsed: std::result::Result<_, _> =
                    addresses.unwrap_or_default().iter().map(|address| address.parse()).collect();
                // The façade has checked them.
                parsed.map_err(|_| failure("not an IP address".to_owned()))
            }
        };
        self.questions.answer(question, answer);
    }

    /// Closes a pool's idle connections now and the others when their responses end, but takes requests; a `Closed` record follows.
    #[napi(catch_unwind)]
    pub fn drain_pool(&self, id: u32, pool: &PoolHandle) {
        self.command(Command::DrainPool { id, pool: pool.pool });
    }

    fn profile(&self, number: u32) -> Result<Arc<Profile>> {
        let found = self.profiles.borrow().get(number as usize).cloned().flatten();
        found.ok_or_else(|| Error::from_reason("no such profile"))
    }

    fn command(&self, command: Command) {
        // Sending fails only after the I/O thread has stopped; the command is dropped then.
        let _ = self.commands.send(command);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.outbox.close();
        self.thread.stop(&self.commands);
    }
}

/// A pool of the I/O thread, seen from JavaScript.
#[napi]
pub struct PoolHandle {
    pool: u32,
    stats: PoolStatsSlot,
    commands: UnboundedSender<Command>,
}

#[napi]
impl PoolHandle {
    #[napi(getter, catch_unwind)]
    pub fn id(&self) -> u32 {
        self.pool
    }

    /// Connections in use, those being made included.
    #[napi(getter, catch_unwind)]
    pub fn active(&self) -> u32 {
        self.stats.get().map_or(0, |stats| stats.active())
    }

    #[napi(getter, catch_unwind)]
    pub fn idle(&self) -> u32 {
        self.stats.get().map_or(0, |stats| stats.idle())
    }

    /// Requests that wait for a connection.
    #[napi(getter, catch_unwind)]
    pub fn queued(&self) -> u32 {
        self.stats.get().map_or(0, |stats| stats.queued())
    }
}

impl Drop for PoolHandle {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::ClosePool { id: None, pool: self.pool });
    }
}

struct IoThread(Mutex<Option<JoinHandle<()>>>);

impl IoThread {
    fn start(queue: UnboundedReceiver<Command>, outbox: Arc<Outbox>, copies: Arc<Copies>) -> std::io::Result<IoThread> {
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
    fn stop(&self, commands: &UnboundedSender<Command>) {
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
                let (sender, body) = upload(id, &submission, outbox, feeding.clone());
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

fn upload(id: u32, submission: &Submission, outbox: &Arc<Outbox>, feeding: Rc<Feeding>) -> (BodySender, RequestBody) {
    let (length, of_room, of_feeding) = (submission.content_length(), outbox.clone(), feeding.clone());
    let on_room = move |stopped| {
        if !of_feeding.takes_room() || stopped {
            of_room.push(writable(id, stopped));
        }
    };
    match submission.flags.can_restart_request() {
        true => {
            let outbox = outbox.clone();
            let on_restart = move || {
                feeding.give_up();
                outbox.push(Record::new(id, Kind::Restart));
            };
            RequestBody::restartable_channel(length, on_room, on_restart)
        }
        false => RequestBody::channel(length, on_room),
    }
}
