//! What JavaScript calls. One engine per Node environment; the façade makes it with the first request.

use crate::command::{Command, Flags, PoolStatsSlot, Submission};
use crate::copies::Copies;
use crate::exchange::Wish;
use crate::files::{FileHandle, FileJob, FilePart};
use crate::io_thread::IoThread;
use crate::lookup::{JsLookup, Questions, Thrown};
use crate::options::{PoolOptions, Profile, ProfileOptions};
use crate::outbox::Outbox;
use crate::panics;
use crate::proxy::ProxyHandle;
use napi::bindgen_prelude::{BufferSlice, Function};
use napi::{Env, Error, JsString, Result};
use napi_derive::napi;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use whippet_core::{ErrorKind, PoolConfig};

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
    ) -> Result<Self, &'static str> {
        let copies = Arc::new(Copies::default());
        let outbox = Outbox::new(on_batch, outlives_views, copies.clone()).map_err(of_node)?;
        let (commands, queue) = unbounded_channel();
        let thread = IoThread::start(queue, outbox.clone(), copies.clone()).map_err(not_started)?;
        let thread = Arc::new(thread);
        // Registered after the threadsafe function's own hook, so run before it: the thread is gone when Node takes
        // the function down.
        let (hooked, commands_of_hook, outbox_of_hook) = (thread.clone(), commands.clone(), outbox.clone());
        env.add_env_cleanup_hook((), move |()| {
            outbox_of_hook.close();
            hooked.stop(&commands_of_hook);
        })
        .map_err(of_node)?;
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

/// Its `code` is the system's: no descriptor is left, or no thread.
fn not_started(cause: std::io::Error) -> Error<&'static str> {
    let error = whippet_core::Error::from_io(ErrorKind::ConnectError, "cannot start the I/O thread", cause);
    Error::new(error.code().unwrap_or(GENERIC), error.message())
}

fn of_node(error: Error) -> Error<&'static str> {
    Error::new(GENERIC, error.reason.clone())
}

const GENERIC: &str = "GenericFailure";

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
