//! zstd (RFC 8878): any number of frames, skippable ones among them, and nothing else behind them.

use super::DecodeError;
use bytes::{Buf, Bytes};
use zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer};

/// RFC 9659: content with this coding needs no more than 8 MiB. The library would go to 128 MiB.
const WINDOW_LOG: u32 = 23;

pub(super) struct Zstd {
    /// None when there was no memory for it.
    context: Option<DCtx<'static>>,
    /// In the middle of a frame.
    inside: bool,
}

impl Default for Zstd {
    fn default() -> Self {
        let context = DCtx::try_create().and_then(|mut context| {
            context.set_parameter(DParameter::WindowLogMax(WINDOW_LOG)).ok()?;
            Some(context)
        });
        Zstd { context, inside: false }
    }
}

impl Zstd {
    pub(super) fn is_complete(&self) -> bool {
        !self.inside
    }

    pub(super) fn run(&mut self, input: &mut Bytes, out: &mut Vec<u8>) -> Result<(), DecodeError> {
        let invalid = DecodeError::Invalid("zstd");
        let context = self.context.as_mut().ok_or(invalid)?;
        // A frame that just filled the last step has nothing left to give.
        while out.len() < out.capacity() && (self.inside || !input.is_empty()) {
            let start = out.len();
            let mut source = InBuffer::around(input);
            let mut target = OutBuffer::around_pos(out, start);
            let left = context.decompress_stream(&mut target, &mut source).map_err(|_| invalid)?;
            let (read, written) = (source.pos(), target.pos() - start);
            input.advance(read);
            self.inside = left != 0;
            if read == 0 && written == 0 {
                break;
            }
        }
        Ok(())
    }
}
