//! Files that JavaScript has the I/O thread open, write and read: their bytes do not pass through it.

use crate::command::Command;
use crate::outbox::Outbox;
use crate::record::{Body, Kind, Record};
use bytes::Bytes;
use napi::bindgen_prelude::BufferSlice;
use napi_derive::napi;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Notify, oneshot};
use tokio::task::spawn_local;
use whippet_core::{BodySender, Commit, Disk, Error, ErrorKind, FileSink, FileSource, HashAlgorithm, Written};

/// A hash of a whole file.
#[napi(string_enum = "lowercase")]
pub enum FileHash {
    Sha256,
    Sha512,
}

/// Where a file gets its real name.
#[napi(object)]
pub struct CommitOptions {
    pub target: String,
    /// Permissions; without, those that it was made with.
    pub mode: Option<u32>,
    /// A file of that name is an error.
    pub exclusive: bool,
    /// Its bytes are on the disk before it has the name.
    pub fsync: bool,
    /// A file that is removed at the same time.
    pub note: String,
}

/// A file of the I/O thread, seen from JavaScript. It is closed when the handle is closed or collected. Each call ends in
/// one record of its id: `File`, or `Error`.
#[napi]
pub struct FileHandle {
    pub(crate) file: u32,
    pub(crate) commands: UnboundedSender<Command>,
}

#[napi]
impl FileHandle {
    /// Keeps the first `offset` bytes; what is written comes behind them, `limit` bytes in all.
    #[napi(catch_unwind)]
    pub fn begin(&self, id: u32, offset: f64, hash: Option<FileHash>, limit: Option<f64>) {
        let algorithm = hash.map(|hash| match hash {
            FileHash::Sha256 => HashAlgorithm::Sha256,
            FileHash::Sha512 => HashAlgorithm::Sha512,
        });
        self.submit(id, FileJob::Begin { offset: offset as u64, algorithm, limit: limit.map(|limit| limit as u64) });
    }

    #[napi(catch_unwind)]
    pub fn write(&self, id: u32, chunk: BufferSlice<'_>) {
        self.submit(id, FileJob::Write(vec![Bytes::copy_from_slice(&chunk)]));
    }

    /// Its size and digest.
    #[napi(catch_unwind)]
    pub fn finish(&self, id: u32) {
        self.submit(id, FileJob::Finish);
    }

    /// Renames it and lets go of it.
    #[napi(catch_unwind)]
    pub fn commit(&self, id: u32, options: CommitOptions) {
        self.submit(id, FileJob::Commit(options));
    }

    /// Removes it, and `note`.
    #[napi(catch_unwind)]
    pub fn discard(&self, id: u32, note: String) {
        self.submit(id, FileJob::Discard(note.into()));
    }

    /// Lets go of it, after what is being written.
    #[napi(catch_unwind)]
    pub fn close(&self, id: u32) {
        self.submit(id, FileJob::Close);
    }

    fn submit(&self, id: u32, job: FileJob) {
        let _ = self.commands.send(Command::File { id: Some(id), file: self.file, job });
    }
}

impl Drop for FileHandle {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::File { id: None, file: self.file, job: FileJob::Close });
    }
}

/// What is done with a file, one after the other.
pub(crate) enum FileJob {
    Open { path: PathBuf, create: bool, mode: Option<u32> },
    Begin { offset: u64, algorithm: Option<HashAlgorithm>, limit: Option<u64> },
    Write(Vec<Bytes>),
    Finish,
    Commit(CommitOptions),
    Discard(PathBuf),
    Close,
}

impl FileJob {
    /// Blocks. The sink comes back unless the job lets go of it.
    fn run(self, sink: Option<FileSink>) -> (Option<FileSink>, Result<Written, Error>) {
        let done = Ok(Written::default());
        match (self, sink) {
            (FileJob::Open { path, create, mode }, _) => match FileSink::open(&path, create, mode) {
                Ok(sink) => {
                    let size = sink.size();
                    (Some(sink), Ok(Written { size, digest: None }))
                }
                Err(error) => (None, Err(error)),
            },
            (FileJob::Close, _) => (None, done),
            (_, None) => (None, Err(Error::new(ErrorKind::FileError, "the file is closed"))),
            (FileJob::Begin { offset, algorithm, limit }, Some(mut sink)) => {
                let result = sink.begin(offset, algorithm, limit);
                (Some(sink), result.and(done))
            }
            (FileJob::Write(pieces), Some(mut sink)) => {
                let result = sink.write(&pieces);
                (Some(sink), result.and(done))
            }
            (FileJob::Finish, Some(mut sink)) => {
                let written = sink.finish();
                (Some(sink), Ok(written))
            }
            (FileJob::Commit(options), Some(sink)) => {
                let CommitOptions { target, mode, exclusive, fsync, note } = &options;
                let (target, note) = (Path::new(target), Path::new(note));
                (
                    None,
                    sink.commit(Commit { target, mode: *mode, exclusive: *exclusive, fsync: *fsync, note }).and(done),
                )
            }
            (FileJob::Discard(note), Some(sink)) => (None, sink.discard(&note).and(done)),
        }
    }
}

