//! Opens what should be a regular file, and refuses anything else: opening a pipe without a writer would block for ever, and a
//! symbolic link leads out of the cache.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Opens a file for reading and, on Windows, for mapping it as code. None if there is no file, but perhaps something else.
pub(crate) fn open(path: &Path) -> io::Result<Option<File>> {
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
        // Needed to map it as code: FILE_GENERIC_READ and FILE_GENERIC_EXECUTE.
        options.access_mode(0x0012_0089 | 0x0012_00a0);
    }
    match options.open(path) {
        Ok(file) => Ok(file.metadata()?.is_file().then_some(file)),
        Err(error) if is_something_else(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether an error says that there is no file, rather than that it cannot be opened.
fn is_something_else(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        // ELOOP for a symbolic link, ENXIO for a socket or a missing device.
        let others = [Errno::LOOP, Errno::NXIO, Errno::NODEV].map(|errno| Some(errno.raw_os_error()));
        if others.contains(&error.raw_os_error()) {
            return true;
        }
    }
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory)
}
