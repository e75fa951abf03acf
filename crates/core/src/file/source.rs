//! Some bytes of a file, read for the body of a request.

use super::error_of;
use crate::error::{Error, ErrorKind};
use bytes::Bytes;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes that are read at once.
const READ_BYTES: usize = 512 * 1024;

/// An open file. All of its methods block.
pub struct FileSource {
    file: File,
    path: PathBuf,
    /// Bytes that are to come.
    left: u64,
    /// Of the whole file, when the request's length was computed.
    size: u64,
    spare: Arc<Spare>,
}

/// The memory of chunks that were sent, to be read into again. An allocator gets it back from another thread than it gave it to, and
/// holds some hundred megabytes before it is used again.
#[derive(Default)]
struct Spare(Mutex<Vec<Vec<u8>>>);

/// One chunk is read while another is sent.
const MAX_SPARE_COUNT: usize = 2;

impl Spare {
    fn take(&self) -> Option<Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn keep(&self, mut memory: Vec<u8>) {
        memory.clear();
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < MAX_SPARE_COUNT {
            spare.push(memory);
        }
    }
}

struct Chunk {
    memory: Vec<u8>,
    spare: Arc<Spare>,
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        &self.memory
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.spare.keep(std::mem::take(&mut self.memory));
    }
}

impl FileSource {
    /// `length` bytes from `start` of a file that had `size` bytes.
    ///
    /// # Errors
    ///
    /// The system's; `LocalProtocolError` when it is another size by now.
    pub fn open(path: &Path, start: u64, length: u64, size: u64) -> Result<FileSource, Error> {
        let failed = |error| error_of("cannot read", path, error);
        let mut options = std::fs::OpenOptions::new();
        options.read(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            // A FIFO in the file's place would wait for its writer.
            options.custom_flags(libc::O_NONBLOCK);
        }
        let mut file = options.open(path).map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(changed(path, "is no regular file any more"));
        }
        file.seek(SeekFrom::Start(start)).map_err(failed)?;
        let source = FileSource { file, path: path.to_owned(), left: length, size, spare: Arc::default() };
        source.check_size()?;
        Ok(source)
    }

    /// The next bytes; none at the end. The last ones come only when the file still has the size that it had: a request's
    /// end is at its length, so what is wrong must be known before.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::FileError`] when it cannot be read, or has another size by now.
    pub fn read(&mut self) -> Result<Option<Bytes>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        let most = READ_BYTES.min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let mut chunk = self.spare.take().unwrap_or_else(|| Vec::with_capacity(most));
        let found = (&mut self.file).take(most as u64).read_to_end(&mut chunk);
        found.map_err(|error| error_of("cannot read", &self.path, error))?;
        if chunk.len() < most {
            return Err(changed(&self.path, "became shorter"));
        }
        self.left -= most as u64;
        if self.left == 0 {
            self.check_size()?;
        }
        Ok(Some(Bytes::from_owner(Chunk { memory: chunk, spare: self.spare.clone() })))
    }

    fn check_size(&self) -> Result<(), Error> {
        let size = self.file.metadata().map_err(|error| error_of("cannot read", &self.path, error))?.len();
        match size.cmp(&self.size) {
            std::cmp::Ordering::Less => Err(changed(&self.path, "became shorter")),
            std::cmp::Ordering::Greater => Err(changed(&self.path, "became longer")),
            std::cmp::Ordering::Equal => Ok(()),
        }
    }
}

fn changed(path: &Path, how: &str) -> Error {
    let message = format!("the file {path:?} {how} while it was sent: its Content-Length is no longer true");
    Error::new(ErrorKind::LocalProtocolError, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_changes() {
        let path = std::env::temp_dir().join(format!("whippet-source-{}", std::process::id()));
        let whole: Vec<u8> = (0..READ_BYTES + 1000).map(|i| i as u8).collect();
        let size = whole.len() as u64;
        std::fs::write(&path, &whole).expect("a file");
        for (start, length) in [(0, size), (0, 0), (10, 20), (size - 1, 1), (size, 0), (999, READ_BYTES as u64)] {
            let mut source = FileSource::open(&path, start, length, size).expect("a source");
            let mut found = Vec::new();
            while let Some(chunk) = source.read().expect("readable") {
                found.extend_from_slice(&chunk);
            }
            assert_eq!(found, &whole[start as usize..(start + length) as usize], "{length} from {start}");
        }
        for other in [size - 1, size + 1] {
            let refused = FileSource::open(&path, 0, 1, other).err().expect("another size");
            assert_eq!(refused.kind(), ErrorKind::LocalProtocolError);
        }
        for other in [size - 1, size + 1] {
            let mut source = FileSource::open(&path, 0, size, size).expect("a source");
            source.read().expect("readable").expect("the first bytes");
            File::options().write(true).open(&path).and_then(|file| file.set_len(other)).expect("changed");
            assert_eq!(source.read().expect_err("changed").kind(), ErrorKind::LocalProtocolError, "{other}");
            std::fs::write(&path, &whole).expect("a file");
        }
        std::fs::remove_file(&path).expect("removed");
    }
}
