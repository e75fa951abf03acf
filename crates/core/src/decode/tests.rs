use super::*;
use flate2::{Compress, Compression, Crc, FlushCompress};

const TEXT: &[u8] = b"test 123";
const BROTLI: &str = "8b0380746573742031323303";
/// 64 MiB of zeros.
const BROTLI_BOMB: &str =
    "cfffff7ff82700e2b14020f7fe9ffffffff04f00c4610180eefd3fffffffe19f0088c32200ddfbfffcffffc73f0110870500baf7ff";
/// Seven bytes that are to be skipped.
const ZSTD_SKIPPABLE: &str = "502a4d180700000000000000000000";

fn hex(text: &str) -> Vec<u8> {
    let digit = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
    (0..text.len()).step_by(2).map(digit).collect()
}

fn deflated(content: &[u8], zlib: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 64);
    let mut compress = Compress::new(Compression::default(), zlib);
    compress.compress_vec(content, &mut out, FlushCompress::Finish).expect("there is room");
    out
}

fn gzip_with(header: &[u8], content: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(content);
    let trailer = [crc.sum().to_le_bytes(), crc.amount().to_le_bytes()].concat();
    [header, &deflated(content, false), &trailer].concat()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    gzip_with(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], content)
}

fn zstd(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(zstd_safe::compress_bound(content.len()));
    zstd_safe::compress(&mut out, content, 3).expect("there is room");
    out
}

fn decoder(coding: &str) -> Decoder {
    Decoder::new([coding.as_bytes()]).expect("few codings").expect("known codings")
}

/// Decodes a body that comes in pieces of `size`; what came out before an error is part of the answer.
fn decode_in(coding: &str, body: &[u8], size: usize) -> (Vec<u8>, Result<(), DecodeError>) {
    let mut decoder = decoder(coding);
    let mut chunks = body.chunks(size);
    let mut out = Vec::new();
    loop {
        match decoder.step() {
            Ok(Step::Piece(piece)) => {
                assert!(!piece.is_empty() && piece.len() <= MAX_STEP_BYTES, "{} bytes in one step", piece.len());
                out.extend_from_slice(&piece);
            }
            Ok(Step::Unfinished) => {}
            Ok(Step::Starved) => match chunks.next() {
                Some(chunk) => decoder.push(Bytes::copy_from_slice(chunk)),
                None => decoder.end(),
            },
            Ok(Step::End) => return (out, Ok(())),
            Err(error) => {
                assert_eq!(decoder.step(), Err(error), "an error stays");
                return (out, Err(error));
            }
        }
    }
}

/// However the body is cut, the same comes out.
fn decode(coding: &str, body: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let (whole, ended) = decode_in(coding, body, usize::MAX);
    for size in [1, 2, 3, 7] {
        assert_eq!(decode_in(coding, body, size), (whole.clone(), ended), "{coding} in pieces of {size}");
    }
    ended.map(|()| whole)
}

#[test]
fn each_coding_in_pieces_of_every_size() {
    let cases: [(&str, Vec<u8>); 12] = [
        ("gzip", gzip(TEXT)),
        ("x-gzip", gzip(TEXT)),
        ("GZIP", gzip(TEXT)),
        ("deflate", deflated(TEXT, true)),
        ("deflate", deflated(TEXT, false)),
        ("br", hex(BROTLI)),
        ("zstd", zstd(TEXT)),
        ("br, identity", hex(BROTLI)),
        ("identity, br", hex(BROTLI)),
        (" , gzip\t,, ", gzip(TEXT)),
        ("gzip, br, zstd", zstd(&hex("8b0d801f8b08000000000000032b492d2e513034320600df0f69c20800000003"))),
        ("zstd, Deflate, x-gzip", gzip(&deflated(&zstd(TEXT), true))),
    ];
    for (coding, body) in cases {
        assert_eq!(decode(coding, &body).as_deref(), Ok(TEXT), "{coding}");
    }
}

#[test]
fn no_body_is_an_empty_one() {
    for coding in ["gzip", "deflate", "br", "zstd", "gzip, br", "zstd, deflate"] {
        assert_eq!(decode(coding, b""), Ok(Vec::new()), "{coding}");
    }
    for (coding, body) in
        [("gzip", gzip(b"")), ("deflate", deflated(b"", false)), ("br", hex("3b")), ("zstd", zstd(b""))]
    {
        assert_eq!(decode(coding, &body), Ok(Vec::new()), "{coding} of nothing");
    }
}

