//! zstd (RFC 8878): any number of frames, skippable ones among them. What follows them and is none is ignored, as it is
//! behind gzip.

use super::DecodeError;
use bytes::Buf;
use zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer};

/// RFC 9659: content with this coding needs no more than 8 MiB. The library would go to 128 MiB.
const WINDOW_LOG: u32 = 23;

pub(super) struct Zstd {
    /// None when there was no memory for it.
    context: Option<DCtx<'static>>,
    /// In the middle of a frame.
    inside: bool,
    /// Frames that are complete.
    frames: u64,
    /// Bytes of the frame that has begun.
    begun: usize,
    /// What comes now is no frame.
    over: bool,
}

/// `ZSTD_error_frameParameter_windowTooLarge`; these numbers do not change (zstd_errors.h).
const WINDOW_TOO_LARGE: usize = 16;
/// By so many bytes a frame is known for one.
const MAGIC: usize = 4;

impl Default for Zstd {
    fn default() -> Self {
        let context = DCtx::try_create().and_then(|mut context| {
            context.set_parameter(DParameter::WindowLogMax(WINDOW_LOG)).ok()?;
            Some(context)
        });
        Zstd { context, inside: false, frames: 0, begun: 0, over: false }
    }
}

impl Zstd {
    pub(super) fn is_complete(&self) -> bool {
        !self.inside || self.is_unknown()
    }

    /// Too little of what follows the last frame is there to say that it is one.
    fn is_unknown(&self) -> bool {
        self.frames > 0 && self.begun < MAGIC
    }

    pub(super) fn run(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
        let invalid = DecodeError::Invalid("zstd");
        let context = self.context.as_mut().ok_or(invalid)?;
        if self.over {
            *input = &[];
            return Ok(());
        }
        // A frame that just filled the last step has nothing left to give.
        while out.len() < out.capacity() && (self.inside || !input.is_empty()) {
            let start = out.len();
            let mut source = InBuffer::around(input);
            let mut target = OutBuffer::around_pos(out, start);
            let left = match context.decompress_stream(&mut target, &mut source) {
                Ok(left) => left,
                Err(_) if self.frames > 0 && self.begun < MAGIC => {
                    self.over = true;
                    *input = &[];
                    return Ok(());
                }
                Err(code) if code.wrapping_neg() == WINDOW_TOO_LARGE => return Err(DecodeError::Window),
                Err(_) => return Err(invalid),
            };
            let (read, written) = (source.pos(), target.pos() - start);
            input.advance(read);
            self.inside = left != 0;
            self.begun = if self.inside { self.begun.saturating_add(read) } else { 0 };
            self.frames += u64::from(!self.inside);
            if read == 0 && written == 0 {
                break;
            }
        }
        Ok(())
    }
}
