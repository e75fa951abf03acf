//! deflate: the zlib format (RFC 1950), as the standard says, or bare (RFC 1951), as some servers have it. The first two
//! bytes decide.

use super::DecodeError;
use bytes::Buf;
use flate2::{Decompress, FlushDecompress, Status};

/// DEFLATE without a frame, or in zlib's.
pub(super) struct Inflate(Decompress);

impl Inflate {
    pub(super) fn new(zlib: bool) -> Self {
        Inflate(Decompress::new(zlib))
    }

    /// Ready for the next bare stream.
    pub(super) fn reset(&mut self) {
        self.0.reset(false);
    }

    /// Until either is used up; true at the end of the stream.
    pub(super) fn run(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<bool, flate2::DecompressError> {
        loop {
            let (read, written) = (self.0.total_in(), out.len());
            let status = self.0.decompress_vec(input, out, FlushDecompress::None)?;
            let read = (self.0.total_in() - read) as usize;
            input.advance(read);
            match status {
                Status::StreamEnd => return Ok(true),
                _ if out.len() == out.capacity() || (read == 0 && out.len() == written) => return Ok(false),
                _ => {}
            }
        }
    }
}

#[derive(Default)]
pub(super) struct Deflate {
    state: State,
}

#[derive(Default)]
enum State {
    #[default]
    Empty,
    /// One byte is there, which decides nothing.
    Begun(u8),
    Running(Inflate),
    /// What follows is ignored.
    Ended,
}

impl Deflate {
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.state, State::Empty | State::Ended)
    }

    pub(super) fn run(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
        loop {
            match &mut self.state {
                State::Ended => *input = &[],
                State::Running(inflate) => {
                    let ended = inflate.run(input, out).map_err(|_| DecodeError::Invalid("deflate"))?;
                    if ended {
                        self.state = State::Ended;
                        continue;
                    }
                }
                State::Empty | State::Begun(_) if input.is_empty() => {}
                State::Empty => {
                    self.state = State::Begun(input.get_u8());
                    continue;
                }
                State::Begun(first) => {
                    let first = *first;
                    let mut inflate = Inflate::new(is_zlib(first, input[0]));
                    inflate.run(&mut &[first][..], out).map_err(|_| DecodeError::Invalid("deflate"))?;
                    self.state = State::Running(inflate);
                    continue;
                }
            }
            return Ok(());
        }
    }
}

/// RFC 1950 section 2.2: method 8, a window of at most 32 KiB, and a multiple of 31. A bare stream that began so would be
/// a stored block with padding that is not zero, which no encoder writes.
fn is_zlib(first: u8, second: u8) -> bool {
    first & 0x0f == 8 && first >> 4 <= 7 && u16::from_be_bytes([first, second]).is_multiple_of(31)
}
