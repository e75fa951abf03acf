//! SSLKEYLOGFILE: what a packet capture needs to be read. Which file it is, the caller says; the environment is not read here.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

#[derive(Debug)]
pub(super) struct KeyLog(Mutex<File>);

impl KeyLog {
    pub(super) fn open(path: &Path) -> io::Result<KeyLog> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        // With it, recorded connections can be decrypted.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path).map(|file| KeyLog(Mutex::new(file)))
    }
}

impl rustls::KeyLog for KeyLog {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let line = format!("{label} {} {}\n", hex(client_random), hex(secret));
        // In one write, so that lines of several processes do not mix. A full disk fails no request.
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
