//! Content decoding for bodies that do not come from the network: the core's decoder as a handle.

use crate::options::copy;
use napi::bindgen_prelude::BufferSlice;
use napi::{Env, Error, Result};
use napi_derive::napi;
use whippet_core::{DecodeError, Step};

/// Undoes the codings of one Content-Encoding, a bounded piece at a time. Its errors have `code` 'DecodingError'.
#[napi]
pub struct Decoder(Option<whippet_core::Decoder>);

#[napi]
impl Decoder {
    /// `contentEncoding`: all values of the header, with commas in between.
    #[napi(constructor, catch_unwind)]
    pub fn new(content_encoding: String) -> Result<Self, &'static str> {
        Ok(Decoder(whippet_core::Decoder::new([content_encoding.as_bytes()]).map_err(undecodable)?))
    }

    /// False when there is nothing to undo: the bytes are to be taken as they are, and not to be written here.
    #[napi(getter, catch_unwind)]
    pub fn decodes(&self) -> bool {
        self.0.is_some()
    }

    /// The next bytes as they were received; `read` has said null before.
    #[napi(catch_unwind)]
    pub fn write(&mut self, chunk: BufferSlice<'_>) {
        if let Some(decoder) = &mut self.0 {
            decoder.push(copy(&chunk));
        }
    }

    /// No more bytes were received.
    #[napi(catch_unwind)]
    pub fn end(&mut self) {
        if let Some(decoder) = &mut self.0 {
            decoder.end();
        }
    }

    /// The next decoded bytes, at most 64 KiB; null when all that was written is used up.
    #[napi(catch_unwind)]
    pub fn read<'env>(&mut self, env: &'env Env) -> Result<Option<BufferSlice<'env>>, &'static str> {
        let Some(decoder) = &mut self.0 else { return Ok(None) };
        loop {
            match decoder.step().map_err(undecodable)? {
                Step::Piece(piece) => {
                    let buffer = BufferSlice::copy_from(env, piece);
                    return buffer.map(Some).map_err(|error| Error::new("GenericFailure", error.reason.clone()));
                }
                Step::Unfinished => {}
                Step::Starved | Step::End => return Ok(None),
            }
        }
    }
}

/// zstd for request bodies, on the thread that calls: one frame.
#[napi(js_name = "ZstdEncoder")]
pub struct Encoder(whippet_core::ZstdEncoder);

#[napi]
impl Encoder {
    #[napi(constructor, catch_unwind)]
    pub fn new() -> Result<Self> {
        whippet_core::ZstdEncoder::new().map(Encoder).map_err(|error| Error::from_reason(error.message()))
    }

    /// What the chunk adds to the frame, which ends with it if `end`.
    #[napi(catch_unwind)]
    pub fn push<'env>(&mut self, env: &'env Env, chunk: BufferSlice<'_>, end: bool) -> Result<BufferSlice<'env>> {
        let coded = self.0.push(&chunk, end).map_err(|error| Error::from_reason(error.message()))?;
        BufferSlice::copy_from(env, coded)
    }
}

fn undecodable(error: DecodeError) -> Error<&'static str> {
    Error::new("DecodingError", error.to_string())
}
