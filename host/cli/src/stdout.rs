//! All writing to stdout.

use anyhow::{Context as _, Result};
use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::time::Duration;

/// Prints a result on a line.
pub(crate) fn print(text: &str) -> Result<()> {
    write(format!("{text}\n").as_bytes())
}

/// Writes a result as it is.
pub(crate) fn write(bytes: &[u8]) -> Result<()> {
    to_stdout(bytes).context("cannot write to stdout")
}

/// stdout as a file.
pub(crate) fn file() -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd as _;
        Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
    }
    #[cfg(windows)]
    {
        use std::os::windows::io::AsHandle as _;
        Ok(File::from(io::stdout().as_handle().try_clone_to_owned()?))
    }
}

#[cfg(unix)]
fn to_stdout(bytes: &[u8]) -> io::Result<()> {
    pour(&file()?, bytes)
}

/// On Windows, the standard library writes text to a terminal.
#[cfg(not(unix))]
fn to_stdout(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    quiet(out.write_all(bytes).and_then(|()| out.flush()))
}

/// Writes all bytes to an open file.
///
/// Another process that shares a pipe or a terminal may have made it non-blocking: then a full one is retried.
pub(crate) fn pour(mut file: &File, mut bytes: &[u8]) -> io::Result<()> {
    const PAUSE: Duration = Duration::from_millis(1);
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(PAUSE),
            Err(error) => return quiet(Err(error)),
        }
    }
    Ok(())
}

/// An open file that is written to bit by bit, as by [`pour`]; but that nobody reads it any more is told.
pub(crate) struct Stream(pub(crate) File);

impl io::Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        const PAUSE: Duration = Duration::from_millis(1);
        loop {
            match self.0.write(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(PAUSE),
                done => return done,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A closed pipe is no error: its reader has all it wanted.
fn quiet(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}
