//! One call: forked, started by somebody, complete.

use super::frame::Frame;
use super::program::Program;
use crate::audit::shown;
use crate::error::{Error, ErrorKind, ForkFrame, ForkSite, Result};
use crate::event::Event;
use crate::future::{Cell, Completion, cancelled};
use crate::sandbox::Guard;
use crate::sched::{Job, Work, suspendable};
use crate::value::{Value, Values};
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

/// The room that a call's host frames may take on the stack of a thread, in bytes.
const HOST_STACK: usize = 128 << 10;

/// How many entries a chain of forks keeps at each end.
const CHAIN: usize = 32;

/// One call.
///
/// It is kept by whoever may look at its result, by its entry in a queue until that is popped, by the sandbox it runs
/// in, and by its children: they look up to see whether they are still wanted.
pub(crate) struct Call {
    pub(super) cell: Cell<Value>,
    /// Whoever takes the arguments runs the call.
    args: Mutex<Option<Values>>,
    pub(super) program: Arc<Program>,
    pub(super) function: u32,
    origin: Origin,
    pub(super) depth: u32,
    cancelled: AtomicBool,
    /// What the call and the children it waited for have used. Written before the cell is completed.
    fuel: AtomicU64,
    forks: AtomicU64,
    /// Forks in the whole tree. Of a root.
    tree_forks: AtomicU64,
    /// When the tree has to end. Of a root, set when it starts.
    deadline: OnceLock<Instant>,
}

enum Origin {
    Host(&'static Location<'static>),
    Guest { parent: Option<Arc<Call>>, root: Arc<Call>, number: u32 },
}

/// What a call has used, its waited-for children included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) fuel: u64,
    pub(crate) forks: u64,
}

impl Call {
    /// A call that the host forks.
    pub(super) fn root(
        program: Arc<Program>,
        function: u32,
        args: Values,
        site: &'static Location<'static>,
    ) -> Arc<Call> {
        Arc::new(Call::new(program, function, args, Origin::Host(site), 0))
    }

    /// A call that `parent` forks, as its fork number `number`.
    pub(super) fn child(
        parent: &Arc<Call>,
        number: u32,
        program: Arc<Program>,
        function: u32,
        args: Values,
    ) -> Arc<Call> {
        let root = match &parent.origin {
            Origin::Host(_) => parent.clone(),
            Origin::Guest { root, .. } => root.clone(),
        };
        let origin = Origin::Guest { parent: Some(parent.clone()), root, number };
        Arc::new(Call::new(program, function, args, origin, parent.depth + 1))
    }

    fn new(program: Arc<Program>, function: u32, args: Values, origin: Origin, depth: u32) -> Call {
        Call {
            cell: Cell::new(),
            args: Mutex::new(Some(args)),
            program,
            function,
            origin,
            depth,
            cancelled: AtomicBool::new(false),
            fuel: AtomicU64::new(0),
            forks: AtomicU64::new(0),
            tree_forks: AtomicU64::new(0),
            deadline: OnceLock::new(),
        }
    }

    /// Has the call run by whoever comes first.
    pub(super) fn spawn(self: &Arc<Call>) {
        self.program.runtime.threads.spawn(Job::Start(self.clone()));
    }

