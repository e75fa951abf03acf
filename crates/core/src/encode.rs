//! zstd (RFC 8878), for request bodies where Node's zlib has none yet.

use crate::error::{Error, ErrorKind};
use zstd_safe::{CCtx, CParameter, InBuffer, OutBuffer, zstd_sys::ZSTD_EndDirective};

/// Bytes that the output grows by at once.
const STEP_BYTES: usize = 64 * 1024;

/// One frame, written piece by piece.
pub struct ZstdEncoder(CCtx<'static>);

impl ZstdEncoder {
    /// At the library's usual level (3), with the frame's checksum.
    ///
    /// # Errors
    ///
    /// `LocalProtocolError` when there is no memory for it.
    pub fn new() -> Result<ZstdEncoder, Error> {
        let mut context = CCtx::try_create().ok_or_else(|| failed("there is no memory for it"))?;
        context.set_parameter(CParameter::ChecksumFlag(true)).map_err(of_code)?;
        Ok(ZstdEncoder(context))
    }

    /// What `input` adds to the frame, which ends with it if `end`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::LocalProtocolError`] when there is no memory for it.
    pub fn push(&mut self, input: &[u8], end: bool) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        let mut source = InBuffer::around(input);
        let directive = if end { ZSTD_EndDirective::ZSTD_e_end } else { ZSTD_EndDirective::ZSTD_e_continue };
        loop {
            let start = out.len();
            if out.capacity() - start < STEP_BYTES {
                out.reserve(STEP_BYTES);
            }
            let mut target = OutBuffer::around_pos(&mut out, start);
            let left = self.0.compress_stream2(&mut target, &mut source, directive).map_err(of_code)?;
            if source.pos() == input.len() && (!end || left == 0) {
                return Ok(out);
            }
        }
    }
}

fn of_code(code: usize) -> Error {
    failed(zstd_safe::get_error_name(code))
}

fn failed(why: &str) -> Error {
    Error::new(ErrorKind::LocalProtocolError, format!("zstd: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Decoder, Step};

    #[test]
    fn what_is_encoded_is_decoded() {
        let whole: Vec<u8> = (0..500_000_u32).flat_map(|i| (i / 7).to_le_bytes()).collect();
        for chunk in [1000, 65_536, whole.len()] {
            let mut encoder = ZstdEncoder::new().expect("an encoder");
            let mut coded = Vec::new();
            for piece in whole.chunks(chunk) {
                coded.extend(encoder.push(piece, false).expect("encoded"));
            }
            coded.extend(encoder.push(&[], true).expect("ended"));
            assert!(coded.len() < whole.len() / 2);
            let mut decoder = Decoder::new([&b"zstd"[..]]).expect("known").expect("coded");
            decoder.push(coded.into());
            decoder.end();
            let mut found = Vec::new();
            loop {
                match decoder.step().expect("valid") {
                    Step::Piece(piece) => found.extend_from_slice(&piece),
                    // On a busy machine the step's time is over before there is a piece.
                    Step::Unfinished => {}
                    end => break assert_eq!(end, Step::End),
                }
            }
            assert!(found == whole, "{chunk}");
        }
    }
}
