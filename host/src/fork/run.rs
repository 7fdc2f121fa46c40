//! Running a call in a sandbox.

use super::call::{Args, Call, ClaimedArgs, Origin, Used};
use super::capture::Captured;
use super::program::Program;
use super::stopper::Stopper;
use crate::engine::HOST_STACK;
use crate::error::{Error, Result};
use crate::limits::Usage;
use crate::sandbox::{CallState, DeadlineGuard, Invocation, Sandbox};
use crate::sched::suspendable;
use crate::value::Value;
use crate::wasi::Output;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

/// One run of a function that was forked.
pub(super) struct Run<'a> {
    pub(super) program: &'a Program,
    pub(super) function: u32,
    /// Whether the host has forked it.
    pub(super) is_root: bool,
    pub(super) deadline: Option<Instant>,
}

/// How a run has ended.
pub(super) struct Ended {
    pub(super) result: Result<Value>,
    pub(super) used: Used,
    pub(super) output: Option<Arc<Output>>,
}

impl Default for Ended {
    #[inline]
    fn default() -> Ended {
        // Of no meaning, and without an allocation that would be counted.
        Ended::new(Ok(Value::Bool(false)))
    }
}

impl Ended {
    #[inline]
    fn new(result: Result<Value>) -> Ended {
        Ended { result, used: Used::default(), output: None }
    }
}

impl Run<'_> {
    /// Runs a function that cannot wait; what comes of it is written to `ended`. `call`: what may stop it, beside its deadline and the end of the executor.
    #[inline]
    pub(super) fn here(&self, args: ClaimedArgs<'_>, call: Option<Arc<dyn CallState>>, ended: &mut Ended) {
        let stack = self.program.runtime.limits.stack + HOST_STACK;
        stacker::maybe_grow(stack, stack + HOST_STACK, || {
            let guard = self.guard();
            let mut sandbox = match self.sandbox(call) {
                Ok(sandbox) => sandbox,
                Err(error) => return *ended = self.failed(error),
            };
            // What the arguments take is the sandbox's from now on.
            *args.charge = None;
            sandbox.call(self.function, args.values, &mut ended.result);
            drop(args);
            drop(guard);
            self.end(sandbox, ended);
        })
    }

    /// Runs a function that cannot wait as one of many that follow each other, in the sandbox that is kept from one to the next. Gives how
    /// much memory the call had in the end, in bytes.
    #[inline]
    pub(super) fn again(
        &self,
        kept: &mut Option<Box<Sandbox>>,
        args: ClaimedArgs<'_>,
        stopper: &Arc<Stopper>,
        ended: &mut Ended,
    ) -> Option<u64> {
        let stack = self.program.runtime.limits.stack + HOST_STACK;
        stacker::maybe_grow(stack, stack + HOST_STACK, || {
            let guard = self.guard_until(stopper.deadline());
            let mut sandbox = match kept.take() {
                Some(mut sandbox) => match sandbox.begin_call(self.invocation(Some(stopper.clone()))) {
                    Ok(()) => sandbox,
                    Err(error) => {
                        // Nothing has happened in it.
                        *ended = self.failed(error);
                        sandbox.forget_call();
                        *kept = Some(sandbox);
                        return None;
                    }
                },
                None => match self.sandbox(Some(stopper.clone())) {
                    Ok(sandbox) => sandbox,
                    Err(error) => {
                        *ended = self.failed(error);
                        return None;
                    }
                },
            };
            sandbox.call(self.function, args.values, &mut ended.result);
            drop(args);
            drop(guard);
            let ok = ended.result.is_ok();
            ended.output = sandbox.take_output();
            let (own, usage) = sandbox.usage();
            ended.used = Used { own, usage: if ok { usage } else { self.whole() } };
            let memory = sandbox.memory_bytes();
            *kept = self.program.plan.renew(sandbox, self.function, ok);
            Some(memory)
        })
    }

    /// Runs a function that may wait.
    async fn suspendable(&self, args: Args, call: Arc<dyn CallState>) -> Ended {
        let taken = {
            let _guard = self.guard();
            self.sandbox(Some(call))
        };
        let mut sandbox = match taken {
            Ok(sandbox) => sandbox,
            Err(error) => return self.failed(error),
        };
        drop(args.charge);
        let mut ended = Ended::new({
            let mut call = pin!(sandbox.call_async(self.function, args.values));
            // It may go on in another thread each time.
            poll_fn(|cx| {
                let _guard = self.guard();
                call.as_mut().poll(cx)
            })
            .await
        });
        self.end(sandbox, &mut ended);
        ended
    }

    /// A sandbox that is ready for the call.
    ///
    /// # Errors
    ///
    /// Why there is none, or why the call must not start.
    #[inline]
    fn sandbox(&self, call: Option<Arc<dyn CallState>>) -> Result<Box<Sandbox>> {
        let program = self.program;
        let taken = program.plan.take(program.runtime.shard(), self.invocation(call));
        if taken.is_err() {
            program.runtime.watch.tidy_later();
        }
        taken
    }

    #[inline]
    fn invocation(&self, call: Option<Arc<dyn CallState>>) -> Invocation {
        let (fuel, world) = (self.program.fuel, self.program.world.clone());
        Invocation { function: self.function, call, deadline: self.deadline, fuel, world }
    }

    /// Gives the sandbox back, or leaves it to whoever is to have it.
    #[inline]
    fn end(&self, mut sandbox: Box<Sandbox>, ended: &mut Ended) {
        let ok = ended.result.is_ok();
        ended.output = sandbox.take_output();
        let futures = if self.program.capture.is_some() { sandbox.futures() } else { 0 };
        let (own, usage) = sandbox.usage();
        ended.used = Used { own, usage: if ok { usage } else { self.whole() } };
        match &self.program.capture {
            Some(capture) if ok && self.is_root => capture.put(Captured::new(sandbox, futures)),
            _ => {
                self.program.plan.give(sandbox, self.function, ok);
                self.program.runtime.watch.tidy_later();
            }
        }
    }

    pub(super) fn failed(&self, error: Error) -> Ended {
        Ended { used: Used { own: 0, usage: self.whole() }, ..Ended::new(Err(error)) }
    }

    /// A run that fails is charged all its fuel: wasmtime does not know how much it has used when it traps.
    fn whole(&self) -> Usage {
        Usage { fuel: self.program.runtime.limits.fuel, ..Usage::default() }
    }

    #[inline]
    fn guard(&self) -> Option<DeadlineGuard<'_>> {
        self.guard_until(None)
    }

    /// The same where many calls have to end by then, too.
    #[inline]
    fn guard_until(&self, deadline: Option<Instant>) -> Option<DeadlineGuard<'_>> {
        let runtime = &self.program.runtime;
        let deadline = match (self.deadline, deadline) {
            (Some(own), Some(all)) => own.min(all),
            (own, all) => own.or(all)?,
        };
        Some(runtime.watch.guard(runtime.threads.worker(), deadline))
    }
}

