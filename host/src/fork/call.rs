//! One call: its arguments, who forked it, and what comes of it.

use super::branch::{Branch, TreeCharge};
use super::claim::Claim;
use super::program::Program;
use super::stop::Stop;
use crate::error::{Error, ErrorKind, ForkFrame, ForkSite, Result};
use crate::escape::escaped;
use crate::event::{Observed, Observer, TaskId};
use crate::future::Cell;
use crate::ir::FunctionDef;
use crate::limits::Usage;
use crate::value::{Value, Values};
use crate::wasi::Output;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// One call.
///
/// It is kept by whoever may look at its result, by its entry in a queue until that is popped, by the sandbox it runs
/// in, and by its children: they look up to see whether they are still wanted.
pub(crate) struct Call {
    pub(super) cell: Cell<Value>,
    /// Whoever takes the arguments runs the call.
    pub(super) args: Claim<Args>,
    /// What there is beside the result. Written before the cell is completed.
    extras: OnceLock<Box<ResultExtras>>,
    pub(super) program: ProgramHandle,
    pub(super) function: u32,
    pub(super) depth: u32,
    pub(super) origin: Origin,
    pub(super) stop: Stop,
    /// Its number, if somebody observes it.
    pub(super) task: Option<TaskId>,
    /// Whether that was told of the call's end, or that it was given up.
    pub(super) told: AtomicBool,
    /// What the call and the children it waited for have used. Written before the cell is completed.
    fuel: AtomicU64,
    forks: AtomicU64,
    /// Whether a memory of results was asked for the call's own: [`NOT_ASKED`], [`MISSED`] or [`KNOWN`].
    asked: AtomicU8,
}

/// What a call has used.
#[derive(Clone, Copy, Default)]
pub(super) struct Used {
    /// Fuel that it has used itself. After an error, as much as is known.
    pub(super) own: u64,
    /// That and what the children used that it waited for. Of meaning once it has succeeded, or is to be charged for.
    pub(super) usage: Usage,
}

const NOT_ASKED: u8 = 0;
const MISSED: u8 = 1;
const KNOWN: u8 = 2;

/// Arguments, and what they take, if that is much.
#[derive(Default)]
pub(super) struct Args {
    pub(super) values: Values,
    pub(super) charge: Option<TreeCharge>,
}

/// The right to run a call: its arguments.
pub(super) struct ClaimedArgs<'a> {
    pub(super) values: &'a mut Values,
    pub(super) charge: &'a mut Option<TreeCharge>,
}

/// What there is beside a result. Rarely present.
pub(super) struct ResultExtras {
    /// What the result takes, if that is much.
    _charge: Option<TreeCharge>,
    /// What the call wrote by way of WASI.
    output: Option<Arc<Output>>,
    /// Of the calls below that it waited for, how many were known to a memory of results, and how many were not.
    memo_hits: u64,
    memo_misses: u64,
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
///
/// So is who observes the call.
pub(super) enum ProgramHandle {
    Program(Program, Option<Arc<dyn Observer>>),
    Branch(Arc<Branch>),
}

/// With the right, the arguments are dropped, which the call may outlive by long.
impl Drop for ClaimedArgs<'_> {
    #[inline]
    fn drop(&mut self) {
        *self.values = Values::default();
        *self.charge = None;
    }
}

impl Call {
    /// A call that the host forks.
    pub(super) fn root(
        program: Program,
        function: u32,
        values: Values,
        site: &'static Location<'static>,
        observed: Option<Observed>,
    ) -> Arc<Call> {
        let args = Claim::new(Args { values, charge: None });
        let (task, observer) = observed.map(|Observed { task, observer }| (task, observer)).unzip();
        let program = ProgramHandle::Program(program, observer);
        Arc::new(Call::new(program, function, args, Origin::Host(site), 0, Stop::new(), task))
    }

    /// A call that `parent` forks, as its fork number `number`.
    pub(super) fn child(
        parent: &Arc<Call>,
        (number, task): (u32, Option<TaskId>),
        branch: Arc<Branch>,
        function: u32,
        args: Args,
    ) -> Arc<Call> {
        let origin = Origin::Guest { parent: Some(parent.clone()), number };
        let stop = parent.stop.inherit();
        let program = ProgramHandle::Branch(branch);
        Arc::new(Call::new(program, function, Claim::new(args), origin, parent.depth + 1, stop, task))
    }

    fn new(
        program: ProgramHandle,
        function: u32,
        args: Claim<Args>,
        origin: Origin,
        depth: u32,
        stop: Stop,
        task: Option<TaskId>,
    ) -> Call {
        Call {
            cell: Cell::new(),
            args,
            extras: OnceLock::new(),
            program,
            function,
            depth,
            origin,
            stop,
            task,
            told: AtomicBool::new(false),
            fuel: AtomicU64::new(0),
            forks: AtomicU64::new(0),
            asked: AtomicU8::new(NOT_ASKED),
        }
    }