#[test]
fn every_truncation_is_one() {
    let large: Vec<u8> = (0..100_000_u32).flat_map(|n| (n % 251).to_le_bytes()).collect();
    let cases = [
        ("gzip", gzip(TEXT)),
        ("gzip", gzip_with(b"\x1f\x8b\x08\x1e\0\0\0\0\0\x03\x02\0exname\0comment\0\0\0", TEXT)),
        ("deflate", deflated(TEXT, true)),
        ("deflate", deflated(TEXT, false)),
        ("br", hex(BROTLI)),
        ("zstd", zstd(TEXT)),
        ("gzip", gzip(&large)),
        ("zstd", zstd(&large)),
    ];
    for (coding, body) in cases {
        for length in (1..body.len()).step_by(1 + body.len() / 100) {
            let (_, ended) = decode_in(coding, &body[..length], usize::MAX);
            assert_eq!(ended, Err(DecodeError::Truncated(coding)), "{coding}, {length} bytes of {}", body.len());
        }
    }
}

#[test]
fn what_came_out_before_a_fault_comes_before_it() {
    let content = vec![b'x'; 3 * MAX_STEP_BYTES + 5];
    let mut body = gzip(&content);
    let crc = body.len() - 8;
    body[crc] ^= 1;
    assert_eq!(decode_in("gzip", &body, usize::MAX), (content.clone(), Err(DecodeError::Checksum("gzip"))));
    let outer = gzip(&body);
    assert_eq!(decode_in("gzip, gzip", &outer, usize::MAX), (content, Err(DecodeError::Checksum("gzip"))));
}

#[test]
fn what_is_not_the_coding_is_refused() {
    let with = |at: usize, byte: u8| {
        let mut body = gzip(TEXT);
        body[at] = byte;
        body
    };
    let cases = [
        ("gzip", b"plain text".to_vec(), DecodeError::Invalid("gzip")),
        ("gzip", with(2, 7), DecodeError::Invalid("gzip")),
        ("gzip", with(3, 0x20), DecodeError::Invalid("gzip")),
        ("gzip", with(10, 0xff), DecodeError::Invalid("gzip")),
        ("gzip", with(gzip(TEXT).len() - 1, 1), DecodeError::Checksum("gzip")),
        ("deflate", b"\xff\xffplain text".to_vec(), DecodeError::Invalid("deflate")),
        ("br", b"\xff\xff\xffplain text".to_vec(), DecodeError::Invalid("br")),
        ("br", [hex(BROTLI), b"x".to_vec()].concat(), DecodeError::Invalid("br")),
        ("zstd", b"plain text".to_vec(), DecodeError::Invalid("zstd")),
        // A preset dictionary (RFC 1950 FDICT), which HTTP has no way to agree on.
        ("deflate", b"\x78\xbb\x00\x00\x00\x01\x00".to_vec(), DecodeError::Invalid("deflate")),
        // A window of 128 MiB, where RFC 9659 allows 8.
        ("zstd", hex("28b52ffd0488540000100000010000"), DecodeError::Window),
    ];
    for (coding, body, error) in cases {
        let body = body.as_slice();
        assert_eq!(decode(coding, body), Err(error), "{coding} {}", body.escape_ascii());
    }
}

/// The coding that failed is not asked again while another one has output left.
#[test]
fn a_fault_within_a_chain_stays_and_comes_after_what_was_decoded() {
    let zeros = vec![0; 4 * MAX_STEP_BYTES];
    let mut body = gzip(&deflated(&zeros, true));
    let checksum = body.len() - 8;
    body[checksum] ^= 1;
    for garbage in [&b""[..], b"garbage"] {
        let body = [&body, garbage].concat();
        for size in [usize::MAX, 100, 7] {
            let (content, ended) = decode_in("deflate, gzip", &body, size);
            assert_eq!(
                (content.len(), ended),
                (zeros.len(), Err(DecodeError::Checksum("gzip"))),
                "in pieces of {size}"
            );
        }
    }
}

#[test]
fn gzip_has_members_and_ignores_what_follows_them() {
    let two = [gzip(b"test "), gzip(b"123")].concat();
    for garbage in [&b""[..], b"\0", b"\0\0\0\0", b"\x1f", b"\x1f\x8c", b"garbage"] {
        assert_eq!(decode("gzip", &[&two, garbage].concat()).as_deref(), Ok(TEXT), "{}", garbage.escape_ascii());
    }
    let begun = [&two[..], &gzip(TEXT)[..9]].concat();
    assert_eq!(decode("gzip", &begun), Err(DecodeError::Truncated("gzip")));
    assert_eq!(decode("deflate", &[deflated(TEXT, false), b"garbage".to_vec()].concat()).as_deref(), Ok(TEXT));
}

