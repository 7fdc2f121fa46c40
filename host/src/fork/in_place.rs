//! Calls made in place: one after another on one thread, each in a state of its own.
//!
//! A call that is forked is made to be found by other threads. One that is made in place, and forks nothing, is neither queued nor
//! counted, and keeps its sandbox for the next: what is left is to write the arguments, to enter the guest, and to put its state back.
//! Calls that fork, that somebody observes, or that the backend is to look at, are forked as any other, and waited for here.

use super::call::ClaimedArgs;
use super::program::Program;
use super::run::{Ended, Run};
use super::stopper::Stopper;
use crate::backend::Forked;
use crate::error::{Error, ErrorKind, ForkFrame, ForkSite, Result};
use crate::escape::escaped;
use crate::future::Future;
use crate::limits::Usage;
use crate::sandbox::Sandbox;
use crate::value::{Value, Values};
use crate::wasi::Output;
use std::panic::Location;
use std::sync::Arc;
use std::time::Instant;

/// Makes calls of one function, one after another.
pub(crate) struct InPlace {
    program: Program,
    function: u32,
    site: &'static Location<'static>,
    stopper: Arc<Stopper>,
    /// Whether a call needs no more than a sandbox.
    is_plain: bool,
    /// The sandbox of the last call, as new.
    sandbox: Option<Box<Sandbox>>,
    last: Last,
}

/// What is known of the last call beside its result.
#[derive(Default)]
pub(crate) struct Last {
    pub(crate) usage: Option<Usage>,
    /// Bytes of memory at its end.
    pub(crate) memory: Option<u64>,
    pub(crate) output: Option<Arc<Output>>,
}

impl InPlace {
    pub(crate) fn new(
        program: Program,
        function: u32,
        site: &'static Location<'static>,
        stopper: Arc<Stopper>,
    ) -> InPlace {
        let is_plain = !program.facts().functions[function as usize].can_fork
            && program.capture.is_none()
            && program.script.is_none()
            && !program.runtime.backend.looks_at_all()
            && !program.runtime.observer.observes();
        InPlace { program, function, site, stopper, is_plain, sandbox: None, last: Last::default() }
    }

    /// Has all calls end by then.
    pub(crate) fn set_deadline(&self, deadline: Option<Instant>) {
        self.stopper.set_deadline(deadline);
    }

    /// What is known of the last call.
    pub(crate) fn last(&self) -> &Last {
        &self.last
    }

    /// Makes a call. What comes of it is written where it stays.
    #[inline]
    pub(crate) fn call(&mut self, values: &mut Values, result: &mut Result<Value>) {
        if !self.is_plain {
            return *result = self.fork_and_wait(std::mem::take(values));
        }
        let InPlace { program, function, stopper, sandbox, last, .. } = self;
        let run = Run { program, function: *function, is_root: true, deadline: program.runtime.deadline() };
        let mut ended = Ended::default();
        let args = ClaimedArgs { values, charge: &mut None };
        last.memory = run.again(sandbox, args, stopper, &mut ended);
        last.usage = ended.result.is_ok().then_some(ended.used.usage);
        last.output = ended.output;
        *result = ended.result;
        if result.is_err() {
            self.locate(result);
        }
    }

    #[cold]
    fn locate(&self, result: &mut Result<Value>) {
        let Err(error) = result else { return };
        let name = || escaped(&self.program.facts().functions[self.function as usize].name);
        let site = ForkSite::host(self.site);
        *error = error.clone().with_chain(std::iter::once(()), |()| ForkFrame { function: name(), site: site.clone() });
    }

    /// A call as any other.
    fn fork_and_wait(&mut self, values: Values) -> Result<Value> {
        self.last = Last::default();
        let deadline = self.stopper.deadline();
        match self.program.fork_until(self.function, values, self.site, deadline) {
            Forked::Ready(ready) => {
                let usage = Usage { fuel: ready.fuel, ..Usage::default() };
                self.last = Last { usage: Some(usage), memory: None, output: ready.output };
                Ok(ready.value)
            }
            Forked::Call(call) => {
                self.stopper.begins(Some(call.clone()));
                let future = Future::<Value>::from_completion(call);
                let result = future.wait();
                self.stopper.begins(None);
                self.last = Last { usage: future.usage(), memory: None, output: future.output().map(Arc::new) };
                result.map_err(|error| self.too_late(error))
            }
        }
    }

    /// The error of a call: that the time for all was over, if it was that.
    fn too_late(&self, error: Error) -> Error {
        match self.stopper.late() {
            Some(late) if error.kind() == ErrorKind::Timeout => late.with_site_if_none(self.site),
            _ => error,
        }
    }
}

/// The sandbox is for whoever needs one next.
impl Drop for InPlace {
    fn drop(&mut self) {
        if let Some(sandbox) = self.sandbox.take() {
            self.program.plan.keep(sandbox);
        }
        self.program.runtime.watch.tidy_later();
    }
}
