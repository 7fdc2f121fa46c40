//! Running a call.

use super::call::{Args, Call, Given, Origin};
use super::frame::Frame;
use crate::engine::HOST_STACK;
use crate::error::{Error, Result};
use crate::limits::Usage;
use crate::sandbox::{Guard, Sandbox};
use crate::sched::suspendable;
use crate::wasi::Output;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

impl Call {
    /// Runs the call; its arguments are the right to do so.
    pub(super) fn execute(self: &Arc<Call>, args: Given<'_>) {
        let runtime = &self.program().runtime;
        if let (Origin::Host(_), Some(timeout)) = (&self.origin, runtime.limits.timeout)
            && let Some(deadline) = Instant::now().checked_add(timeout)
        {
            self.stop.set_deadline(deadline);
        }
        if self.facts().can_fork {
            let call = self.clone();
            let args = Args { values: std::mem::take(args.values), held: args.held.take() };
            suspendable(self.clone().run_suspendable(args), move |job| call.program().runtime.threads.spawn(job));
        } else {
            let stack = runtime.limits.stack + HOST_STACK;
            stacker::maybe_grow(stack, stack + HOST_STACK, || self.run_here(args));
        }
    }

    /// Runs a call that cannot wait.
    fn run_here(self: &Arc<Call>, args: Given<'_>) {
        let plan = &self.program().plan;
        let _unfinished = Unfinished(self);
        let guard = self.guard();
        let mut sandbox = match self.sandbox() {
            Ok(sandbox) => sandbox,
            Err(error) => return self.fail(error),
        };
        // What the arguments take is the sandbox's from now on.
        *args.held = None;
        let result = sandbox.call(plan, self.function, args.values);
        drop(args);
        drop(guard);
        let fuel = sandbox.fuel_used(plan);
        let output = sandbox.take_output();
        sandbox.carried().leave();
        self.leave(sandbox, || 0, result.is_ok());
        match result {
            Ok(value) => self.finish(Ok(value), Usage { fuel, forks: 0 }, output),
            Err(error) => self.fail_with(error, output),
        }
    }

    /// Runs a call that may wait.
    async fn run_suspendable(self: Arc<Call>, args: Args) {
        let plan = &self.program().plan;
        let _unfinished = Unfinished(&self);
        let taken = {
            let _guard = self.guard();
            self.sandbox()
        };
        let mut sandbox = match taken {
            Ok(sandbox) => sandbox,
            Err(error) => return self.fail(error),
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
        let own = sandbox.fuel_used(plan);
        let output = sandbox.take_output();
        let frame = sandbox.take_carried();
        self.leave(sandbox, || frame.alive(!self.program().facts.component), result.is_ok());
        let children = frame.end();
        match result {
            Ok(value) => {
                let usage = Usage { fuel: own.saturating_add(children.fuel), forks: children.forks };
                self.finish(Ok(value), usage, output);
            }
            Err(error) => self.fail_with(error, output),
        }
    }

    /// A sandbox that is ready for the call.
    ///
    /// # Errors
    ///
    /// Why there is none, or why the call must not start.
    #[inline]
    fn sandbox(self: &Arc<Call>) -> Result<Box<Sandbox<Frame>>> {
        let plan = &self.program().plan;
        let shard = self.program().runtime.shard();
        let mut sandbox = plan.take(shard, self.function, &|frame| frame.enter(self.clone()))?;
        match sandbox.prepare(plan, self.function) {
            Ok(()) => Ok(sandbox),
            Err(error) => {
                // Nothing has happened in it.
                sandbox.carried().leave();
                plan.give(sandbox, self.function, true);
                self.program().runtime.watch.tidy_later();
                Err(error)
            }
        }
    }

    fn fail(&self, error: Error) {
        self.fail_with(error, None);
    }

    /// A call that fails is charged all its fuel: wasmtime does not know how much it has used when it traps.
    fn fail_with(&self, error: Error, output: Option<Box<Output>>) {
        let usage = Usage { fuel: self.program().runtime.limits.fuel, forks: 0 };
        // A child's error has its chain already. A child gets its own where it is waited for: there may be a hundred
        // thousand that nobody waits for.
        let error = if error.chain().is_empty() && self.parent().is_none() { self.locate(error) } else { error };
        self.finish(Err(error), usage, output);
    }

    #[inline]
    fn guard(&self) -> Option<Guard<'_>> {
        let runtime = &self.program().runtime;
        let deadline = self.stop.deadline()?;
        Some(runtime.watch.guard(runtime.threads.worker(), deadline))
    }
}

/// Completes a call that was dropped half way, or panicked: nobody waits for ever.
struct Unfinished<'a>(&'a Call);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if !self.0.cell.is_done() {
            self.0.fail(self.0.program().runtime.closed_error());
        }
    }
}