    #[inline]
    pub(super) fn program(&self) -> &Program {
        match &self.program {
            ProgramHandle::Program(program, _) => program,
            ProgramHandle::Branch(branch) => branch.program(),
        }
    }

    /// The call that forked this one, if a call did.
    pub(super) fn parent(&self) -> Option<&Call> {
        match &self.origin {
            Origin::Guest { parent, .. } => parent.as_deref(),
            Origin::Host(_) => None,
        }
    }

    pub(super) fn facts(&self) -> &FunctionDef {
        &self.program().facts.functions[self.function as usize]
    }

    /// Takes the right to run the call.
    #[inline]
    pub(super) fn claim(&self) -> Option<ClaimedArgs<'_>> {
        let Args { values, charge } = self.args.take()?;
        Some(ClaimedArgs { values, charge })
    }

    /// Takes the right to run the call, and drops its arguments; false if somebody else was faster.
    pub(super) fn withdraw(&self) -> bool {
        self.args.take().map(std::mem::take).is_some()
    }

    /// Completes a call that nobody has started with an error.
    pub(super) fn refuse(&self, error: Error) {
        if self.withdraw() {
            let error = if self.parent().is_none() { self.locate(error) } else { error };
            self.finish(Err(error), Used::default(), None);
        }
    }

    /// The forked function's name, fit to be shown.
    pub(super) fn name(&self) -> String {
        escaped(&self.facts().name)
    }

    /// What the call has used, its waited-for children included. Of meaning once it is complete.
    pub(super) fn used(&self) -> Usage {
        let (hits, misses) = self.extras.get().map_or((0, 0), |extras| (extras.memo_hits, extras.memo_misses));
        let asked = self.asked.load(Ordering::Relaxed);
        Usage {
            fuel: self.fuel.load(Ordering::Relaxed),
            forks: self.forks.load(Ordering::Relaxed),
            memo_hits: hits.saturating_add(u64::from(asked == KNOWN)),
            memo_misses: misses.saturating_add(u64::from(asked == MISSED)),
        }
    }

    /// Notes that a memory of results was asked for the call's own, and whether it was there. Before the call is complete.
    pub(super) fn note_asked(&self, known: bool) {
        self.asked.store(if known { KNOWN } else { MISSED }, Ordering::Relaxed);
    }

    /// Whether a memory of results had the call's.
    pub(super) fn was_known(&self) -> bool {
        self.asked.load(Ordering::Relaxed) == KNOWN
    }

    /// The error with the chain of forks that led to this call, behind those below it that it has already.
    pub(super) fn locate(&self, error: Error) -> Error {
        let calls = std::iter::successors(Some(self), |call| call.parent());
        error.with_chain(calls, |call| {
            let site = match &call.origin {
                Origin::Host(site) => ForkSite::host(site),
                Origin::Guest { number, .. } => ForkSite::Guest { number: *number },
            };
            ForkFrame { function: call.name(), site }
        })
    }

    /// The error without the forks from this call on; none if those below it are not all in its chain.
    pub(super) fn below(&self, error: &Error) -> Option<Error> {
        let chain = error.chain();
        if chain.is_empty() {
            return Some(error.clone());
        }
        let below = chain.len().checked_sub(self.depth as usize + 1).filter(|_| error.omitted() == 0)?;
        Some(error.clone().without_chain().with_chain(chain[..below].iter().cloned(), |frame| frame))
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
    pub(super) fn output(&self) -> Option<&Arc<Output>> {
        self.extras.get()?.output.as_ref()
    }

    /// Completes the call.
    pub(super) fn finish(&self, result: Result<Value>, Used { own, usage }: Used, output: Option<Arc<Output>>) {
        self.fuel.store(usage.fuel, Ordering::Relaxed);
        self.forks.store(usage.forks, Ordering::Relaxed);
        let result = match self.hold(&result, output.as_deref()) {
            Ok(charge) => {
                let Usage { memo_hits, memo_misses, .. } = usage;
                if charge.is_some() || output.is_some() || memo_hits != 0 || memo_misses != 0 {
                    // Set once: a call is finished once.
                    let _ = self.extras.set(Box::new(ResultExtras { _charge: charge, output, memo_hits, memo_misses }));
                }
                result
            }
            Err(()) => Err(self.holds_too_much()),
        };
        self.tell_done(&result, own, self.output().map(|output| &**output));
        // Fails if the call was cancelled meanwhile.
        let _ = self.cell.complete(result);
    }

    /// Counts what a call of a tree gives, if that is much.
    fn hold(&self, result: &Result<Value>, output: Option<&Output>) -> Result<Option<TreeCharge>, ()> {
        let ProgramHandle::Branch(branch) = &self.program else { return Ok(None) };
        let bytes = result.as_ref().map_or(0, Value::bytes) + output.map_or(0, Output::bytes);
        branch.hold(bytes, self.program().runtime.limits.tree_values)
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