/// To whom the result of a job goes.
pub(crate) enum Reply {
    Record(u32, Arc<Outbox>),
    Channel(oneshot::Sender<Result<Written, Error>>),
    None,
}

impl Reply {
    fn send(self, result: Result<Written, Error>) {
        match self {
            Reply::None => {}
            Reply::Channel(channel) => {
                let _ = channel.send(result);
            }
            Reply::Record(id, outbox) => match result {
                Ok(Written { size, digest }) => {
                    let text = format!("{size}\n{}", digest.unwrap_or_default());
                    outbox.push(Record { body: Body::Text(&text), ..Record::new(id, Kind::File) });
                }
                Err(error) => outbox.error(id, &error, ""),
            },
        }
    }
}

type Jobs = UnboundedSender<(FileJob, Reply)>;

/// The files that are open, each with a task that does its jobs in order, whatever becomes of the exchange that gave them.
pub(crate) struct Files {
    open: RefCell<HashMap<u32, Jobs>>,
    pub(crate) disk: Disk,
}

impl Files {
    pub(crate) fn new(threads: usize) -> Files {
        Files { open: RefCell::default(), disk: Disk::new(threads) }
    }

    pub(crate) fn open(&self, file: u32, job: FileJob, reply: Reply) {
        let (jobs, queue) = unbounded_channel();
        let _ = jobs.send((job, reply));
        self.open.borrow_mut().insert(file, jobs);
        spawn_local(work(queue, self.disk.clone()));
    }

    pub(crate) fn submit(&self, file: u32, job: FileJob, reply: Reply) {
        let jobs = match job {
            FileJob::Close => self.open.borrow_mut().remove(&file),
            _ => self.open.borrow().get(&file).cloned(),
        };
        match jobs {
            Some(jobs) => {
                let _ = jobs.send((job, reply));
            }
            // Closed already, which is no fault of a second closing.
            None => reply.send(job.run(None).1),
        }
    }

    pub(crate) fn jobs(&self, file: u32) -> Option<Jobs> {
        self.open.borrow().get(&file).cloned()
    }
}

async fn work(mut queue: UnboundedReceiver<(FileJob, Reply)>, disk: Disk) {
    let mut sink = None;
    while let Some((job, reply)) = queue.recv().await {
        let taken = sink.take();
        // Freed on the thread that allocated it: an allocator gives memory back late that another thread frees.
        let _held = if let FileJob::Write(pieces) = &job { pieces.clone() } else { Vec::new() };
        let done = disk.run(move || job.run(taken)).await;
        let (kept, result) =
            done.unwrap_or_else(|| (None, Err(Error::new(ErrorKind::FileError, "the file's thread failed"))));
        sink = kept;
        reply.send(result);
    }
}

/// A response's way into a file.
pub(crate) struct SaveTo {
    pub(crate) jobs: Option<Jobs>,
    pub(crate) reports_progress: bool,
}

/// Bytes on their way into a file: some are being written, and the next ones are collected meanwhile.
pub(crate) struct Writer {
    jobs: Option<Jobs>,
    under_way: Option<oneshot::Receiver<Result<Written, Error>>>,
    collected: Vec<Bytes>,
    length: usize,
}

impl Writer {
    pub(crate) fn new(jobs: Option<Jobs>) -> Writer {
        Writer { jobs, under_way: None, collected: Vec::new(), length: 0 }
    }

    /// Waits while too much is collected. What is left of it is written by [`Writer::poll_advance`] and `flush`.
    pub(crate) async fn write(&mut self, data: Bytes) -> Result<(), Error> {
        self.length += data.len();
        self.collected.push(data);
        if self.under_way.is_none() {
            self.begin();
        } else if self.length >= MAX_COLLECTED_BYTES {
            self.settle().await?;
            self.begin();
        }
        Ok(())
    }

