//! Where the frames are in a stream of bytes, and the little of them that is looked at.

/// RFC 9113 section 6.
pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const CONTINUATION: u8 = 9;

/// A frame type that is not defined: such frames are ignored (section 4.1).
pub(super) const UNKNOWN: u8 = 0xff;

pub(super) const END_STREAM: u8 = 0x1;
pub(super) const END_HEADERS: u8 = 0x4;
pub(super) const PADDED: u8 = 0x8;
pub(super) const PRIORITY: u8 = 0x20;

/// A frame's first nine bytes, read.
#[derive(Clone, Copy)]
pub(super) struct Head {
    pub(super) length: usize,
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
}

impl Head {
    const LENGTH: usize = 9;

    fn parse(bytes: [u8; Head::LENGTH]) -> Head {
        let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = bytes;
        let length = u32::from_be_bytes([0, l0, l1, l2]) as usize;
        Head { length, kind, flags, stream: u32::from_be_bytes([s0 & 0x7f, s1, s2, s3]) }
    }

    /// Bytes of the payload that are to be looked at.
    fn is_worth_a_look(&self) -> usize {
        let most = match self.kind {
            DATA if self.flags & PADDED != 0 && self.flags & END_STREAM == 0 => 1,
            HEADERS => Reader::MAX_LOOK,
            RST_STREAM => 4,
            _ => 0,
        };
        most.min(self.length)
    }

    /// Of HEADERS: what is among the first bytes of its payload of the header block, and whether more of that follows.
    pub(super) fn block<'p>(&self, payload: &'p [u8]) -> (&'p [u8], bool) {
        let is_padded = self.flags & PADDED != 0;
        let fixed = usize::from(is_padded) + if self.flags & PRIORITY != 0 { 5 } else { 0 };
        let padding = if is_padded { payload.first().map_or(0, |&n| usize::from(n)) } else { 0 };
        let end = self.length.saturating_sub(padding);
        let block = payload.get(fixed..end.min(payload.len())).unwrap_or_default();
        (block, self.flags & END_HEADERS == 0 || payload.len() < end)
    }
}

/// Finds the frames in a stream of bytes.
#[derive(Default)]
pub(super) struct Reader {
    head: [u8; Head::LENGTH],
    filled: usize,
    /// The frame whose payload is under way.
    frame: Option<Head>,
    /// Bytes of its payload so far.
    passed: usize,
    look: [u8; Reader::MAX_LOOK],
}

pub(super) enum Found<'a> {
    /// A frame begins; its type is the byte at this place, if that is among these bytes.
    Frame(Head, Option<usize>),
    /// The beginning of its payload.
    Payload(Head, &'a [u8]),
}

impl Reader {
    /// Padding's length, priority, and enough of a header block for `:status`, however it is written, and the name behind it.
    const MAX_LOOK: usize = 32;

    /// Frames begin after so many bytes.
    pub(super) fn after(bytes: usize) -> Reader {
        let preface = Head { length: bytes, kind: UNKNOWN, flags: 0, stream: 0 };
        Reader { frame: Some(preface), ..Reader::default() }
    }

    /// The last frame is not complete.
    pub(super) fn is_midway(&self) -> bool {
        self.filled > 0 || self.frame.is_some()
    }

