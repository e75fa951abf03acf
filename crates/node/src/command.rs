//! What comes down: commands. The text of a request's head is read by `head`.

use crate::exchange::Wish;
use crate::files::{FileJob, FilePart};
use crate::options::Profile;
use bytes::Bytes;
use napi_derive::napi;
use std::sync::Arc;
use std::time::Instant;
use whippet_core::{PoolConfig, Response};

/// From the JavaScript thread to the I/O thread, in order.
pub(crate) enum Command {
    Send(Box<Submission>),
    /// A credit: more of a streamed response is wanted.
    Read {
        id: u32,
        wish: Wish,
    },
    Write {
        id: u32,
        chunk: Bytes,
    },
    /// A file is the next piece of a streamed request.
    WriteFile {
        id: u32,
        part: FilePart,
    },
    End(u32),
    /// The streamed request's body comes from its beginning from here on.
    Restart(u32),
    /// The rest of a streamed response goes into a file.
    Save {
        id: u32,
        file: u32,
        reports_progress: bool,
    },
    /// Something is done with an open file; without an id the result is not wanted.
    File {
        id: Option<u32>,
        file: u32,
        job: FileJob,
    },
    Cancel(u32),
    OpenPool {
        pool: u32,
        config: Box<PoolConfig>,
        stats: PoolStatsSlot,
    },
    /// Connections before the requests that need them.
    Preconnect {
        id: u32,
        profile: Arc<Profile>,
        origin: String,
        count: u32,
    },
    /// No connection of now gets another request; `id` is completed.
    DrainPool {
        id: u32,
        pool: u32,
    },
    /// `id` is completed when the idle connections are gone; without one no completion is sent.
    ClosePool {
        id: Option<u32>,
        pool: u32,
    },
    Stop,
}

/// What a command is about.
pub(crate) enum Subject {
    Exchange(u32),
    /// A file, whose reply is waited for.
    File(u32),
    /// A pool, whose end is waited for.
    Pool(u32),
    None,
}

impl Command {
    /// What comes to its end when carrying it out panics.
    pub(crate) fn subject(&self) -> Subject {
        match self {
            Command::Read { id, .. }
            | Command::Write { id, .. }
            | Command::WriteFile { id, .. }
            | Command::Save { id, .. }
            | Command::End(id)
            | Command::Restart(id)
            | Command::Cancel(id) => Subject::Exchange(*id),
            Command::File { id: Some(id), .. } => Subject::File(*id),
            Command::ClosePool { id: Some(id), .. } | Command::DrainPool { id, .. } => Subject::Pool(*id),
            // The guard of an exchange has the last word from its beginning.
            Command::Send(_)
            | Command::Preconnect { .. }
            | Command::File { id: None, .. }
            | Command::ClosePool { id: None, .. }
            | Command::OpenPool { .. }
            | Command::Stop => Subject::None,
        }
    }

    /// For [`crate::panics`].
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Command::Send(_) => "command send",
            Command::Read { .. } => "command read",
            Command::Write { .. } => "command write",
            Command::WriteFile { .. } => "command write_file",
            Command::Save { .. } => "command save",
            Command::File { .. } => "command file",
            Command::End(_) => "command end",
            Command::Restart(_) => "command restart",
            Command::Cancel(_) => "command cancel",
            Command::OpenPool { .. } => "command open_pool",
            Command::Preconnect { .. } => "command preconnect",
            Command::DrainPool { .. } => "command drain_pool",
            Command::ClosePool { .. } => "command close_pool",
            Command::Stop => "command stop",
        }
    }
}

/// Where the I/O thread leaves the numbers of a pool that it has made.
pub(crate) type PoolStatsSlot = Arc<std::sync::OnceLock<Arc<whippet_core::PoolStats>>>;

pub(crate) struct Submission {
    pub(crate) id: u32,
    pub(crate) profile: Arc<Profile>,
    pub(crate) flags: Flags,
    /// `method \n origin \n request-target \n name \n value \n …`, latin-1.
    pub(crate) head: Vec<u8>,
    pub(crate) body: Option<Bytes>,
    pub(crate) at: Instant,
}

/// How a request is to be carried; the `flags` of `Engine.send` are a sum of these.
#[napi(js_name = "SendFlag")]
pub enum Flag {
    /// The head comes first, the body by credits.
    StreamResponse = 1,
    /// The body is pushed with `write` and `end`.
    StreamRequest = 2,
    /// Informational responses are reported.
    WantInformational = 4,
    /// The producer of the request's body can begin anew: a `Restart` record asks for that.
    RestartableRequest = 8,
    /// The body of a redirect is perhaps not wanted: its head comes first.
    RedirectsHeadFirst = 16,
    /// As above, of any response that is not successful: it may be answered or tried again.
    UnsuccessfulHeadFirst = 32,
    /// A head that comes first brings a short body along that is there already and is not coded.
    BodyAtHand = 64,
}

/// The flags of one request.
#[derive(Clone, Copy)]
pub(crate) struct Flags(pub(crate) u32);

impl Flags {
    fn has(self, flag: Flag) -> bool {
        self.0 & flag as u32 != 0
    }

    pub(crate) fn streams_response(self) -> bool {
        self.has(Flag::StreamResponse)
    }

    pub(crate) fn takes_body_at_hand(self) -> bool {
        self.has(Flag::BodyAtHand)
    }

    pub(crate) fn streams_request(self) -> bool {
        self.has(Flag::StreamRequest)
    }

    pub(crate) fn wants_informational(self) -> bool {
        self.has(Flag::WantInformational)
    }

    pub(crate) fn can_restart_request(self) -> bool {
        self.has(Flag::RestartableRequest)
    }

    /// The body is perhaps not wanted, and not there already.
    pub(crate) fn wants_head_first(self, response: &Response) -> bool {
        match response.body.remaining() == Some(0) || response.head.is_successful() {
            true => false,
            false => {
                self.has(Flag::UnsuccessfulHeadFirst)
                    || (self.has(Flag::RedirectsHeadFirst) && response.head.is_redirect())
            }
        }
    }
}
