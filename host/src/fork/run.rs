//! Running a function that was forked.

use super::call::{Args, Call, Given, Origin};
use super::frame::Frame;
use super::program::Program;
use crate::engine::HOST_STACK;
use crate::error::{Error, Result};
use crate::escape::shown;
use crate::limits::Usage;
use crate::sandbox::{Guard, Sandbox};
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
    pub(super) usage: Usage,
    pub(super) output: Option<Box<Output>>,
}

impl Run<'_> {
    /// Runs a function that cannot wait. `enter` has a frame belong to the call, and `stopped` tells why it must not start.
    #[inline]
    pub(super) fn here(
        &self,
        args: Given<'_>,
        enter: &dyn Fn(&mut Frame),
        stopped: impl Fn() -> Option<Error>,
    ) -> Ended {
        let stack = self.program.runtime.limits.stack + HOST_STACK;
        stacker::maybe_grow(stack, stack + HOST_STACK, || {
            let plan = &self.program.plan;
            let guard = self.guard();
            let mut sandbox = match self.sandbox(enter, stopped) {
                Ok(sandbox) => sandbox,
                Err(error) => return self.failed(error, None),
            };
            // What the arguments take is the sandbox's from now on.
            *args.held = None;
            let result = self.in_time(sandbox.call(plan, self.function, args.values));
            drop(args);
            drop(guard);
            let fuel = sandbox.fuel_used(plan);
            let output = sandbox.take_output();
            self.leave(sandbox, || 0, result.is_ok());
            match result {
                Ok(value) => Ended { result: Ok(value), usage: Usage { fuel, forks: 0 }, output },
                Err(error) => self.failed(error, output),
            }
        })
    }

    /// Runs a function that may wait, for `call`.
    async fn suspendable(&self, call: &Arc<Call>, args: Args) -> Ended {
        let plan = &self.program.plan;
        let taken = {
            let _guard = self.guard();
            self.sandbox(&|frame| frame.enter(call.clone()), || call.stopped())
        };
        let mut sandbox = match taken {
            Ok(sandbox) => sandbox,
            Err(error) => return self.failed(error, None),
        };
        drop(args.held);
        let result = {
            let mut call = pin!(sandbox.call_async(plan, self.function, args.values));
            // It may go on in another thread each time.
            poll_fn(|cx| {
                let _guard = self.guard();
                call.as_mut().poll(cx)
            })
            .await
        };
        let result = self.in_time(result);
        let fuel = sandbox.fuel_used(plan);
        let output = sandbox.take_output();
        let frame = sandbox.take_carried();
        self.leave(sandbox, || frame.alive(!self.program.facts.component), result.is_ok());
        let children = frame.end();
        match result {
            Ok(value) => {
                let usage = Usage { fuel: fuel.saturating_add(children.fuel), forks: children.forks };
                Ended { result: Ok(value), usage, output }
            }
            Err(error) => self.failed(error, output),
        }
    }

    /// A sandbox that is ready for the call.
    ///
    /// # Errors
    ///
    /// Why there is none, or why the call must not start.
    #[inline]
    fn sandbox(&self, enter: &dyn Fn(&mut Frame), stopped: impl Fn() -> Option<Error>) -> Result<Box<Sandbox<Frame>>> {
        let plan = &self.program.plan;
        let mut sandbox = plan.take(self.program.runtime.shard(), self.function, enter)?;
        match sandbox.prepare(plan, self.function, stopped) {
            Ok(()) => Ok(sandbox),
            Err(error) => {
                // Nothing has happened in it.
                self.give(sandbox, true);
                Err(error)
            }
        }
    }

    /// A value that has come after the deadline is none: whoever set it does not wait for it any more.
    #[inline]
    pub(super) fn in_time(&self, result: Result<Value>) -> Result<Value> {
        let value = result?;
        match self.program.runtime.late(self.deadline, || self.name()) {
            Some(error) => Err(error),
            None => Ok(value),
        }
    }

    /// The function's name, fit to be shown.
    pub(super) fn name(&self) -> String {
        shown(&self.program.facts.functions[self.function as usize].name)
    }

    /// Gives the sandbox back. `ok`: the call succeeded, or did not start.
    pub(super) fn give(&self, sandbox: Box<Sandbox<Frame>>, ok: bool) {
        self.program.plan.give(sandbox, self.function, ok);
        self.program.runtime.watch.tidy_later();
    }

    /// A run that fails is charged all its fuel: wasmtime does not know how much it has used when it traps.
    pub(super) fn failed(&self, error: Error, output: Option<Box<Output>>) -> Ended {
        let usage = Usage { fuel: self.program.runtime.limits.fuel, forks: 0 };
        Ended { result: Err(error), usage, output }
    }

    #[inline]
    fn guard(&self) -> Option<Guard<'_>> {
        let runtime = &self.program.runtime;
        Some(runtime.watch.guard(runtime.threads.worker(), self.deadline?))
    }
}

impl Call {
    /// Runs the call; its arguments are the right to do so.
    pub(super) fn execute(self: &Arc<Call>, args: Given<'_>) {
        if let Origin::Host(_) = &self.origin
            && let Some(deadline) = self.program().runtime.deadline()
        {
            self.stop.set_deadline(deadline);
        }
        if self.facts().can_fork {
            let (this, spawner) = (self.clone(), self.clone());
            let args = Args { values: std::mem::take(args.values), held: args.held.take() };
            let run = async move {
                let _unfinished = Unfinished(&this);
                this.end(this.run().suspendable(&this, args).await);
            };
            suspendable(run, move |job| spawner.program().runtime.threads.spawn(job));
        } else {
            let _unfinished = Unfinished(self);
            self.end(self.run().here(args, &|frame| frame.enter(self.clone()), || self.stopped()));
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
        self.finish(result, ended.usage, ended.output);
    }
}

/// Completes a call that was dropped half way, or panicked: nobody waits for ever.
struct Unfinished<'a>(&'a Call);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if !self.0.cell.is_done() {
            self.0.end(self.0.run().failed(self.0.program().runtime.closed_error(), None));
        }
    }
}
