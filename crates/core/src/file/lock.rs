//! One writer of a file at a time, also among processes. A lock ends with its process, however that ends.

use std::fs::File;
use std::io;
use std::path::Path;

/// Takes the lock of `file`, or fails at once with `ResourceBusy` while another open file has it.
#[cfg(unix)]
pub(super) fn lock(file: &File) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    // SAFETY: the fd is open for as long as `file` is borrowed.
    let result = unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) };
    match result {
        0 => Ok(()),
        _ => match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::WouldBlock => Err(busy()),
            // Some network file systems have no locks: better a download without one than none.
            _ => Ok(()),
        },
    }
}

/// Windows refuses the second writer when it opens the file: see [`only_writer`].
#[cfg(not(unix))]
pub(super) fn lock(_file: &File) -> io::Result<()> {
    Ok(())
}

/// Whether `path` still leads to `file`: another writer may have renamed or removed it before the lock was there.
#[cfg(unix)]
pub(super) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let opened = file.metadata()?;
    match std::fs::symlink_metadata(path) {
        Ok(found) => Ok((found.dev(), found.ino()) == (opened.dev(), opened.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
pub(super) fn is_at(_file: &File, _path: &Path) -> io::Result<bool> {
    Ok(true)
}

/// Opens a file for its one writer, which may rename and remove it while it is open.
#[cfg(windows)]
pub(super) fn only_writer(options: &mut std::fs::OpenOptions) {
    use std::os::windows::fs::OpenOptionsExt;
    const FILE_SHARE_READ: u32 = 1;
    const FILE_SHARE_DELETE: u32 = 4;
    options.share_mode(FILE_SHARE_READ | FILE_SHARE_DELETE);
}

/// Not through a symbolic link that was put in the file's place.
#[cfg(unix)]
pub(super) fn only_writer(options: &mut std::fs::OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
}

#[cfg(not(any(unix, windows)))]
pub(super) fn only_writer(_options: &mut std::fs::OpenOptions) {}

/// Windows: ERROR_SHARING_VIOLATION.
pub(super) fn is_busy(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ResourceBusy || (cfg!(windows) && error.raw_os_error() == Some(32))
}

pub(super) fn busy() -> io::Error {
    io::Error::new(io::ErrorKind::ResourceBusy, "another download is writing it")
}