    /// Counts one more fork in this call's tree, and returns how many there are.
    pub(super) fn count_fork(&self) -> u64 {
        self.root_of().tree_forks.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Takes the right to run the call.
    fn claim(&self) -> Option<Values> {
        self.args.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Completes a call that nobody has started with an error.
    pub(super) fn refuse(&self, error: Error) {
        if self.claim().is_some() {
            self.finish(Err(self.locate(error)), Usage::default());
        }
    }

    /// Nobody can see this call any more: it is not started, or stopped.
    pub(super) fn abandon(&self) {
        if self.claim().is_some() {
            self.finish(Err(cancelled()), Usage::default());
        } else if !self.cell.is_done() {
            self.cancelled.store(true, Ordering::SeqCst);
            self.program.runtime.engines.ring();
        }
    }

    /// Why the call must not start. Looks at the call, its parent and its root alone: what else has been given up is
    /// seen by [`Call::stopped`] when the bell rings.
    pub(super) fn stopped_early(&self) -> Option<Error> {
        let parent_cancelled = match &self.origin {
            Origin::Guest { parent: Some(parent), .. } => parent.cancelled.load(Ordering::SeqCst),
            _ => false,
        };
        self.stopped_by(parent_cancelled || self.cancelled.load(Ordering::SeqCst))
    }

    /// Why the call must not go on, if it must not.
    pub(super) fn stopped(&self) -> Option<Error> {
        let mut next = Some(self);
        let mut any = false;
        while let Some(call) = next {
            any |= call.cancelled.load(Ordering::SeqCst);
            next = match &call.origin {
                Origin::Guest { parent, .. } => parent.as_deref(),
                Origin::Host(_) => None,
            };
        }
        self.stopped_by(any)
    }

    fn stopped_by(&self, cancelled_itself: bool) -> Option<Error> {
        let root = self.root_of();
        let runtime = &self.program.runtime;
        if runtime.is_shut_down() {
            return Some(self.locate(Error::new(ErrorKind::Cancelled, "the executor was shut down")));
        }
        // A root that is complete was cancelled, or has ended: nobody waits for what it forked.
        if cancelled_itself || root.cancelled.load(Ordering::SeqCst) || root.cell.is_done() {
            return Some(cancelled());
        }
        let deadline = root.deadline.get()?;
        (Instant::now() >= *deadline).then(|| {
            let limit = runtime.limits.timeout.unwrap_or_default();
            let error = Error::new(ErrorKind::Timeout, format!("`{}` was still running after {limit:?}", self.name()));
            self.locate(error.with_help("raise `Limits::timeout` (`--timeout`) if it is meant to take that long"))
        })
    }

    fn root_of(&self) -> &Call {
        match &self.origin {
            Origin::Host(_) => self,
            Origin::Guest { root, .. } => root,
        }
    }

    /// The forked function's name, fit to be shown.
    pub(super) fn name(&self) -> String {
        shown(&self.program.facts.functions[self.function as usize].name)
    }

    /// The error with the chain of forks that led to this call.
    pub(super) fn locate(&self, error: Error) -> Error {
        let (mut inner, mut outer) = (Vec::new(), std::collections::VecDeque::new());
        let mut omitted = 0;
        let mut next = Some(self);
        while let Some(call) = next {
            let (site, parent) = match &call.origin {
                Origin::Host(site) => (ForkSite::Host(site), None),
                Origin::Guest { parent, number, .. } => (ForkSite::Guest { number: *number }, parent.as_deref()),
            };
            if inner.len() < CHAIN {
                inner.push(ForkFrame { function: call.name(), site });
            } else {
                if outer.len() == CHAIN {
                    outer.pop_front();
                    omitted += 1;
                }
                outer.push_back((call, site));
            }
            next = parent;
        }
        inner.extend(outer.into_iter().map(|(call, site)| ForkFrame { function: call.name(), site }));
        error.with_chain(inner, omitted)
    }

    /// What the call has used. Of meaning once it is complete.
    pub(super) fn usage(&self) -> Usage {
        Usage { fuel: self.fuel.load(Ordering::Relaxed), forks: self.forks.load(Ordering::Relaxed) }
    }

    fn finish(&self, result: Result<Value>, usage: Usage) {
        self.fuel.store(usage.fuel, Ordering::Relaxed);
        self.forks.store(usage.forks, Ordering::Relaxed);
        // Fails if the call was cancelled meanwhile.
        let _ = self.cell.complete(result);
    }

    /// Runs the call; its arguments are the right to do so.
    fn execute(self: Arc<Call>, args: Values) {
        let runtime = &self.program.runtime;
        if let (Origin::Host(_), Some(timeout)) = (&self.origin, runtime.limits.timeout)
            && let Some(deadline) = Instant::now().checked_add(timeout)
        {
            // Set once: only one thread gets to run a call.
            let _ = self.deadline.set(deadline);
        }
        if let Some(error) = self.stopped_early() {
            return self.finish(Err(error), Usage::default());
        }
        if self.program.facts.functions[self.function as usize].can_fork {
            let call = self.clone();
            suspendable(self.run_suspendable(args), move |job| call.program.runtime.threads.spawn(job));
        } else {
            let stack = runtime.limits.stack + HOST_STACK;
            stacker::maybe_grow(stack, stack + HOST_STACK, || self.run_here(&args));
        }
    }

    /// Runs a call that cannot wait.
    fn run_here(self: &Arc<Call>, args: &[Value]) {
        let plan = &self.program.plan;
        let _unfinished = Unfinished(self);
        let guard = self.guard();
        let stateless = self.program.facts.functions[self.function as usize].stateless.is_ok();
        let mut sandbox =
            match plan.take(self.program.runtime.shard(), self.function, stateless, || Frame::new(self.clone())) {
                Ok(sandbox) => sandbox,
                Err(error) => return self.fail(error),
            };
        let result = sandbox.call(plan, self.function, args);
        drop(guard);
        let fuel = sandbox.fuel_used(plan);
        sandbox.take_carried();
        plan.give(sandbox, stateless && result.is_ok());
        match result {
            Ok(value) => self.finish(Ok(value), Usage { fuel, forks: 0 }),
            Err(error) => self.fail(error),
        }
    }

    /// Runs a call that may wait.
    async fn run_suspendable(self: Arc<Call>, args: Values) {
        let plan = &self.program.plan;
        let _unfinished = Unfinished(&self);
        let stateless = self.program.facts.functions[self.function as usize].stateless.is_ok();
        let taken = {
            let _guard = self.guard();
            plan.take(self.program.runtime.shard(), self.function, stateless, || Frame::new(self.clone()))
        };
        let mut sandbox = match taken {
            Ok(sandbox) => sandbox,
            Err(error) => return self.fail(error),
        };
        let result = {
            let mut call = pin!(sandbox.call_async(plan, self.function, &args));
            // It may go on in another thread each time.
            poll_fn(|cx| {
                let _guard = self.guard();
                call.as_mut().poll(cx)
            })
            .await
        };
        let own = sandbox.fuel_used(plan);
        let children = sandbox.take_carried().end();
        plan.give(sandbox, stateless && result.is_ok());
        match result {
            Ok(value) => {
                let usage = Usage { fuel: own.saturating_add(children.fuel), forks: children.forks };
                self.finish(Ok(value), usage);
            }
            Err(error) => self.fail(error),
        }
    }

    /// A call that fails is charged all its fuel: wasmtime does not know how much it has used when it traps.
    fn fail(&self, error: Error) {
        let usage = Usage { fuel: self.program.runtime.limits.fuel, forks: 0 };
        // A child's error has its chain already.
        let error = if error.chain().is_empty() { self.locate(error) } else { error };
        self.finish(Err(error), usage);
    }

    fn guard(&self) -> Option<Guard<'_>> {
        let runtime = &self.program.runtime;
        let deadline = self.root_of().deadline.get()?;
        Some(runtime.watch.as_ref()?.guard(runtime.threads.worker(), *deadline))
    }
}

/// Completes a call that was dropped half way, or panicked: nobody waits for ever.
struct Unfinished<'a>(&'a Call);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if !self.0.cell.is_done() {
            self.0.fail(super::program::dropped());
        }
    }
}

