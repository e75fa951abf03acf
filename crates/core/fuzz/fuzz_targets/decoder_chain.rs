//! Content codings: what comes out does not depend on the pieces that the body arrives in, nor whether it is valid, and no step is larger than it may be.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use whippet_core::{DecodeError, Decoder, MAX_STEP_BYTES, Step};
use whippet_fuzz::Input;

const CODINGS: [&str; 8] = ["gzip", "deflate", "br", "zstd", "x-gzip", "identity", "unknown", ""];

/// Bombs are looked at so far and no further.
const MAX_CONTENT: usize = 1 << 20;

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let count = usize::from(input.byte() % 7);
    let line: Vec<&str> = (0..count).map(|_| CODINGS[usize::from(input.byte() % 8)]).collect();
    let (line, piece) = (line.join(", "), usize::from(input.byte()).max(1));
    let body = input.rest();
    let (whole, verdict) = decode(&line, [body]);
    let (cut, verdict_of_cut) = decode(&line, body.chunks(piece));
    if whole.len().max(cut.len()) < MAX_CONTENT {
        // Which of several faults is met first depends on the pieces, and so does what comes out before it.
        assert_eq!(verdict.is_ok(), verdict_of_cut.is_ok(), "'{line}' in pieces of {piece}");
        let both = if verdict.is_ok() { whole.len().max(cut.len()) } else { whole.len().min(cut.len()) };
        assert_eq!(whole.get(..both), cut.get(..both), "'{line}' in pieces of {piece}");
    }
});

fn decode<'a>(line: &str, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<u8>, Result<(), DecodeError>) {
    let mut content = Vec::new();
    let mut decoder = match Decoder::new([line.as_bytes()]) {
        Ok(Some(decoder)) => decoder,
        Ok(None) => return (content, Ok(())),
        Err(error) => return (content, Err(error)),
    };
    for piece in pieces.into_iter().filter(|piece| !piece.is_empty()) {
        decoder.push(Bytes::copy_from_slice(piece));
        if let Some(ended) = run(&mut decoder, &mut content) {
            return (content, ended);
        }
    }
    decoder.end();
    let ended = run(&mut decoder, &mut content).expect("there is no more to wait for");
    (content, ended)
}

/// `None`: it waits for the next piece.
fn run(decoder: &mut Decoder, content: &mut Vec<u8>) -> Option<Result<(), DecodeError>> {
    while content.len() < MAX_CONTENT {
        match decoder.step() {
            Ok(Step::Piece(piece)) => {
                assert!((1..=MAX_STEP_BYTES).contains(&piece.len()), "{} bytes", piece.len());
                content.extend_from_slice(&piece);
            }
            Ok(Step::Unfinished) => {}
            Ok(Step::Starved) => return None,
            Ok(Step::End) => return Some(Ok(())),
            Err(error) => {
                assert_eq!(decoder.step(), Err(error), "a fault stays");
                return Some(Err(error));
            }
        }
    }
    Some(Ok(()))
}
