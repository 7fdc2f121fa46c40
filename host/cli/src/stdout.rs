//! The one way to stdout.

use anyhow::{Context as _, Result};
use std::io::{ErrorKind, Write as _};

/// Prints a result. Whoever read from the pipe and closed it has all they wanted: that is no error.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done.context("cannot write to stdout"),
    }
}
