//! The bytes of one execution: a few that choose, and the rest, which is what the peer says.

use bytes::Bytes;
use whippet_core::fuzzing::{Ending, Script};

/// Between what is said at once and what is said after the next thing that was written.
const GATE: &[u8] = &[0xff, 0xfe, 0xff, 0xfe];

/// Between the script of one connection and that of the next.
const NEXT: &[u8] = &[0xff, 0xfd, 0xff, 0xfd];

pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Input(bytes)
    }

    /// Zero behind the end.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn rest(self) -> &'a [u8] {
        self.0
    }

    /// What is left, as the scripts of connections: two bytes say how they arrive and end.
    pub fn scripts(mut self) -> Vec<Script> {
        let (piece, ending) = (self.byte(), self.byte());
        split(self.0, NEXT).map(|bytes| script(split(bytes, GATE).map(<[u8]>::to_vec), piece, ending)).collect()
    }

    /// What is left, as frames of HTTP/2 with heads that fit: the peer's side of one connection.
    pub fn frames(mut self) -> Vec<Script> {
        let (piece, ending) = (self.byte(), self.byte());
        let mut groups = vec![Vec::new()];
        while !self.is_empty() {
            let (kind, flags, stream) = (self.byte(), self.byte(), self.byte());
            // Ten types are known; one more is not, and another byte says that what was sent is waited for.
            let kind = kind % 12;
            if kind == 11 {
                groups.push(Vec::new());
                continue;
            }
            let length = self.byte();
            let length = if length < 0xf0 { usize::from(length) } else { usize::from(length - 0xef) * 1024 };
            let payload = self.take(length);
            let stream = u32::from(stream % 16);
            let group = groups.last_mut().expect("there is one from the beginning");
            group.extend_from_slice(&(payload.len() as u32).to_be_bytes()[1..]);
            group.extend_from_slice(&[kind, flags]);
            group.extend_from_slice(&stream.to_be_bytes());
            group.extend_from_slice(payload);
        }
        vec![script(groups, piece, ending)]
    }
}

/// `piece`: bytes that arrive together; zero for all.
fn script(groups: impl IntoIterator<Item = Vec<u8>>, piece: u8, ending: u8) -> Script {
    let cut = |bytes: Vec<u8>| match piece {
        0 => vec![bytes.into()],
        piece => bytes.chunks(usize::from(piece)).map(Bytes::copy_from_slice).collect(),
    };
    let ending = [Ending::Fin, Ending::Reset, Ending::Silence][usize::from(ending % 3)];
    Script { groups: groups.into_iter().map(cut).collect(), ending }
}

fn split<'a>(bytes: &'a [u8], separator: &'static [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = Some(bytes);
    std::iter::from_fn(move || {
        let bytes = rest?;
        let end = bytes.windows(separator.len()).position(|window| window == separator);
        rest = end.map(|end| &bytes[end + separator.len()..]);
        Some(&bytes[..end.unwrap_or(bytes.len())])
    })
}
