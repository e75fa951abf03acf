//! The bodies, made once: served from memory here, and from DIR by nginx.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::{fs, io};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};

/// Of `/bytes/N`, at most.
const LONGEST: usize = 16 << 20;

/// In a body of events or of lines.
const ITEMS: usize = 10_000;

pub struct Bodies {
    pub small: Bytes,
    pub kib64: Bytes,
    pub mib1: Bytes,
    pub gzip_json: Bytes,
    pub events: Bytes,
    pub lines: Bytes,
    longest: Bytes,
}

impl Bodies {
    pub fn new() -> io::Result<Bodies> {
        let longest = pattern(LONGEST);
        Ok(Bodies {
            small: Bytes::from_static(SMALL),
            kib64: longest.slice(..64 << 10),
            mib1: longest.slice(..1 << 20),
            gzip_json: gzip_json()?,
            events: (0..ITEMS).flat_map(|at| format!("id: {at:05}\ndata: {}\n\n", TOKEN).into_bytes()).collect(),
            lines: (0..ITEMS)
                .flat_map(|at| format!("{{\"id\":1{at:05},\"text\":\"{TOKEN}\"}}\n").into_bytes())
                .collect(),
            longest,
        })
    }

    /// The first `length` bytes of the pattern, if it is that long.
    pub fn bytes(&self, length: &str) -> Option<Bytes> {
        let length: usize = length.parse().ok()?;
        (length <= LONGEST).then(|| self.longest.slice(..length))
    }

    /// A file is called what its path is called.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        let files = [
            ("small", &self.small),
            ("64k", &self.kib64),
            ("1m", &self.mib1),
            ("gzip-json", &self.gzip_json),
            ("events", &self.events),
            ("lines", &self.lines),
        ];
        files.into_iter().try_for_each(|(name, body)| fs::write(dir.join(name), body))
    }
}

fn pattern(length: usize) -> Bytes {
    (0..length).map(|at| (at * 31 % 251) as u8).collect()
}

fn gzip_json() -> io::Result<Bytes> {
    let mut json = String::from(r#"{"items":["#);
    for id in 0.. {
        let item =
            format!(r#"{{"id":{id},"name":"item {id}","price":{}.{:02},"tags":["a","b"]}}"#, id * 7 % 90, id % 97);
        if json.len() + item.len() + 3 > 100 << 10 {
            break;
        }
        let comma = if id == 0 { "" } else { "," };
        write!(json, "{comma}{item}").map_err(io::Error::other)?;
    }
    json.push_str("]}");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(json.as_bytes())?;
    Ok(encoder.finish()?.into())
}

/// With what stands around it, an event of 100 bytes.
const TOKEN: &str = "a language model sends a few of its tokens in each of its events, as this one here";

/// States its own length, so that a client that only sees the parsed value can still check it.
static SMALL: &[u8; 105] =
    br#"{"bytes":105,"id":471,"name":"whippet","breed":{"group":"sighthound","kg":12.7},"fast":true,"tags":["a"]}"#;
