//! Sockets with a path: unix sockets, and named pipes on Windows.

use super::Stream;
use std::io;
use std::path::Path;

#[cfg(unix)]
pub(super) async fn connect(path: &Path) -> io::Result<Stream> {
    let mut connected = tokio::net::UnixStream::connect(path).await;
    if let (Err(error), Some(padded)) = (&connected, padded(path))
        && error.kind() == io::ErrorKind::ConnectionRefused
    {
        connected = tokio::net::UnixStream::connect(padded).await;
    }
    connected.map(Stream::Unix).map_err(|error| match error.kind() {
        // std says so of a path that does not fit into a `sockaddr_un`; the system would, if it were asked.
        io::ErrorKind::InvalidInput => io::Error::from_raw_os_error(libc::ENAMETOOLONG),
        _ => error,
    })
}

/// An abstract name as libuv binds it up to 1.46 (Node 20): with NULs up to the length of `sun_path`, which are a part of it.
#[cfg(unix)]
fn padded(path: &Path) -> Option<std::path::PathBuf> {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};

    const SUN_PATH: usize = 108;
    let mut name = path.as_os_str().as_bytes().to_vec();
    if name.first() != Some(&0) || name.len() >= SUN_PATH {
        return None;
    }
    name.resize(SUN_PATH, 0);
    Some(std::ffi::OsString::from_vec(name).into())
}

#[cfg(windows)]
pub(super) async fn connect(path: &Path) -> io::Result<Stream> {
    use std::time::Duration;
    use tokio::net::windows::named_pipe::ClientOptions;

    /// Every instance of the pipe is taken; the server makes another one soon, or the connect timeout ends the wait.
    const ERROR_PIPE_BUSY: i32 = 231;
    loop {
        match ClientOptions::new().open(path) {
            Ok(pipe) => return Ok(Stream::Pipe(pipe)),
            Err(error) if error.raw_os_error() == Some(ERROR_PIPE_BUSY) => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(error) => return Err(error),
        }
    }
}
