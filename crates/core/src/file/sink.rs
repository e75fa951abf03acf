//! A file that a body is written into under a name of its own, and that gets its real name once it is whole.

use super::error_of;
use super::lock::{busy, is_at, is_busy, lock, only_writer};
use crate::error::{Error, ErrorKind};
use bytes::Bytes;
use sha2::{Digest, Sha256, Sha512};
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// How often a file may vanish between being opened and locked.
const MAX_OPEN_ATTEMPTS: usize = 16;

/// Bytes that are read at once when a file's beginning is hashed.
const HASH_CHUNK_BYTES: usize = 256 * 1024;

/// Segments that one `writev` takes: IOV_MAX of most systems.
const MAX_SLICES: usize = 1024;

/// Computed over the whole file while it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashAlgorithm {
    Sha256,
    Sha512,
}

enum Hasher {
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Hasher {
    fn new(algorithm: HashAlgorithm) -> Hasher {
        match algorithm {
            HashAlgorithm::Sha256 => Hasher::Sha256(Sha256::new()),
            HashAlgorithm::Sha512 => Hasher::Sha512(Sha512::new()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Hasher::Sha256(hasher) => hasher.update(bytes),
            Hasher::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// In lower-case hexadecimal.
    fn finish(self) -> String {
        match self {
            Hasher::Sha256(hasher) => to_hex(&hasher.finalize()),
            Hasher::Sha512(hasher) => to_hex(&hasher.finalize()),
        }
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// How a file that is whole gets its real name.
pub struct Commit<'a> {
    pub target: &'a Path,
    /// Permissions; `None`: those that it was made with.
    pub mode: Option<u32>,
    /// A file of that name stays, and is an error (EEXIST).
    pub exclusive: bool,
    /// Its bytes are on the disk before it has the name, and the name is there when the call returns.
    pub fsync: bool,
    /// Described what was missing, and is removed.
    pub note: &'a Path,
}

/// What is in the file.
#[derive(Debug, Default, PartialEq)]
pub struct Written {
    pub size: u64,
    /// When an algorithm was asked for.
    pub digest: Option<String>,
}

/// An open file, locked against every other writer until it is dropped. All of its methods block.
pub struct FileSink {
    file: File,
    path: PathBuf,
    size: u64,
    /// Bytes that the file may have at most.
    limit: Option<u64>,
    hasher: Option<Hasher>,
}

impl FileSink {
    /// Opens the file at `path` and locks it; with `create`, makes it where there is none, with the permissions `mode` less
    /// the umask.
    ///
    /// # Errors
    ///
    /// The system's; EBUSY while it is locked.
    pub fn open(path: &Path, create: bool, mode: Option<u32>) -> Result<FileSink, Error> {
        Self::try_open(path, create, mode).map_err(|error| match is_busy(&error) {
            true => error_of("cannot write", path, busy()),
            false => error_of("cannot open", path, error),
        })
    }

    fn try_open(path: &Path, create: bool, mode: Option<u32>) -> io::Result<FileSink> {
        for _ in 0..MAX_OPEN_ATTEMPTS {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(create).truncate(false);
            set_mode(&mut options, mode);
            only_writer(&mut options);
            let file = options.open(path)?;
            if !file.metadata()?.is_file() {
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, "it is no regular file"));
            }
            lock(&file)?;
            if is_at(&file, path)? {
                let size = file.metadata()?.len();
                return Ok(FileSink { file, path: path.to_owned(), size, limit: None, hasher: None });
            }
        }
        Err(busy())
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    /// Keeps the first `offset` bytes, which are hashed, and writes behind them from here on, up to `limit` bytes in all.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::FileError`] when they cannot be read, or the file not be cut there.
    pub fn begin(&mut self, offset: u64, algorithm: Option<HashAlgorithm>, limit: Option<u64>) -> Result<(), Error> {
        self.limit = limit;
        self.hasher = algorithm.map(Hasher::new);
        self.try_begin(offset).map_err(|error| error_of("cannot write", &self.path, error))
    }

    fn try_begin(&mut self, offset: u64) -> io::Result<()> {
        if self.file.metadata()?.len() < offset {
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, "it was changed by something else"));
        }
        self.file.set_len(offset)?;
        self.file.rewind()?;
        self.size = offset;
        if let Some(hasher) = &mut self.hasher {
            let mut chunk = vec![0; HASH_CHUNK_BYTES];
            let mut left = offset;
            while left > 0 {
                let most = HASH_CHUNK_BYTES.min(usize::try_from(left).unwrap_or(usize::MAX));
                self.file.read_exact(&mut chunk[..most])?;
                hasher.update(&chunk[..most]);
                left -= most as u64;
            }
        }
        self.file.seek(SeekFrom::Start(offset))?;
        Ok(())
    }

    /// Writes all of it.
    ///
    /// # Errors
    ///
    /// The system's, and `ResponseTooLarge` beyond the limit.
    pub fn write(&mut self, pieces: &[Bytes]) -> Result<(), Error> {
        let length = pieces.iter().map(|piece| piece.len() as u64).sum::<u64>();
        if let Some(limit) = self.limit.filter(|limit| self.size + length > *limit) {
            let message = format!("the download is larger than maxSize ({limit} bytes)");
            return Err(Error::new(ErrorKind::ResponseTooLarge, message));
        }
        self.try_write(pieces).map_err(|error| error_of("cannot write", &self.path, error))?;
        self.size += length;
        if let Some(hasher) = &mut self.hasher {
            pieces.iter().for_each(|piece| hasher.update(piece));
        }
        Ok(())
    }

    fn try_write(&mut self, pieces: &[Bytes]) -> io::Result<()> {
        for some in pieces.chunks(MAX_SLICES) {
            let mut slices: Vec<IoSlice<'_>> = some.iter().map(|piece| IoSlice::new(piece)).collect();
            let mut left = &mut slices[..];
            // Empty pieces in front would make a write of nothing.
            IoSlice::advance_slices(&mut left, 0);
            while !left.is_empty() {
                match self.file.write_vectored(left) {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(written) => IoSlice::advance_slices(&mut left, written),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Its size and digest; nothing is written after it.
    pub fn finish(&mut self) -> Written {
        Written { size: self.size, digest: self.hasher.take().map(Hasher::finish) }
    }

    /// Gives the file its real name, removes the note, and lets go of the file.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::FileError`] for what the file system refuses; the file keeps its name then, unless it was the note that stayed, or
    /// its folder that could not be flushed.
    pub fn commit(self, Commit { target, mode, exclusive, fsync, note }: Commit<'_>) -> Result<(), Error> {
        self.set_permissions(mode).map_err(|error| error_of("cannot change the permissions of", &self.path, error))?;
        if fsync {
            self.file.sync_all().map_err(|error| error_of("cannot write", &self.path, error))?;
        }
        self.rename(target, exclusive).map_err(|error| error_of("cannot write", target, error))?;
        if fsync {
            sync_folder_of(target).map_err(|error| error_of("cannot write the folder of", target, error))?;
        }
        remove(note).map_err(|error| error_of("cannot remove", note, error))
    }

    fn rename(&self, target: &Path, exclusive: bool) -> io::Result<()> {
        if !exclusive {
            return std::fs::rename(&self.path, target);
        }
        match std::fs::hard_link(&self.path, target) {
            Ok(()) => std::fs::remove_file(&self.path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            // A file system without hard links.
            Err(_) if !target.try_exists()? => std::fs::rename(&self.path, target),
            Err(_) => Err(io::ErrorKind::AlreadyExists.into()),
        }
    }

    /// Removes the file and `note`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::FileError`] for what the file system refuses.
    pub fn discard(self, note: &Path) -> Result<(), Error> {
        remove(&self.path).map_err(|error| error_of("cannot remove", &self.path, error))?;
        remove(note).map_err(|error| error_of("cannot remove", note, error))
    }

    #[cfg(unix)]
    fn set_permissions(&self, mode: Option<u32>) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt;
        mode.map_or(Ok(()), |mode| self.file.set_permissions(std::fs::Permissions::from_mode(mode)))
    }

    #[cfg(not(unix))]
    fn set_permissions(&self, _mode: Option<u32>) -> io::Result<()> {
        Ok(())
    }
}

/// While it is written its owner can read and write it, whatever it is to be in the end.
#[cfg(unix)]
fn set_mode(options: &mut OpenOptions, mode: Option<u32>) {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(mode.map_or(0o666, |mode| mode | 0o600));
}

#[cfg(not(unix))]
fn set_mode(_options: &mut OpenOptions, _mode: Option<u32>) {}

/// POSIX: the name of a file is its folder's.
#[cfg(unix)]
fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match File::open(folder)?.sync_all() {
        // Some network file systems have nothing of the kind for folders.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        result => result,
    }
}

/// Windows opens no folders as files, and journals their names.
#[cfg(not(unix))]
fn sync_folder_of(_path: &Path) -> io::Result<()> {
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
