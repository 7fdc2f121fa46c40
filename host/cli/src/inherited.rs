//! What the process inherits: open descriptors, and the action of a signal.

#[cfg(unix)]
mod unix {
    use rustix::fs::{OFlags, fcntl_getfl};
    use rustix::io::{FdFlags, fcntl_getfd};
    use std::fs::File;
    use std::io;
    use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

    /// Makes a write beyond the limit on file sizes (`ulimit -f`) an error. Otherwise SIGXFSZ ends the process without a message,
    /// even if only the cache could not be written.
    pub(crate) fn ignore_file_size_signal() {
        // SAFETY: no handler is installed, so no code runs in one; and SIGXFSZ concerns nothing but writes.
        unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    }

    /// The file behind an inherited descriptor, with its position, which it shares with the process that opened it. Opening its
    /// path instead, such as `/dev/fd/3`, would start at the beginning.
    ///
    /// # Errors
    ///
    /// What is wrong with the descriptor.
    pub(crate) fn descriptor(number: u32) -> Result<File, String> {
        let duplicate = |fd: BorrowedFd<'_>| -> io::Result<Option<OwnedFd>> {
            if fcntl_getfl(fd)? & OFlags::ACCMODE == OFlags::RDONLY {
                return Ok(None);
            }
            fd.try_clone_to_owned().map(Some)
        };
        let file = match number {
            0 => duplicate(io::stdin().as_fd()),
            1 => duplicate(io::stdout().as_fd()),
            2 => duplicate(io::stderr().as_fd()),
            3..=0x7fff_ffff => {
                // SAFETY: the number is not -1. If no such descriptor is open, the system says so. An inherited descriptor belongs
                // to no value, so nothing closes it. Others are told by their flag: all that this process opens is closed on exec.
                let fd = unsafe { BorrowedFd::borrow_raw(number as i32) };
                match fcntl_getfd(fd) {
                    Ok(flags) if !flags.contains(FdFlags::CLOEXEC) => duplicate(fd),
                    _ => return Err(format!("descriptor {number} is not open")),
                }
            }
            _ => return Err(format!("descriptor {number} is not open")),
        };
        match file {
            Ok(Some(file)) => Ok(file.into()),
            Ok(None) => Err(format!("descriptor {number} is open for reading only")),
            Err(error) => Err(error.to_string()),
        }
    }
}

#[cfg(unix)]
pub(crate) use unix::{descriptor, ignore_file_size_signal};

#[cfg(not(unix))]
pub(crate) fn ignore_file_size_signal() {}