    /// Goes on with what is collected as soon as the last write is done. To be polled while more is waited for.
    pub(crate) fn poll_advance(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        while let Some(done) = &mut self.under_way {
            let Poll::Ready(written) = Pin::new(done).poll(cx) else { break };
            self.under_way = None;
            written.unwrap_or_else(|_| Err(closed()))?;
            if !self.collected.is_empty() {
                self.begin();
            }
        }
        Ok(())
    }

    pub(crate) async fn flush(&mut self) -> Result<(), Error> {
        self.settle().await?;
        if !self.collected.is_empty() {
            self.begin();
        }
        self.settle().await
    }

    fn begin(&mut self) {
        let (reply, done) = oneshot::channel();
        let pieces = std::mem::take(&mut self.collected);
        self.length = 0;
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send((FileJob::Write(pieces), Reply::Channel(reply)));
        }
        self.under_way = Some(done);
    }

    async fn settle(&mut self) -> Result<(), Error> {
        let Some(done) = self.under_way.take() else { return Ok(()) };
        done.await.unwrap_or_else(|_| Err(closed())).map(|_| ())
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::FileError, "the file was closed while it was written")
}

/// A file that is sent as a piece of a streamed request.
pub(crate) struct FilePart {
    pub(crate) path: String,
    pub(crate) start: u64,
    pub(crate) length: u64,
    /// Of the whole file, when the request's length was computed.
    pub(crate) size: u64,
    pub(crate) reports_progress: bool,
}

/// Whether a request's body is fed by a file, and not by JavaScript, at the moment.
#[derive(Default)]
pub(crate) struct Feeding {
    active: Cell<bool>,
    room: Notify,
    /// Counts the times that the body was wanted from its beginning: a file of an earlier time is given up.
    attempt: Cell<u32>,
}

impl Feeding {
    /// True: the room is for the file.
    pub(crate) fn takes_room(&self) -> bool {
        if self.active.get() {
            self.room.notify_one();
        }
        self.active.get()
    }

    /// The body is wanted from its beginning: what is read now is dropped, and no more is said of it.
    pub(crate) fn give_up(&self) {
        self.active.set(false);
        self.attempt.set(self.attempt.get().wrapping_add(1));
        self.room.notify_one();
    }

    /// Pushes the file's bytes as there is room for them; a `Writable` record at the end, or a `WriteFailed`.
    pub(crate) async fn feed(&self, id: u32, part: FilePart, upload: Rc<BodySender>, disk: Disk, outbox: Arc<Outbox>) {
        let attempt = self.attempt.get();
        self.active.set(true);
        let fed = self.read(id, part, &upload, disk, &outbox).await;
        if self.attempt.get() != attempt {
            return;
        }
        self.active.set(false);
        match fed {
            Ok(()) => outbox.push(Record { status: upload.is_stopped().into(), ..Record::new(id, Kind::Writable) }),
            Err(error) => outbox.write_failed(id, &error),
        }
    }

    async fn read(
        &self,
        id: u32,
        part: FilePart,
        upload: &BodySender,
        disk: Disk,
        outbox: &Outbox,
    ) -> Result<(), Error> {
        let FilePart { path, start, length, size, reports_progress } = part;
        let attempt = self.attempt.get();
        let is_over = || upload.is_stopped() || self.attempt.get() != attempt;
        let failed = || Error::new(ErrorKind::FileError, "the file's thread failed");
        let opened = disk.run(move || FileSource::open(Path::new(&path), start, length, size)).await;
        let mut source = opened.ok_or_else(failed)??;
        loop {
            let (chunk, back) = match disk.run(move || (source.read(), source)).await {
                Some((chunk, back)) => (chunk?, back),
                None => return Err(failed()),
            };
            source = back;
            let Some(chunk) = chunk.filter(|_| !is_over()) else { return Ok(()) };
            let read = chunk.len() as u32;
            let mut has_room = upload.push(chunk);
            // What is asked for next is read only when this is on its way: one chunk is held, not two.
            while !has_room && !is_over() {
                self.room.notified().await;
                has_room = upload.has_room();
            }
            if is_over() {
                return Ok(());
            }
            if reports_progress {
                outbox.push(Record { received: read, status: PROGRESS_STATUS, ..Record::new(id, Kind::Writable) });
            }
        }
    }
}

/// Bytes that are collected while others are written; then the connection waits.
const MAX_COLLECTED_BYTES: usize = 512 * 1024;

/// The status of a `Writable` record that only says how much of a file was handed over.
const PROGRESS_STATUS: u16 = 2;
