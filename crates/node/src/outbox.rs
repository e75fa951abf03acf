//! The queue upwards: records side by side in one batch, one signal for as many as there are, and the drain on JavaScript's
//! thread. What is in a record is said in `record`.

use crate::copies::Copies;
use crate::error::ErrorKind;
use crate::lookup::Thrown;
use crate::memory::give_back;
use crate::panics::FAULT;
use crate::record::{Body, Kind, Record};
use bytes::Bytes;
use napi::bindgen_prelude::{Array, BufferSlice, Function, JsValuesTupleIntoVec};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, JsValue, Status, sys};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use whippet_core::{Error, Refusal};

/// The function that JavaScript gave, callable from the I/O thread. Weak: it does not hold the process by itself.
pub(crate) type Wake = ThreadsafeFunction<(), (), Arguments, Status, false, true, 0>;

pub(crate) struct Outbox {
    batch: Mutex<Batch>,
    wake: OnceLock<Wake>,
    /// JavaScript may have the memory of large bodies itself.
    outlives_views: bool,
    copies: Arc<Copies>,
}

#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    large: Vec<Bytes>,
    /// A signal is on its way: the next drain takes whatever is added until then.
    signalled: bool,
    /// The environment ends: the batch is not drained any more.
    closed: bool,
    /// It is quiet: what the JavaScript thread has freed goes back to the system.
    quiet: bool,
}

impl Outbox {
    pub(crate) fn new(
        on_batch: Function<'_, (), ()>,
        outlives_views: bool,
        copies: Arc<Copies>,
    ) -> napi::Result<Arc<Outbox>> {
        let outbox = Arc::new(Outbox { batch: Mutex::default(), wake: OnceLock::new(), outlives_views, copies });
        let drained = Arc::downgrade(&outbox);
        let mut spare = Vec::new();
        let wake = on_batch.build_threadsafe_function::<()>().weak::<true>().build_callback(move |context| {
            let Some(outbox) = drained.upgrade() else { return Arguments::empty(&context.env) };
            outbox.drain(&context.env, &mut spare)
        })?;
        let _ = outbox.wake.set(wake);
        Ok(outbox)
    }

    pub(crate) fn wake(&self) -> Option<&Wake> {
        self.wake.get()
    }

    /// Nothing is delivered from here on: the environment is ending.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
    }

    /// A panic elsewhere cannot leave a batch half written: a record is complete before the lock is released or the
    /// panic was in arithmetic that does not touch it.
    fn lock(&self) -> MutexGuard<'_, Batch> {
        self.batch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, record: Record<'_>) {
        let mut batch = self.lock();
        if batch.closed {
            return;
        }
        let Batch { bytes, large, .. } = &mut *batch;
        record.write(bytes, large);
        self.signal(batch);
    }

    /// It is quiet: the JavaScript thread gives back what it has freed.
    pub(crate) fn give_back(&self) {
        let mut batch = self.lock();
        if !batch.closed {
            batch.quiet = true;
            self.signal(batch);
        }
    }

    fn signal(&self, mut batch: MutexGuard<'_, Batch>) {
        let signal = !std::mem::replace(&mut batch.signalled, true);
        drop(batch);
        if signal && let Some(wake) = self.wake.get() {
            wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    fn drain(&self, env: &Env, spare: &mut Vec<u8>) -> napi::Result<Arguments> {
        let (large, quiet) = {
            let mut batch = self.lock();
            batch.signalled = false;
            std::mem::swap(&mut batch.bytes, spare);
            (std::mem::take(&mut batch.large), std::mem::take(&mut batch.quiet))
        };
        if quiet {
            self.copies.clear();
            give_back();
        }
        let arguments = Arguments::new(env, spare, large, self.outlives_views);
        spare.clear();
        // One burst of large batches does not hold its memory for good.
        spare.shrink_to(1024 * 1024);
        arguments
    }

    /// `course`: see `timings::course`.
    pub(crate) fn error(&self, id: u32, error: &Error, course: &str) {
        if let Some(Refusal { status, reason, fields, body }) = error.refusal() {
            let head = Some((reason.as_deref().unwrap_or_default(), fields));
            let received = body.len() as u32;
            let body = Body::Small(body.clone());
            self.push(Record { status: *status, head, body, received, ..Record::new(id, Kind::Refusal) });
        }
        let text = text_of(error.kind().into(), error.code(), course, error.message());
        let status = u16::from(error.is_at_proxy()) | u16::from(error.is_closed_by_peer()) << 1;
        let received = Thrown::number_of(error);
        self.push(Record { status, received, body: Body::Text(&text), ..Record::new(id, Kind::Error) });
    }

    pub(crate) fn write_failed(&self, id: u32, error: &Error) {
        let text = text_of(error.kind().into(), error.code(), "", error.message());
        self.push(Record { body: Body::Text(&text), ..Record::new(id, Kind::WriteFailed) });
    }

    pub(crate) fn warning(&self, text: &str) {
        self.push(Record { body: Body::Text(text), ..Record::new(u32::MAX, Kind::Warning) });
    }

    /// A panic.
    pub(crate) fn fault(&self, id: u32) {
        self.failure(id, ErrorKind::InternalError, None, FAULT);
    }

    pub(crate) fn failure(&self, id: u32, kind: ErrorKind, code: Option<&str>, message: &str) {
        let text = text_of(kind, code, "", message);
        self.push(Record { body: Body::Text(&text), ..Record::new(id, Kind::Error) });
    }
}

fn text_of(kind: ErrorKind, code: Option<&str>, course: &str, message: &str) -> String {
    format!("{kind:?}\n{}\n{course}\n{message}", code.unwrap_or_default())
}

/// `(batch, large)`, as JavaScript values of the thread that drains.
pub(crate) struct Arguments(Vec<sys::napi_value>);

impl JsValuesTupleIntoVec for Arguments {
    fn into_vec(self, _env: sys::napi_env) -> napi::Result<Vec<sys::napi_value>> {
        Ok(self.0)
    }
}

impl Arguments {
    fn empty(env: &Env) -> napi::Result<Arguments> {
        Arguments::new(env, &[], Vec::new(), false)
    }

    fn new(env: &Env, bytes: &[u8], large: Vec<Bytes>, outlives_views: bool) -> napi::Result<Arguments> {
        let buffer = BufferSlice::copy_from(env, bytes)?;
        let mut bodies: Array<'_> = env.create_array(0)?;
        for body in large {
            bodies.insert(match outlives_views && !body.is_empty() {
                true => external(env, body)?,
                false => BufferSlice::copy_from(env, body)?,
            })?;
        }
        Ok(Arguments(vec![buffer.raw(), bodies.raw()]))
    }
}

/// Hands the bytes to JavaScript without a copy; copied where the runtime forbids external buffers (Electron).
///
/// JavaScript can move the memory to another thread. When this environment ends, Node frees it all the same: so only the
/// environment that ends last may call this. There Node frees the memory of a buffer that was moved when the other thread
/// has let go of it.
fn external<'env>(env: &'env Env, body: Bytes) -> napi::Result<BufferSlice<'env>> {
    let (data, length) = (body.as_ptr().cast_mut(), body.len());
    // SAFETY: `body` moves into the finaliser, so the memory lives until Node has no view of it any more, or ends. This
    // slice of it was handed over by hyper for good: nothing else reads or writes it, so JavaScript may.
    unsafe { BufferSlice::from_external(env, data, length, body, |_env, body| drop(body)) }
}
