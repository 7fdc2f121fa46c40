//! The one entry of calls: every call that is forked comes through here, the host's and the guests'.

use super::call::{Call, ClaimedArgs, Origin, Used};
use super::capture::{Capture, Captured};
use super::inline;
use super::program::Program;
use super::threads::Threads;
use crate::backend::{Backend, Forked, Outcome, Request, Subject};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Observed, TaskId};
use crate::future::{Cell, Completion, Future, cancelled};
use crate::limits::Usage;
use crate::sched::{Job, Work};
use crate::value::{Value, Values};
use crate::wasi::Output;
use std::panic::Location;
use std::sync::{Arc, Weak};
use std::time::Instant;

impl Program {
    /// Forks a function for the host.
    pub(crate) fn fork(&self, function: u32, args: Values, site: &'static Location<'static>) -> Forked {
        self.fork_until(function, args, site, None)
    }

    /// The same of a call that has to end by then.
    pub(super) fn fork_until(
        &self,
        function: u32,
        args: Values,
        site: &'static Location<'static>,
        deadline: Option<Instant>,
    ) -> Forked {
        let observed = self.observed(function);
        if observed.is_none()
            && deadline.is_none()
            && self.runtime.inline_calls
            && !self.runtime.shutdown.is_closed()
            && self.runtime.here().is_ok()
            && !self.facts.functions[function as usize].can_fork
        {
            return inline::run(self, function, args, site);
        }
        self.tell_fork(observed.as_ref(), function, &args, site);
        let call = Call::root(self.clone(), function, args, site, observed);
        if let Some(deadline) = deadline {
            // Of two, the first that was set holds.
            call.stop.set_deadline(self.runtime.deadline().map_or(deadline, |own| own.min(deadline)));
        }
        call.start();
        Forked::Call(call)
    }

    /// A fork that has waited for its arguments: it was told of before. Shows the call to `before` before anybody can have started it.
    pub(crate) fn fork_shown(
        &self,
        function: u32,
        args: Values,
        (site, observed): (&'static Location<'static>, Option<Observed>),
        before: &mut dyn FnMut(Arc<dyn Completion<Value>>),
    ) {
        self.tell_ready(observed.as_ref(), function, &args);
        let call = Call::root(self.clone(), function, args, site, observed);
        before(call.clone());
        call.start();
    }

    /// Runs a function to its end, and captures the sandbox.
    ///
    /// # Errors
    ///
    /// The call's own.
    pub(crate) fn run_and_capture(
        self,
        function: u32,
        args: Values,
        site: &'static Location<'static>,
    ) -> Result<(Value, Captured)> {
        let capture = Arc::new(Capture::default());
        let program = self.capturing(capture.clone())?;
        let observed = program.observed(function);
        program.tell_fork(observed.as_ref(), function, &args, site);
        let call = Call::root(program, function, args, site, observed);
        call.start();
        let value = Future::<Value>::from_completion(call).wait()?;
        let captured = capture.take();
        let captured = captured.ok_or_else(|| Error::new(ErrorKind::Exhausted, "the call left no sandbox"))?;
        Ok((value, captured))
    }

    /// Remembers a fork that waits for its arguments, so that it ends with the executor.
    pub(crate) fn remember(&self, deferred: Weak<dyn Completion<Value>>) {
        self.runtime.remember(deferred);
    }

    /// Tells the observer of an error that no future tells anyone.
    pub(crate) fn unobserved(&self, error: Error) {
        self.runtime.unobserved(error);
    }
}

impl Call {
    /// Has a call of the host's run by whoever comes first, unless the executor is gone.
    pub(super) fn start(self: &Arc<Call>) {
        let runtime = &self.program().runtime;
        if let Err(elsewhere) = runtime.here() {
            return self.refuse(elsewhere);
        }
        // While the executor is dropped, what was forked before still runs to its end, and so does what follows from it.
        if runtime.shutdown.is_closed() && (runtime.shutdown.is_shut_down() || !runtime.threads.runs_jobs()) {
            self.refuse(runtime.shutdown.error());
        } else {
            self.hand_over();
        }
    }

    /// Has the backend make the call.
    pub(super) fn hand_over(self: &Arc<Call>) {
        self.program().runtime.backend.start(self.clone());
    }

    /// Runs the call on this thread, which waits for it.
    fn run_for_waiter(self: &Arc<Call>, args: ClaimedArgs<'_>) {
        let mut args = Some(args);
        let mut run = || {
            if let Some(args) = args.take() {
                self.execute(args);
            }
        };
        self.program().runtime.threads.help(&mut run, &|| self.cell.is_done());
    }
}

