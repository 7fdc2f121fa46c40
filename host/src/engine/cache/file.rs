//! Opening what should be a file. Whatever is there in its place is told, and not waited for: a pipe that nobody writes to
//! would never open, and a symbolic link leads out of the cache.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Opens a file for reading and, on Windows, for mapping it to be run. None if there is none, but perhaps something else.
pub(super) fn open(path: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags((OFlags::NONBLOCK | OFlags::NOFOLLOW).bits() as i32);
    }
    #[cfg(windows)]
    {
        use std::os::windows::fs::OpenOptionsExt as _;
        // What is mapped to be run has to be opened so: FILE_GENERIC_READ and FILE_GENERIC_EXECUTE.
        options.access_mode(0x0012_0089 | 0x0012_00a0);
    }
    match options.open(path) {
        Ok(file) => Ok(file.metadata()?.is_file().then_some(file)),
        Err(error) if is_something_else(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether an error says that there is no file, and not that one cannot be opened.
fn is_something_else(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        // A symbolic link, and a socket or a device that is not there.
        let others = [Errno::LOOP, Errno::NXIO, Errno::NODEV].map(|errno| Some(errno.raw_os_error()));
        if others.contains(&error.raw_os_error()) {
            return true;
        }
    }
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory)
}
