//! One call: forked, started by somebody, complete.

use super::branch::{Branch, Held};
use super::claim::Claim;
use super::program::Program;
use super::stop::Stop;
use crate::error::{Error, ErrorKind, Result};
use crate::escape::shown;
use crate::future::{Cell, Completion, cancelled};
use crate::ir::FunctionFacts;
use crate::limits::Usage;
use crate::sched::{Job, Work};
use crate::value::{Value, Values};
use crate::wasi::Output;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// One call.
///
/// It is kept by whoever may look at its result, by its entry in a queue until that is popped, by the sandbox it runs
/// in, and by its children: they look up to see whether they are still wanted.
pub(crate) struct Call {
    pub(super) cell: Cell<Value>,
    /// Whoever takes the arguments runs the call.
    args: Claim<Args>,
    /// What there is beside the result. Written before the cell is completed.
    beside: OnceLock<Box<Beside>>,
    pub(super) home: Home,
    pub(super) function: u32,
    pub(super) depth: u32,
    pub(super) origin: Origin,
    pub(super) stop: Stop,
    /// What the call and the children it waited for have used. Written before the cell is completed.
    fuel: AtomicU64,
    forks: AtomicU64,
}

/// Arguments, and what they take, if that is much.
#[derive(Default)]
pub(super) struct Args {
    pub(super) values: Values,
    pub(super) held: Option<Held>,
}

/// The right to run a call: its arguments.
pub(super) struct Given<'a> {
    pub(super) values: &'a mut Values,
    pub(super) held: &'a mut Option<Held>,
}

/// What there is beside a result; of most there is nothing.
pub(super) struct Beside {
    /// What the result takes, if that is much.
    _held: Option<Held>,
    /// What the call wrote by way of WASI.
    output: Option<Box<Output>>,
}

/// Who forked a call.
pub(super) enum Origin {
    /// The host, here.
    Host(&'static Location<'static>),
    /// Another call, as its fork number `number`. The parent is taken out when the call is dropped.
    Guest { parent: Option<Arc<Call>>, number: u32 },
}

/// Where a call's program is found.
///
/// Two workers that count the references of one program take longer than the calls themselves; so the calls of a tree
/// hold a [`Branch`], of which each worker makes its own.
pub(super) enum Home {
    Program(Program),
    Branch(Arc<Branch>),
}

/// With the right, the arguments are dropped, which the call may outlive by long.
impl Drop for Given<'_> {
    #[inline]
    fn drop(&mut self) {
        *self.values = Values::default();
        *self.held = None;
    }
}

impl Call {
    /// A call that the host forks.
    pub(super) fn root(program: Program, function: u32, values: Values, site: &'static Location<'static>) -> Arc<Call> {
        let args = Claim::new(Args { values, held: None });
        Arc::new(Call::new(Home::Program(program), function, args, Origin::Host(site), 0, Stop::new()))
    }

    /// A call that `parent` forks, as its fork number `number`.
    pub(super) fn child(parent: &Arc<Call>, number: u32, branch: Arc<Branch>, function: u32, args: Args) -> Arc<Call> {
        let origin = Origin::Guest { parent: Some(parent.clone()), number };
        let stop = parent.stop.inherit();
        Arc::new(Call::new(Home::Branch(branch), function, Claim::new(args), origin, parent.depth + 1, stop))
    }

    fn new(home: Home, function: u32, args: Claim<Args>, origin: Origin, depth: u32, stop: Stop) -> Call {
        Call {
            cell: Cell::new(),
            args,
            beside: OnceLock::new(),
            home,
            function,
            depth,
            origin,
            stop,
            fuel: AtomicU64::new(0),
            forks: AtomicU64::new(0),
        }
    }

    #[inline]
    pub(super) fn program(&self) -> &Program {
        match &self.home {
            Home::Program(program) => program,
            Home::Branch(branch) => branch.program(),
        }
    }

    /// The call that forked this one, if a call did.
    pub(super) fn parent(&self) -> Option<&Call> {
        match &self.origin {
            Origin::Guest { parent, .. } => parent.as_deref(),
            Origin::Host(_) => None,
        }
    }

    pub(super) fn facts(&self) -> &FunctionFacts {
        &self.program().facts.functions[self.function as usize]
    }

    /// Has a call of the host's run by whoever comes first, unless the executor is gone.
    pub(super) fn start(self: &Arc<Call>) {
        let runtime = &self.program().runtime;
        if let Err(elsewhere) = runtime.here() {
            return self.refuse(elsewhere);
        }
        // While the executor is dropped, what was forked before still runs to its end, and so does what follows from it.
        if runtime.is_closed() && (runtime.is_shut_down() || !runtime.threads.runs_jobs()) {
            self.refuse(runtime.closed_error());
        } else if runtime.threads.inline() {
            self.clone().help();
        } else {
            self.spawn();
        }
    }

