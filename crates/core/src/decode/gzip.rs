//! gzip (RFC 1952): any number of members, each checked by its checksum and length. What follows a complete member and
//! is no other one is ignored, as browsers and gzip itself do.

use super::DecodeError;
use super::deflate::Inflate;
use bytes::Buf;
use crc32fast::Hasher;

const MAGIC: [u8; 2] = [0x1f, 0x8b];

pub(super) struct Gzip {
    state: State,
    inflate: Inflate,
    crc: Hasher,
    /// Of what came out, as the trailer has it: modulo 2^32.
    length: u32,
    members: bool,
}

enum State {
    /// So many bytes of a member's magic number are there.
    Between(usize),
    Header(Header),
    Content,
    /// CRC-32 and length, so many bytes of them.
    Trailer([u8; 8], usize),
    /// Behind the last member.
    Garbage,
}

impl Default for Gzip {
    fn default() -> Self {
        Gzip { state: State::Between(0), inflate: Inflate::new(false), crc: Hasher::new(), length: 0, members: false }
    }
}

impl Gzip {
    pub(super) fn is_complete(&self) -> bool {
        match self.state {
            State::Between(bytes) => bytes == 0 || self.members,
            State::Garbage => true,
            _ => false,
        }
    }

    pub(super) fn run(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
        let invalid = || DecodeError::Invalid("gzip");
        loop {
            if let State::Content = self.state {
                let written = out.len();
                let ended = self.inflate.run(input, out).map_err(|_| invalid())?;
                self.crc.update(&out[written..]);
                self.length = self.length.wrapping_add((out.len() - written) as u32);
                if !ended {
                    return Ok(());
                }
                self.state = State::Trailer([0; 8], 0);
            }
            if input.is_empty() {
                return Ok(());
            }
            match &mut self.state {
                State::Content => {}
                State::Garbage => *input = &[],
                State::Between(bytes) => {
                    self.state = match (input.get_u8() == MAGIC[*bytes], *bytes, self.members) {
                        (true, 0, _) => State::Between(1),
                        (true, ..) => State::Header(Header::default()),
                        (false, _, true) => State::Garbage,
                        (false, _, false) => return Err(invalid()),
                    };
                }
                State::Header(header) => {
                    if header.read(input).ok_or_else(invalid)? {
                        self.inflate.reset();
                        self.crc.reset();
                        self.length = 0;
                        self.state = State::Content;
                    }
                }
                State::Trailer(trailer, bytes) => {
                    trailer[*bytes] = input.get_u8();
                    *bytes += 1;
                    if *bytes == trailer.len() {
                        let [a, b, c, d, e, f, g, h] = *trailer;
                        let (crc, length) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
                        if (crc, length) != (self.crc.clone().finalize(), self.length) {
                            return Err(DecodeError::Checksum("gzip"));
                        }
                        self.members = true;
                        self.state = State::Between(0);
                    }
                }
            }
        }
    }
}

/// A member's header behind its magic number. Nothing of it is kept.
#[derive(Default)]
struct Header {
    part: Part,
    flags: u8,
}

#[derive(Clone, Copy, Default)]
enum Part {
    #[default]
    Method,
    Flags,
    /// So many bytes to skip, then whatever the flags still announce.
    Skip(u16),
    ExtraLength,
    ExtraLengthHigh(u8),
    /// Up to a zero byte.
    Text,
}

const FHCRC: u8 = 2;
const FEXTRA: u8 = 4;
const FNAME: u8 = 8;
const FCOMMENT: u8 = 16;
const RESERVED: u8 = 0xe0;

impl Header {
    /// True when it is complete, None when it is none.
    fn read(&mut self, input: &mut &[u8]) -> Option<bool> {
        while !input.is_empty() {
            self.part = match self.part {
                // 8 is DEFLATE, the only one there is.
                Part::Method if input.get_u8() == 8 => Part::Flags,
                Part::Method => return None,
                Part::Flags => {
                    self.flags = input.get_u8();
                    // "Must give an error indication if any reserved bit is non-zero."
                    if self.flags & RESERVED != 0 {
                        return None;
                    }
                    // Time, extra flags and operating system.
                    Part::Skip(6)
                }
                Part::Skip(left) => {
                    let skipped = input.len().min(left.into());
                    input.advance(skipped);
                    Part::Skip(left - skipped as u16)
                }
                Part::ExtraLength => Part::ExtraLengthHigh(input.get_u8()),
                Part::ExtraLengthHigh(low) => Part::Skip(u16::from_le_bytes([low, input.get_u8()])),
                Part::Text => match input.iter().position(|b| *b == 0) {
                    Some(end) => {
                        input.advance(end + 1);
                        Part::Skip(0)
                    }
                    None => {
                        *input = &[];
                        Part::Text
                    }
                },
            };
            if let Part::Skip(0) = self.part {
                let Some(next) = self.next() else { return Some(true) };
                self.part = next;
            }
        }
        Some(false)
    }

    /// What the flags announce, in the order in which it comes.
    fn next(&mut self) -> Option<Part> {
        let (flag, part) =
            [(FEXTRA, Part::ExtraLength), (FNAME, Part::Text), (FCOMMENT, Part::Text), (FHCRC, Part::Skip(2))]
                .into_iter()
                .find(|(flag, _)| self.flags & flag != 0)?;
        self.flags &= !flag;
        Some(part)
    }
}