#[test]
fn gzip_headers_are_skipped_whatever_they_have() {
    for (flags, fields) in [
        (0, &b""[..]),
        (1, b""),
        (2, b"\x12\x34"),
        (4, b"\x03\0abc"),
        (4, b"\0\0"),
        (8, b"name\0"),
        (16, b"\0"),
        (0x1f, b"\x01\0xname\0comment\0\x12\x34"),
    ] {
        let header = [&[0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 5, 6], fields].concat();
        assert_eq!(decode("gzip", &gzip_with(&header, TEXT)).as_deref(), Ok(TEXT), "flags {flags}");
    }
}

#[test]
fn what_follows_the_frames_of_zstd_is_ignored() {
    let frames = [zstd(b"foo"), hex(ZSTD_SKIPPABLE), zstd(b"bar")].concat();
    let another = zstd(TEXT);
    // What follows; three bytes of another frame are not known for one.
    for garbage in [&b"x"[..], b"plain text", b"\0", &[0; 3_000], b"\x28\xb5\x2f", b"\x28\xb5\x2fx"] {
        let body = [&frames[..], garbage].concat();
        for size in [1, 2, 3, 5, usize::MAX] {
            assert_eq!(decode_in("zstd", &body, size), (b"foobar".to_vec(), Ok(())), "{garbage:?} in {size}");
        }
    }
    // A frame that is cut is no garbage.
    for length in 4..another.len() {
        let body = [&frames[..], &another[..length]].concat();
        assert!(decode("zstd", &body).is_err(), "{length}");
    }
}

/// The library compares the size only where it has a whole frame at once, and behind a last block that is not empty.
#[test]
fn a_frame_of_zstd_has_the_size_that_it_states() {
    // One segment whose size is the byte that follows, blocks without compression; an empty last block.
    let (header, last) = ("28b52ffd20", "010000");
    let raw_block = |bytes: usize, is_last: bool| {
        let head = u32::try_from(bytes << 3).expect("small") | u32::from(is_last);
        [&head.to_le_bytes()[..3], &vec![b'x'; bytes]].concat()
    };
    let cases = [
        ("less than it states: nothing", hex(&format!("{header}60{last}")), false),
        ("nothing, and another frame", [hex(&format!("{header}60{last}")), zstd(TEXT)].concat(), false),
        ("less, and an empty block", [hex(&format!("{header}08")), raw_block(7, false), hex(last)].concat(), false),
        (
            "more, and an empty block",
            [hex(&format!("{header}08")), raw_block(8, false), raw_block(1, false), hex(last)].concat(),
            false,
        ),
        ("less in the last block", [hex(&format!("{header}08")), raw_block(7, true)].concat(), false),
        ("as much, and an empty block", [hex(&format!("{header}08")), raw_block(8, false), hex(last)].concat(), true),
        ("as much", [hex(&format!("{header}08")), raw_block(8, true)].concat(), true),
        ("nothing, as it states", hex(&format!("{header}00{last}")), true),
        ("two bytes of size, 256 more than they say", [hex("28b52ffd600000"), raw_block(256, true)].concat(), true),
        ("eight bytes of size", [hex("28b52ffde00800000000000000"), raw_block(8, false), hex(last)].concat(), true),
        (
            "eight bytes of size, one less",
            [hex("28b52ffde00900000000000000"), raw_block(8, false), hex(last)].concat(),
            false,
        ),
        ("no size", [hex("28b52ffd0000"), raw_block(8, false), hex(last)].concat(), true),
        // RFC 8878 section 3.1.1.2.4: a block is no larger than the window, of 1 KiB here.
        ("a block larger than the window", [hex("28b52ffd4000ff06"), raw_block(0x7ff, true)].concat(), false),
        ("a block as large as the window", [hex("28b52ffd40000003"), raw_block(0x400, true)].concat(), true),
    ];
    for (what, body, is_right) in cases {
        for size in (1..20).chain([usize::MAX]) {
            let expected = if is_right { Ok(()) } else { Err(DecodeError::Invalid("zstd")) };
            assert_eq!(decode_in("zstd", &body, size).1, expected, "{what}, in pieces of {size}");
        }
    }
}

#[test]
fn zstd_has_frames_and_skips_some() {
    let frames = [zstd(b"foo"), hex(ZSTD_SKIPPABLE), zstd(b""), zstd(b"bar")].concat();
    assert_eq!(decode("zstd", &frames).as_deref(), Ok(&b"foobar"[..]));
    assert_eq!(decode("zstd", &hex(ZSTD_SKIPPABLE)), Ok(Vec::new()));
    // One that ends exactly where a step does.
    let (content, body) = (vec![7; MAX_STEP_BYTES], zstd(&vec![7; MAX_STEP_BYTES]));
    assert_eq!(decode_in("zstd", &body, usize::MAX), (content, Ok(())));
}

