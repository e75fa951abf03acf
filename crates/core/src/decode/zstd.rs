//! zstd (RFC 8878): any number of frames, skippable ones among them. What follows them and is none is ignored, as it is
//! behind gzip.

use super::DecodeError;
use bytes::Buf;
use zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, get_frame_content_size};

/// RFC 9659: content with this coding needs no more than 8 MiB. The library would go to 128 MiB.
const WINDOW_LOG: u32 = 23;

pub(super) struct Zstd {
    /// None when there was no memory for it.
    context: Option<DCtx<'static>>,
    /// In the middle of a frame.
    inside: bool,
    /// Frames that are complete.
    frames: u64,
    frame: Frame,
    /// What comes now is no frame.
    over: bool,
}

/// The frame that has begun.
///
/// Its header goes to the library byte by byte and the rest behind it, for two faults of the library: with a whole frame at once it takes
/// a way of its own, which finds other frames valid; without one it does not compare the size where the last block is empty.
#[derive(Default)]
struct Frame {
    header: [u8; MAX_HEADER],
    /// Bytes that were read of it.
    read: usize,
    /// All of the header is there.
    is_known: bool,
    /// What it says that it holds.
    stated: Option<u64>,
    /// What it has given.
    content: u64,
}

impl Frame {
    /// How much of so many bytes may be read at once.
    fn slice(&self, len: usize) -> usize {
        if self.is_known { len } else { len.min(1) }
    }

    /// `read` is a slice of it.
    fn advance(&mut self, read: &[u8], written: usize) {
        if !self.is_known {
            let end = self.read + read.len();
            self.header[self.read..end].copy_from_slice(read);
            let stated = get_frame_content_size(&self.header[..end]);
            self.is_known = stated.is_ok() || end == MAX_HEADER;
            self.stated = stated.unwrap_or_default();
        }
        self.read = self.read.saturating_add(read.len());
        self.content = self.content.saturating_add(written as u64);
    }

    fn has_its_size(&self) -> bool {
        self.stated.is_none_or(|stated| stated == self.content)
    }
}

/// `ZSTD_error_frameParameter_windowTooLarge`; these numbers do not change (zstd_errors.h).
const WINDOW_TOO_LARGE: usize = 16;
/// By so many bytes a frame is known for one.
const MAGIC: usize = 4;
/// RFC 8878 section 3.1.1.1: magic number, descriptor, window, dictionary and size.
const MAX_HEADER: usize = 18;

impl Default for Zstd {
    fn default() -> Self {
        let context = DCtx::try_create().and_then(|mut context| {
            context.set_parameter(DParameter::WindowLogMax(WINDOW_LOG)).ok()?;
            Some(context)
        });
        Zstd { context, inside: false, frames: 0, frame: Frame::default(), over: false }
    }
}

impl Zstd {
    pub(super) fn is_complete(&self) -> bool {
        !self.inside || self.is_unknown()
    }

    /// Too little of what follows the last frame is there to say that it is one.
    fn is_unknown(&self) -> bool {
        self.frames > 0 && self.frame.read < MAGIC
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
            let mut source = InBuffer::around(&input[..self.frame.slice(input.len())]);
            let mut target = OutBuffer::around_pos(out, start);
            let left = match context.decompress_stream(&mut target, &mut source) {
                Ok(left) => left,
                Err(_) if self.frames > 0 && self.frame.read < MAGIC => {
                    self.over = true;
                    *input = &[];
                    return Ok(());
                }
                Err(code) if code.wrapping_neg() == WINDOW_TOO_LARGE => return Err(DecodeError::Window),
                Err(_) => return Err(invalid),
            };
            let (read, written) = (source.pos(), target.pos() - start);
            self.frame.advance(&input[..read], written);
            input.advance(read);
            self.inside = left != 0;
            if !self.inside {
                if !std::mem::take(&mut self.frame).has_its_size() {
                    return Err(invalid);
                }
                self.frames += 1;
            }
            if read == 0 && written == 0 {
                break;
            }
        }
        Ok(())
    }
}