impl Work for Call {
    fn run(self: Arc<Call>) {
        if let Some(args) = self.claim() {
            self.execute(args);
        }
    }

    fn is_started(&self) -> bool {
        self.args.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    fn abandon(self: Arc<Call>) {
        self.refuse(super::program::dropped());
    }
}

impl Completion<Value> for Call {
    fn cell(&self) -> &Cell<Value> {
        &self.cell
    }

    fn cancel(&self) -> bool {
        let unstarted = self.claim().is_some();
        if unstarted {
            self.program.runtime.threads.stale();
        }
        self.cancelled.store(true, Ordering::SeqCst);
        let in_time = self.cell.complete(Err(self.locate(cancelled()))).is_ok();
        if in_time && !unstarted {
            self.program.runtime.engines.ring();
        }
        in_time
    }

    fn help(self: Arc<Call>) {
        let Some(args) = self.claim() else { return };
        let threads = &self.program.runtime.threads;
        threads.stale();
        let mut args = Some(args);
        let mut run = || {
            if let Some(args) = args.take() {
                self.clone().execute(args);
            }
        };
        threads.help(&mut run, &|| self.cell.is_done());
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        match &mut self.origin {
            Origin::Host(_) => {
                if let Some(error) = self.cell.unobserved()
                    && error.kind() != ErrorKind::Cancelled
                {
                    (self.program.runtime.observer)(&Event::Unobserved(error));
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