#[test]
fn which_codings_are_undone() {
    let undone = |lines: &[&str]| {
        Decoder::new(lines.iter().map(|line| line.as_bytes())).map(|d| d.map_or(0, |d| d.stages.len()))
    };
    // Content-Encoding lines, codings that are undone
    let cases: [(&[&str], Result<usize, DecodeError>); 12] = [
        (&[], Ok(0)),
        (&[""], Ok(0)),
        (&["identity"], Ok(0)),
        (&["compress"], Ok(0)),
        (&["unknown, gzip"], Ok(1)),
        (&["gzip, unknown"], Ok(0)),
        (&["gzip, unknown, br, zstd"], Ok(2)),
        (&["gzip", "br , deflate"], Ok(3)),
        (&["gzip,gzip,gzip,gzip,gzip"], Ok(5)),
        (&["gzip,gzip,gzip,gzip,gzip,gzip"], Err(DecodeError::TooManyCodings)),
        (&["gzip", "gzip", "gzip", "gzip", "gzip", "gzip"], Err(DecodeError::TooManyCodings)),
        (&["a,b,c", "d,e,f"], Err(DecodeError::TooManyCodings)),
    ];
    for (lines, want) in cases {
        assert_eq!(undone(lines), want, "{lines:?}");
    }
}

#[test]
fn a_bomb_goes_off_step_by_step() {
    let mebibyte = vec![0; 1 << 20];
    let cases = [
        ("gzip", gzip(&mebibyte).repeat(1000), 1000 << 20),
        ("deflate", deflated(&vec![0; 64 << 20], true), 64 << 20),
        ("zstd", zstd(&mebibyte).repeat(1000), 1000 << 20),
        ("br", hex(BROTLI_BOMB), 64 << 20),
        ("gzip, gzip, gzip", gzip(&gzip(&gzip(&mebibyte).repeat(1000))), 1000 << 20),
    ];
    for (coding, body, size) in cases {
        let mut decoder = decoder(coding);
        decoder.push(body.into());
        decoder.end();
        let mut length = 0;
        loop {
            match decoder.step().expect(coding) {
                Step::Piece(piece) => {
                    assert!(piece.len() <= MAX_STEP_BYTES, "{coding}: {} bytes in one step", piece.len());
                    length += piece.len();
                }
                Step::Unfinished => {}
                end => break assert_eq!(end, Step::End),
            }
        }
        assert_eq!(length, size, "{coding}");
    }
}

#[test]
fn a_body_that_decodes_to_nothing_is_read_step_by_step() {
    let empty_block = |count: usize| [0, 0, 0, 0xff, 0xff].repeat(count);
    let cases = [
        ("gzip", gzip(b"").repeat(20_000)),
        ("gzip", [&[0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3][..], &[b'x'; 4 << 20]].concat()),
        ("deflate", [&[0x78, 0x9c][..], &empty_block(100_000)].concat()),
        ("zstd", zstd(b"").repeat(1_000_000)),
        ("zstd", hex(ZSTD_SKIPPABLE).repeat(100_000)),
        ("gzip, gzip", gzip(&gzip(b"").repeat(20_000))),
    ];
    for (coding, body) in cases {
        let mut decoder = decoder(coding);
        decoder.push(body.into());
        let mut steps = 0;
        while decoder.step() == Ok(Step::Unfinished) {
            steps += 1;
        }
        assert!(steps > 1, "{coding}");
    }
}

#[test]
fn a_million_empty_members_take_no_stack() {
    // Before the last one, which is not empty, nothing comes out.
    let body = [gzip(b"").repeat(1_000_000), gzip(TEXT)].concat();
    assert_eq!(decode_in("gzip", &body, usize::MAX), (TEXT.to_vec(), Ok(())));
    let body = [zstd(b"").repeat(1_000_000), zstd(TEXT)].concat();
    assert_eq!(decode_in("zstd", &body, usize::MAX), (TEXT.to_vec(), Ok(())));
}

#[test]
fn what_has_arrived_is_decoded_at_once() {
    let mut compress = Compress::new(Compression::default(), true);
    let mut decoder = decoder("deflate");
    for event in [&b"data: 1\n\n"[..], b"data: 2\n\n"] {
        let mut part = Vec::with_capacity(64);
        compress.compress_vec(event, &mut part, FlushCompress::Sync).expect("there is room");
        decoder.push(part.into());
        assert_eq!(decoder.step(), Ok(Step::Piece(Bytes::from_static(event))));
        assert_eq!(decoder.step(), Ok(Step::Starved));
    }
}
