//! Keeping the sandbox that a call has ended in, for whoever wants to see what it has left there.

use super::call::Call;
use super::frame::Frame;
use super::member::Member;
use super::program::Program;
use super::run::Run;
use crate::error::{Error, ErrorKind, Result};
use crate::future::Future;
use crate::sandbox::Sandbox;
use crate::value::{Value, Values};
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};

/// Where such a sandbox goes.
pub(super) type Keep = Mutex<Option<Kept>>;

/// A sandbox as a call has left it.
pub(crate) struct Kept {
    pub(crate) sandbox: Box<Sandbox<Frame>>,
    /// What the call gave.
    pub(crate) value: Value,
    /// The futures that it made and that are not done with.
    pub(crate) futures: usize,
}

impl Program {
    /// Runs a function to its end, and keeps the sandbox.
    ///
    /// # Errors
    ///
    /// The call's own.
    pub(crate) fn run_and_keep(self, function: u32, args: Values, site: &'static Location<'static>) -> Result<Kept> {
        let keep = Arc::new(Keep::default());
        let program = Program::of(Member { keep: Some(keep.clone()), ..self.alone() })?;
        let call = Call::root(program, function, args, site);
        call.start();
        let value = Future::<Value>::from_completion(call).wait()?;
        let kept = keep.lock().unwrap_or_else(PoisonError::into_inner).take();
        let kept = kept.ok_or_else(|| Error::new(ErrorKind::Exhausted, "the call left no sandbox"))?;
        Ok(Kept { value, ..kept })
    }
}

impl Run<'_> {
    /// Leaves the sandbox to whoever is to have it. `futures`: how many are not done with. `ok`: the call succeeded.
    pub(super) fn leave(&self, mut sandbox: Box<Sandbox<Frame>>, futures: impl FnOnce() -> usize, ok: bool) {
        match &self.program.keep {
            Some(keep) if ok && self.is_root => {
                // It knows the call, and the call where the sandbox is kept.
                drop(sandbox.take_carried());
                let kept = Kept { sandbox, value: Value::unit(), futures: futures() };
                *keep.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
            }
            _ => self.give(sandbox, ok),
        }
    }
}
