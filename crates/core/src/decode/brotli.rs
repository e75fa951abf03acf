//! br (RFC 7932): one stream, nothing behind it. Its window is 16 MiB at most: the large ones are an extension that no
//! browser takes.

use super::DecodeError;
use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use bytes::Buf;

/// Output of one call at most.
const OUTPUT_STEP_BYTES: usize = 16 * 1024;

pub(super) struct Brotli {
    state: BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
    begun: bool,
    ended: bool,
}

impl Default for Brotli {
    fn default() -> Self {
        let state =
            BrotliState::new_strict(StandardAlloc::default(), StandardAlloc::default(), StandardAlloc::default());
        Brotli { state, begun: false, ended: false }
    }
}

impl Brotli {
    pub(super) fn is_complete(&self) -> bool {
        self.ended || !self.begun
    }

    pub(super) fn run(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
        self.begun |= !input.is_empty();
        while !self.ended {
            let (mut read, mut written) = (0, out.len());
            // The decoder wants initialised memory: no more of it than it is likely to fill.
            out.resize(out.capacity().min(written + OUTPUT_STEP_BYTES), 0);
            let (mut unread, mut room) = (input.len(), out.len() - written);
            let result = BrotliDecompressStream(
                &mut unread,
                &mut read,
                input,
                &mut room,
                &mut written,
                out,
                &mut 0,
                &mut self.state,
            );
            out.truncate(written);
            input.advance(read);
            match result {
                BrotliResult::ResultSuccess => self.ended = true,
                BrotliResult::NeedsMoreOutput if out.len() < out.capacity() => {}
                BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => return Ok(()),
                BrotliResult::ResultFailure => return Err(DecodeError::Invalid("br")),
            }
        }
        if self.ended && !input.is_empty() {
            return Err(DecodeError::Invalid("br"));
        }
        Ok(())
    }
}