/// Calls that this process's threads make.
pub(crate) struct Local(pub(crate) Arc<dyn Threads>);

impl Backend for Local {
    #[inline]
    fn start(&self, call: Arc<dyn Request>) {
        // A child's turn comes in the loop that runs its parent.
        if call.is_root() && self.0.inline() {
            call.help();
        } else {
            self.0.spawn(Job::Start(call));
        }
    }
}

impl Request for Call {
    fn is_root(&self) -> bool {
        matches!(self.origin, Origin::Host(_))
    }

    fn subject(&self) -> Option<&Subject> {
        self.program().subject(self.function)
    }

    fn hold(&self, look: &mut dyn FnMut(&Values)) {
        self.args.hold(|args| look(&args.values));
    }

    fn let_go(&self) {
        self.args.let_go();
    }

    fn answer(&self, outcome: Outcome) {
        let Some(args) = self.args.take_held() else { return };
        // What the arguments take is free before the result takes something.
        drop(std::mem::take(args));
        let Outcome { result, usage, output } = outcome;
        // As where it has run: of what a child itself fails with, the place is told where that is waited for.
        let place = |error: Error| if error.chain().is_empty() && !self.is_root() { error } else { self.locate(error) };
        self.finish(result.map_err(place), Used { own: 0, usage }, output);
    }

    fn note_asked(&self, known: bool) {
        Call::note_asked(self, known);
    }

    fn outcome(&self) -> Option<Outcome> {
        let result = match self.cell.peek()? {
            Ok(value) => Ok(value.clone()),
            Err(error) => Err(self.below(error)?),
        };
        Some(Outcome { result, usage: self.used(), output: Call::output(self).cloned() })
    }

    fn parent(&self) -> Option<&dyn Request> {
        Call::parent(self).map(|parent| parent as &dyn Request)
    }

    fn deadline(&self) -> Option<Instant> {
        self.stop.deadline()
    }

    fn id(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

impl Work for Call {
    fn run(self: Arc<Call>) {
        if let Some(args) = self.claim() {
            self.execute(args);
        }
    }

    fn is_started(&self) -> bool {
        self.args.is_taken()
    }

    fn abandon(self: Arc<Call>) {
        self.refuse(self.program().runtime.shutdown.error());
    }
}

impl Completion<Value> for Call {
    fn cell(&self) -> &Cell<Value> {
        &self.cell
    }

    fn cell_mut(&mut self) -> &mut Cell<Value> {
        &mut self.cell
    }

    fn cancel(&self) -> bool {
        let unstarted = self.withdraw();
        if unstarted {
            self.program().runtime.threads.stale();
            self.tell_cancelled();
            // Another thread may cancel it too, and complete it: who withdraws a call tells of its end.
            self.tell_done(&Err(cancelled()), 0, None);
        }
        // First: a call that is told to stop completes itself, and whoever was first should know.
        let in_time = self.cell.complete(Err(self.locate(cancelled()))).is_ok();
        if in_time && !unstarted {
            self.tell_cancelled();
            self.stop.cancel();
            self.program().runtime.interrupt();
        }
        in_time
    }

    fn usage(&self) -> Option<Usage> {
        (self.cell.is_ok() || self.cell.is_done() && self.was_known()).then(|| self.used())
    }

    fn output(&self) -> Option<Output> {
        self.cell.is_done().then(|| self.output().map(|output| (**output).clone()))?
    }

    fn help(self: Arc<Call>) -> bool {
        if self.args.is_held() {
            self.program().runtime.backend.hurry(&*self);
        }
        let threads = &self.program().runtime.threads;
        // One thread more than there are cores takes time away from calls, of which those with a deadline have little.
        if self.program().runtime.limits.timeout.is_some() && !threads.inline() && threads.worker().is_none() {
            return false;
        }
        // Of a call that forks, the children would go through the channel, first in, first out; trees that many threads
        // wait for would grow side by side instead of one after the other.
        if self.facts().can_fork && !threads.inline() && threads.worker().is_none() || !threads.may_help() {
            return false;
        }
        let Some(args) = self.claim() else { return false };
        threads.stale();
        self.run_for_waiter(args);
        true
    }

    fn stranded(&self) -> Option<Error> {
        self.program().runtime.here().err().map(|error| self.locate(error))
    }

    fn task(&self) -> Option<TaskId> {
        self.task
    }

    fn waited_for(&self) {
        self.tell_wait();
    }
}
