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
use crate::engine::HOST_STACK;
use crate::error::{Error, ErrorKind, ForkFrame, ForkSite, Result};
use crate::escape::escaped;
use crate::future::Future;
use crate::limits::Usage;
use crate::sandbox::{Given, Invocation, Prepared, Sandbox};
use crate::value::{Json, Value, Values};
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
    /// Whether that is given to a call that follows another: what may stop it is there already.
    follows: bool,
    /// The function in that sandbox, if it can be called so.
    prepared: Option<Prepared>,
    /// Whether the last call was one that followed, and `sandbox` still tells of it.
    followed: bool,
    last: Last,
}

/// What is known of the last call beside its result.
#[derive(Default)]
struct Last {
    usage: Option<Usage>,
    /// Bytes of memory at its end.
    memory: Option<u64>,
    output: Option<Arc<Output>>,
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
            && program.fuel.is_none()
            && !program.runtime.backend.looks_at_all()
            && !program.runtime.observer.observes();
        InPlace {
            program,
            function,
            site,
            stopper,
            is_plain,
            sandbox: None,
            follows: false,
            prepared: None,
            followed: false,
            last: Last::default(),
        }
    }

    /// Has all calls end by then.
    pub(crate) fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.stopper.set_deadline(deadline);
        self.let_go();
    }

    /// Lets go of what may stop the calls that were to follow in the sandbox.
    fn let_go(&mut self) {
        // Nobody may ask it of the last call any more.
        (self.last.usage, self.last.memory) = (self.usage(), self.memory());
        (self.followed, self.prepared) = (false, None);
        if std::mem::take(&mut self.follows)
            && let Some(sandbox) = &mut self.sandbox
        {
            sandbox.forget_call();
        }
    }

    /// What the last call has used, if it succeeded.
    pub(crate) fn usage(&self) -> Option<Usage> {
        match &self.sandbox {
            Some(sandbox) if self.followed => {
                Some(Usage { fuel: sandbox.fuel_used(self.program.runtime.limits.fuel), ..Usage::default() })
            }
            _ => self.last.usage,
        }
    }

    /// The memory that the last call had at its end, in bytes.
    pub(crate) fn memory(&self) -> Option<u64> {
        match &self.sandbox {
            Some(sandbox) if self.followed => Some(sandbox.memory_bytes()),
            _ => self.last.memory,
        }
    }

    /// What the last call wrote by way of WASI.
    pub(crate) fn output(&self) -> Option<&Output> {
        self.last.output.as_deref()
    }

    /// Makes a call. What comes of it is written where it stays.
    #[inline]
    pub(crate) fn call(&mut self, values: &mut Values, result: &mut Result<Value>) {
        if !self.follows || !self.call_next(values, result) {
            self.call_first(values, result);
        }
    }

    /// A call with scalars that follows another, and gives the slot of its result; none if it has to be made by [`InPlace::call`].
    #[inline]
    pub(crate) fn call_slot(&mut self, args: &[u64]) -> Option<Result<u64>> {
        self.prepared.as_ref()?;
        let limits = &self.program.runtime.limits;
        let (stack, fuel) = (limits.stack + HOST_STACK, limits.fuel);
        stacker::maybe_grow(stack, stack + HOST_STACK, || {
            let (Some(sandbox), Some(prepared)) = (&mut self.sandbox, &self.prepared) else { return None };
            if !sandbox.begin_next(fuel) {
                return None;
            }
            self.followed = true;
            let mut result = sandbox.call_prepared(prepared, self.function, args);
            self.last.output = sandbox.take_output();
            if result.is_err() || !self.program.plan.renew_for_next(sandbox, self.function) {
                self.stop_following(&mut result);
            }
            Some(result)
        })
    }

    /// The same, with the result written as JSON where that can be done without a value; if not, it is given.
    pub(crate) fn call_json(&mut self, values: &mut Values, json: &mut Json<'_>) -> Result<Given> {
        let mut given = Ok(Given::Value(Value::Bool(false)));
        let function = self.function;
        if !self.follows || !self.next(&mut given, |sandbox, given| *given = sandbox.call_json(function, values, json))
        {
            let mut result = Ok(Value::Bool(false));
            self.call_first(values, &mut result);
            given = result.map(Given::Value);
        }
        given
    }

    /// A call that follows another in its sandbox; false if it could not begin.
    #[inline]
    fn call_next(&mut self, values: &mut Values, result: &mut Result<Value>) -> bool {
        let function = self.function;
        self.next(result, |sandbox, result| sandbox.call(function, values, result))
    }

    /// A call that follows another in its sandbox; false if it could not begin. Another one follows, if it succeeds.
    #[inline]
    fn next<T>(&mut self, result: &mut Result<T>, call: impl FnOnce(&mut Sandbox, &mut Result<T>)) -> bool {
        let limits = &self.program.runtime.limits;
        let (stack, fuel) = (limits.stack + HOST_STACK, limits.fuel);
        stacker::maybe_grow(stack, stack + HOST_STACK, || {
            let Some(sandbox) = &mut self.sandbox else { return false };
            if !sandbox.begin_next(fuel) {
                return false;
            }
            self.followed = true;
            call(sandbox, result);
            self.last.output = sandbox.take_output();
            if result.is_err() || !self.program.plan.renew_for_next(sandbox, self.function) {
                self.stop_following(result);
            }
            true
        })
    }

    /// The sandbox cannot serve again.
    #[cold]
    fn stop_following<T>(&mut self, result: &mut Result<T>) {
        let output = self.last.output.take();
        let (usage, memory) = (self.usage(), self.memory());
        (self.follows, self.followed) = (false, false);
        (self.sandbox, self.prepared) = (None, None);
        let usage = usage.filter(|_| result.is_ok());
        self.last = Last { usage, memory, output };
        self.locate(result);
    }

    fn call_first(&mut self, values: &mut Values, result: &mut Result<Value>) {
        (self.follows, self.followed, self.prepared) = (false, false, None);
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
        match result {
            // What has a deadline of its own is watched anew for each call.
            Ok(_) => self.follow(),
            Err(_) => self.locate(result),
        }
    }

    /// Has the next call follow in the sandbox, if there is one, and no deadline.
    fn follow(&mut self) {
        if self.program.runtime.limits.timeout.is_none()
            && self.stopper.deadline().is_none()
            && let Some(sandbox) = &mut self.sandbox
        {
            // What may stop it is asked now, and by the guest from now on.
            let (function, call, world) = (self.function, self.stopper.clone(), self.program.world.clone());
            let invocation = Invocation { function, call: Some(call), deadline: None, fuel: None, world };
            self.follows = sandbox.begin_call(invocation).is_ok();
            if self.follows {
                self.prepared = sandbox.prepare(self.function);
            } else {
                sandbox.forget_call();
            }
        }
    }

    #[cold]
    fn locate<T>(&self, result: &mut Result<T>) {
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
        self.let_go();
        if let Some(sandbox) = self.sandbox.take() {
            self.program.plan.keep(sandbox);
        }
        self.program.runtime.watch.tidy_later();
    }
}
