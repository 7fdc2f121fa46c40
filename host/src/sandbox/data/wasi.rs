//! What of WASI belongs to one call.

use super::random::Random;
use crate::abi::{Look, PART};
use crate::error::{Error, ErrorKind};
use crate::escape::escaped;
use crate::sandbox::error::Stop;
use crate::value::List;
use crate::wasi::Output;
use std::sync::Arc;

/// The name under which a program runs.
pub(crate) const PROGRAM: &str = "program";

/// What every clock reads, in seconds. Programs take a clock that reads zero for a broken one, in whatever unit they read it.
pub(crate) const NOW: u64 = 1;

/// The most things that are noted of what a call was not truly given.
const MAX_REFUSED: usize = 16;

/// What of WASI belongs to one call: all is as it was at the start of every call, but for what it is given.
pub(crate) struct WasiState {
    /// The name of the program, and what it is given.
    pub(crate) args: Vec<Arc<str>>,
    stdin: List,
    /// How much of stdin was read.
    read: usize,
    pub(crate) random: Random,
    /// Which descriptors of WASI 0.1 are open: the first four at the start.
    pub(crate) open: [bool; 16],
    pub(crate) output: Output,
    /// Bytes that may still be written.
    left: usize,
    limit: usize,
}

/// Where a guest writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sink {
    Stdout,
    Stderr,
}

impl WasiState {
    /// The state of a call that is given nothing and may write `limit` bytes.
    pub(crate) fn new(limit: usize) -> WasiState {
        WasiState::of_program(Vec::new(), Vec::<u8>::new().into(), limit)
    }

    /// The state of a program.
    pub(crate) fn of_program(args: Vec<Arc<str>>, stdin: List, limit: usize) -> WasiState {
        WasiState {
            args: std::iter::once(PROGRAM.into()).chain(args).collect(),
            stdin,
            read: 0,
            random: Random::default(),
            open: std::array::from_fn(|fd| fd < 4),
            output: Output::default(),
            left: limit,
            limit,
        }
    }

    /// What is left of stdin.
    pub(crate) fn unread(&self) -> &[u8] {
        let all = self.stdin.as_slice::<u8>().unwrap_or_default();
        all.get(self.read..).unwrap_or_default()
    }

    /// Takes so many bytes of stdin as read.
    pub(crate) fn skip(&mut self, bytes: usize) {
        self.read += bytes.min(self.unread().len());
    }

    /// Counts so many bytes that are about to be written.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooMuchOutput`].
    pub(crate) fn count(&mut self, bytes: usize) -> wasmtime::Result<()> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                let message = format!("the guest wrote more than {} bytes to stdout and stderr", self.limit);
                let error = Error::new(ErrorKind::TooMuchOutput, message)
                    .with_help("raise `Limits::output` (`--output-limit`) if it is meant to write that much");
                Err(Stop(error).into())
            }
        }
    }

    /// Writes, within what may be written.
    pub(crate) fn write(&mut self, sink: Sink, bytes: &[u8], look: &mut Look<'_>) -> wasmtime::Result<()> {
        self.count(bytes.len())?;
        self.append_to(sink, bytes, look)
    }

    /// Writes what was counted before.
    pub(crate) fn append_to(&mut self, sink: Sink, bytes: &[u8], look: &mut Look<'_>) -> wasmtime::Result<()> {
        let sink = self.sink(sink);
        for part in bytes.chunks(PART) {
            look.bytes(part.len())?;
            sink.extend_from_slice(part);
        }
        Ok(())
    }

    pub(crate) fn sink(&mut self, sink: Sink) -> &mut Vec<u8> {
        match sink {
            Sink::Stdout => &mut self.output.stdout,
            Sink::Stderr => &mut self.output.stderr,
        }
    }

    /// Notes what the call was not truly given.
    pub(crate) fn refuse(&mut self, what: impl Into<String>) {
        let what = what.into();
        let refused = &mut self.output.refused;
        if refused.len() < MAX_REFUSED && !refused.contains(&what) {
            refused.push(what);
        }
    }

    pub(crate) fn no_time(&mut self) {
        self.refuse("asked for the time: it is always 1970-01-01T00:00:01Z");
    }

    pub(crate) fn no_duration(&mut self) {
        self.refuse("asked how much time has passed: none ever does");
    }

    pub(crate) fn no_randomness(&mut self) {
        self.refuse("asked for random numbers: they are the same in every call");
    }

    pub(crate) fn no_file(&mut self, verb: &str, path: &str) {
        self.refuse(format!("{verb} `{}`: there are no files", escaped(path)));
    }

    pub(crate) fn no_write(&mut self, verb: &str, path: &str) {
        self.refuse(format!("tried to {verb} `{}`: no file can be written", escaped(path)));
    }

    /// Adds what a call wrote that this one forked and has waited for.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooMuchOutput`].
    pub(crate) fn append(&mut self, output: &Output) -> wasmtime::Result<()> {
        self.count(output.bytes())?;
        self.output.stdout.extend_from_slice(&output.stdout);
        self.output.stderr.extend_from_slice(&output.stderr);
        for what in &output.refused {
            self.refuse(what.as_str());
        }
        Ok(())
    }

    /// What the call wrote to stdout and to stderr.
    pub(crate) fn take_written(&mut self) -> (Vec<u8>, Vec<u8>) {
        (std::mem::take(&mut self.output.stdout), std::mem::take(&mut self.output.stderr))
    }

    /// What the call wrote, and what it was not truly given.
    pub(crate) fn into_output(self) -> Output {
        self.output
    }

    /// What the call was not truly given, as a sentence.
    pub(crate) fn notes(&self) -> Option<String> {
        (!self.output.refused.is_empty()).then(|| format!("it {}", self.output.refused.join("; it ")))
    }
}

/// Whether a path below the empty directory is that of the directory itself.
pub(crate) fn is_root(path: &str) -> bool {
    path.split('/').all(|part| part.is_empty() || part == ".")
}