    pub(super) fn read(&mut self, bytes: &[u8], mut found: impl FnMut(Found<'_>)) {
        let mut at = 0;
        while at < bytes.len() {
            let left = bytes.len() - at;
            match self.frame {
                Some(frame) => {
                    let taken = left.min(frame.length - self.passed);
                    let wanted = frame.is_worth_a_look();
                    if self.passed < wanted {
                        let seen = taken.min(wanted - self.passed);
                        self.look[self.passed..self.passed + seen].copy_from_slice(&bytes[at..at + seen]);
                        if self.passed + seen == wanted {
                            found(Found::Payload(frame, &self.look[..wanted]));
                        }
                    }
                    self.passed += taken;
                    at += taken;
                    if self.passed == frame.length {
                        self.frame = None;
                    }
                }
                None => {
                    let taken = left.min(Head::LENGTH - self.filled);
                    self.head[self.filled..self.filled + taken].copy_from_slice(&bytes[at..at + taken]);
                    // Where it began in earlier bytes, `at` is 0.
                    let kind_at = (at + 3).checked_sub(self.filled);
                    self.filled += taken;
                    at += taken;
                    if self.filled == Head::LENGTH {
                        let frame = Head::parse(self.head);
                        (self.filled, self.passed) = (0, 0);
                        self.frame = (frame.length > 0).then_some(frame);
                        found(Found::Frame(frame, kind_at));
                    }
                }
            }
        }
    }
}

/// A frame, and what was looked at of its payload, for `crates/core/fuzz`.
#[cfg(feature = "fuzzing")]
#[derive(Debug, PartialEq, Eq)]
pub struct FoundFrame {
    pub length: usize,
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    /// Where its type is among all bytes, if that is known.
    pub kind_at: Option<usize>,
    pub look: Option<Vec<u8>>,
}

/// The frames of all these pieces. A header block that is looked at is asked for its first name as well.
#[cfg(feature = "fuzzing")]
pub fn find_frames<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<FoundFrame> {
    let (mut reader, mut all, mut before) = (Reader::default(), Vec::<FoundFrame>::new(), 0);
    for piece in pieces {
        reader.read(piece, |found| match found {
            Found::Frame(Head { length, kind, flags, stream }, at) => {
                let kind_at = at.map(|at| before + at);
                all.push(FoundFrame { length, kind, flags, stream, kind_at, look: None });
            }
            Found::Payload(_, payload) => {
                super::hpack::begins_with_pseudo(payload);
                super::hpack::begins_with_two_pseudos(payload);
                all.last_mut().expect("its head came first").look = Some(payload.to_vec());
            }
        });
        before += piece.len();
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found in these bytes: frames with the place of their type, and the payloads that are looked at.
    fn found(reader: &mut Reader, bytes: &[u8]) -> Vec<String> {
        let mut all = Vec::new();
        reader.read(bytes, |found| {
            all.push(match found {
                Found::Frame(frame, at) => {
                    format!("{} of {}, stream {}, {at:?}", frame.kind, frame.length, frame.stream)
                }
                Found::Payload(_, payload) => format!("{payload:?}"),
            });
        });
        all
    }

    const RESET: [u8; 13] = [0, 0, 4, RST_STREAM, 0, 0x80, 0, 1, 2, 9, 8, 7, 6];
    const EMPTY: [u8; 9] = [0, 0, 0, DATA, 0, 0, 0, 0, 3];

    #[test]
    fn frames_are_found_whole() {
        let bytes = [&RESET[..], &EMPTY, &RESET].concat();
        let all = found(&mut Reader::default(), &bytes);
        let reset = |at| format!("3 of 4, stream 258, Some({at})");
        let payload = "[9, 8, 7, 6]".to_owned();
        assert_eq!(all, [reset(3), payload.clone(), "0 of 0, stream 3, Some(16)".to_owned(), reset(25), payload]);
    }

    #[test]
    fn frames_are_found_wherever_the_bytes_are_divided() {
        let bytes = [&EMPTY[..], &RESET, &EMPTY].concat();
        let whole: Vec<_> = found(&mut Reader::default(), &bytes).iter().map(|found| strip(found)).collect();
        // miri takes its time.
        let step = if cfg!(miri) { 4 } else { 1 };
        for one in (0..bytes.len()).step_by(step) {
            for two in (one..bytes.len()).step_by(step) {
                let mut reader = Reader::default();
                let parts = [&bytes[..one], &bytes[one..two], &bytes[two..]];
                let all: Vec<_> = parts.iter().flat_map(|part| found(&mut reader, part)).map(|f| strip(&f)).collect();
                assert_eq!(all, whole, "divided at {one} and {two}");
            }
        }
        // The type of a frame is known when it is complete, and then it may have been handed on.
        let mut reader = Reader::default();
        assert!(found(&mut reader, &EMPTY[..4]).is_empty());
        assert_eq!(found(&mut reader, &EMPTY[4..]), ["0 of 0, stream 3, None"]);
        assert!(found(&mut reader, &EMPTY[..3]).is_empty());
        assert_eq!(found(&mut reader, &EMPTY[3..]), ["0 of 0, stream 3, Some(0)"]);
    }

    /// Without the place of the type, which is another in each part.
    fn strip(found: &str) -> String {
        found.split(", Some").next().and_then(|found| found.split(", None").next()).unwrap_or_default().to_owned()
    }
}
