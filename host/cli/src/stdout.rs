//! The one way to stdout.

use anyhow::{Context as _, Result};
use std::io::{ErrorKind, Write as _};

/// Prints a result on a line.
pub(crate) fn print(text: &str) -> Result<()> {
    write(format!("{text}\n").as_bytes())
}

/// Writes a result as it is. Whoever read from the pipe and closed it has all they wanted: that is no error.
pub(crate) fn write(bytes: &[u8]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done.context("cannot write to stdout"),
    }
}