    /// Has the call run by whoever comes first.
    pub(super) fn spawn(self: &Arc<Call>) {
        self.program().runtime.threads.spawn(Job::Start(self.clone()));
    }

    /// Takes the right to run the call.
    #[inline]
    pub(super) fn claim(&self) -> Option<Given<'_>> {
        let Args { values, held } = self.args.take()?;
        Some(Given { values, held })
    }

    /// Takes the right to run the call, and drops its arguments; false if somebody else was faster.
    pub(super) fn withdraw(&self) -> bool {
        self.args.take().map(std::mem::take).is_some()
    }

    /// Runs the call on this thread, which waits for it.
    fn run_for_waiter(self: &Arc<Call>, args: Given<'_>) {
        let mut args = Some(args);
        let mut run = || {
            if let Some(args) = args.take() {
                self.execute(args);
            }
        };
        self.program().runtime.threads.help(&mut run, &|| self.cell.is_done());
    }

    /// Completes a call that nobody has started with an error.
    pub(super) fn refuse(&self, error: Error) {
        if self.withdraw() {
            let error = if self.parent().is_none() { self.locate(error) } else { error };
            self.finish(Err(error), Usage::default(), None);
        }
    }

    /// The forked function's name, fit to be shown.
    pub(super) fn name(&self) -> String {
        shown(&self.facts().name)
    }

    /// What the call has used, its waited-for children included. Of meaning once it is complete.
    pub(super) fn used(&self) -> Usage {
        Usage { fuel: self.fuel.load(Ordering::Relaxed), forks: self.forks.load(Ordering::Relaxed) }
    }

    /// The error of a tree that holds more than it may.
    pub(super) fn holds_too_much(&self) -> Error {
        let limit = self.program().runtime.limits.tree_values;
        let message = format!("the calls of the tree hold more than {limit} bytes of arguments and results");
        Error::new(ErrorKind::OutOfMemory, message)
            .with_help(
                "wait for forks before making more, or raise `Limits::tree_values` if it is meant to hold that much",
            )
            .ending_tree()
    }

    /// What the call wrote by way of WASI, with what those wrote that it waited for. Of meaning once it is complete.
    pub(super) fn output(&self) -> Option<&Output> {
        self.beside.get()?.output.as_deref()
    }

    pub(super) fn finish(&self, result: Result<Value>, usage: Usage, output: Option<Box<Output>>) {
        self.fuel.store(usage.fuel, Ordering::Relaxed);
        self.forks.store(usage.forks, Ordering::Relaxed);
        let result = match self.hold(&result, output.as_deref()) {
            Ok(held) => {
                if held.is_some() || output.is_some() {
                    // Set once: a call is finished once.
                    let _ = self.beside.set(Box::new(Beside { _held: held, output }));
                }
                result
            }
            Err(()) => Err(self.holds_too_much()),
        };
        // Fails if the call was cancelled meanwhile.
        let _ = self.cell.complete(result);
    }

    /// Counts what a call of a tree gives, if that is much.
    fn hold(&self, result: &Result<Value>, output: Option<&Output>) -> Result<Option<Held>, ()> {
        let Home::Branch(branch) = &self.home else { return Ok(None) };
        let bytes = result.as_ref().map_or(0, Value::bytes) + output.map_or(0, Output::bytes);
        branch.hold(bytes, self.program().runtime.limits.tree_values)
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
        self.refuse(self.program().runtime.closed_error());
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
        }
        // First: a call that is told to stop completes itself, and whoever was first should know.
        let in_time = self.cell.complete(Err(self.locate(cancelled()))).is_ok();
        if in_time && !unstarted {
            self.stop.cancel();
            self.program().runtime.ring();
        }
        in_time
    }

    fn usage(&self) -> Option<Usage> {
        self.cell.is_ok().then(|| self.used())
    }

    fn output(&self) -> Option<Output> {
        self.cell.is_done().then(|| self.output().cloned())?
    }

    fn help(self: Arc<Call>) -> bool {
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
}

impl Drop for Call {
    fn drop(&mut self) {
        match &mut self.origin {
            Origin::Host(_) => {
                if let Some(error) = self.cell.unobserved() {
                    self.program().runtime.unobserved(error);
                }
            }
            // A chain of parents may be thousands long: dropped one by one, not one within the other.
            Origin::Guest { parent, .. } => {
                let mut next = parent.take();
                while let Some(call) = next {
                    next = Arc::into_inner(call).and_then(|mut call| match &mut call.origin {
                        Origin::Guest { parent, .. } => parent.take(),
                        Origin::Host(_) => None,
                    });
                }
            }
        }
    }
}