impl Call {
    /// Runs the call; its arguments are the right to do so.
    pub(super) fn execute(self: &Arc<Call>, args: ClaimedArgs<'_>) {
        if let Origin::Host(_) = &self.origin
            && let Some(deadline) = self.program().runtime.deadline()
        {
            self.stop.set_deadline(deadline);
        }
        self.tell_start();
        if self.facts().can_fork {
            let (this, spawner) = (self.clone(), self.clone());
            let args = Args { values: std::mem::take(args.values), charge: args.charge.take() };
            let run = async move {
                let mut unfinished = Unfinished { call: &this, ended: false };
                this.end(this.run().suspendable(args, this.clone()).await);
                unfinished.ended = true;
            };
            suspendable(run, move |job| spawner.program().runtime.threads.spawn(job));
        } else {
            let mut unfinished = Unfinished { call: self, ended: false };
            let mut ended = Ended::default();
            self.run().here(args, Some(self.clone()), &mut ended);
            self.end(ended);
            unfinished.ended = true;
        }
    }

    fn run(&self) -> Run<'_> {
        Run {
            program: self.program(),
            function: self.function,
            is_root: self.parent().is_none(),
            deadline: self.stop.deadline(),
        }
    }

    /// Completes the call as its run has ended.
    #[inline]
    pub(super) fn end(&self, ended: Ended) {
        // A child's error has its chain already. A child gets its own where it is waited for: there may be a hundred
        // thousand that nobody waits for.
        let result = ended.result.map_err(|error| {
            if error.chain().is_empty() && self.parent().is_none() { self.locate(error) } else { error }
        });
        self.finish(result, ended.used, ended.output);
    }
}

/// Completes a call that was dropped half way, or panicked: nobody waits for ever.
struct Unfinished<'a> {
    call: &'a Call,
    ended: bool,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        // One that was cancelled is complete, but whoever observes it was not told of its end.
        if !self.ended && (!self.call.cell.is_done() || self.call.task.is_some()) {
            self.call.end(self.call.run().failed(self.call.program().runtime.shutdown.error()));
        }
    }
}
