//! What becomes of a call.

use crate::error::{Error, Result};
use crate::imports::{Imports, UnknownImports};
use crate::ir::{Facts, FunctionDef};
use crate::limits::Limits;
use crate::value::{Type, Value, Values};
use crate::wasi::{GivenWorld, Output, Wasi, World};
use std::cell::Cell;
use std::fmt;
use std::num::NonZeroU64;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The number of a call that is observed: no other call of this process has it, whatever executor runs it.
///
/// It says nothing of the order in which calls are forked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(NonZeroU64);

/// A thread takes so many numbers at a time: else threads would meet at the counter for each fork.
const BLOCK: u64 = 256;

static NEXT: AtomicU64 = AtomicU64::new(1);

thread_local! {
    /// The next number of this thread's, and the end of its block.
    static NUMBERS: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

impl TaskId {
    /// A number that no call has had.
    pub(crate) fn new() -> TaskId {
        let (mut next, mut end) = NUMBERS.get();
        if next == end {
            next = NEXT.fetch_add(BLOCK, Ordering::Relaxed);
            end = next + BLOCK;
        }
        NUMBERS.set((next + 1, end));
        TaskId(NonZeroU64::new(next).unwrap_or(NonZeroU64::MIN))
    }

    /// The number itself.
    pub fn get(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What became of a call.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct CallEvent<'a> {
    /// The call.
    pub task: TaskId,
    /// The call that forked it; none if the host did.
    pub parent: Option<TaskId>,
    /// The number of the worker on whose thread it happened, from 0; none on any other thread.
    pub worker: Option<usize>,
    /// The fuel that had been used, in the units of [`Limits::fuel`](crate::Limits::fuel): of a fork and of a wait, by the parent; of all
    /// else, by the call itself, without its children. After an error, at least what is known to have been used.
    pub fuel: u64,
    /// What happened.
    pub kind: CallEventKind<'a>,
}

/// What happened to a call. The time is the time at which it is told.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub enum CallEventKind<'a> {
    /// It was forked.
    #[non_exhaustive]
    Fork {
        /// Which function.
        function: CalledFunction<'a>,
        /// The arguments.
        args: CallArgs<'a>,
        /// Of a guest's fork, its number among those of its parent, from 1; of the host's, 0.
        number: u32,
        /// Where the host has forked it; none if a guest did.
        site: Option<&'static Location<'static>>,
    },
    /// The futures among its arguments are complete, and these are the arguments. Only of a call whose [`CallArgs`] were pending.
    Ready(CallArgs<'a>),
    /// It started to run.
    Start,
    /// Its parent, or the host, began to wait for it. Of the host there may be several.
    Wait,
    /// It waits for a call that is not complete: its stack was set aside.
    Suspend,
    /// It goes on, maybe on another thread.
    Resume,
    /// It was given up while it was not complete. If it runs, it is stopped. Told where it was given up: if that is as it ends, the two may be
    /// told at the same time, on two threads.
    Cancelled,
    /// It has ended. Every call that is forked does, if its executor is not dropped in another process. Nothing is told of it afterwards but
    /// [`CallEventKind::Wait`].
    #[non_exhaustive]
    Done {
        /// What it gave. Nobody gets that if it was cancelled before.
        result: Result<&'a Value, &'a Error>,
        /// What it wrote by way of WASI, with what those wrote that it waited for.
        output: Option<&'a Output>,
    },
}

/// The function that is called.
#[derive(Clone, Copy)]
pub struct CalledFunction<'a> {
    pub(crate) facts: &'a Arc<Facts>,
    pub(crate) number: u32,
    pub(crate) module: &'a str,
    pub(crate) source: &'a Source,
    pub(crate) limits: &'a Limits,
    pub(crate) imports: Imports,
    pub(crate) given: Option<&'a Arc<GivenWorld>>,
}

/// What gives a module's bytes.
pub(crate) type Source = dyn Fn() -> Result<Arc<[u8]>> + Send + Sync;

impl<'a> CalledFunction<'a> {
    fn def(self) -> &'a FunctionDef {
        &self.facts.functions[self.number as usize]
    }

    /// Its exact name, as it is exported: escape it where it is shown.
    pub fn name(self) -> &'a str {
        &self.def().name
    }

    /// The SHA-256 of its module's bytes, in hexadecimal.
    pub fn module(self) -> &'a str {
        self.module
    }

    /// The names and types of its parameters.
    pub fn params(self) -> impl Iterator<Item = (&'a str, &'a Type)> {
        self.def().param_names.iter().map(String::as_str).zip(&self.def().params)
    }

    /// The types of its results: none or one, and several only of a core function.
    pub fn results(self) -> &'a [Type] {
        &self.def().results
    }

    /// Its module's bytes.
    ///
    /// # Errors
    ///
    /// As [`Module::bytes`](crate::Module::bytes).
    pub fn module_bytes(self) -> Result<Arc<[u8]>> {
        (self.source)()
    }

    /// What its calls may use.
    pub fn limits(self) -> &'a Limits {
        self.limits
    }

    /// Whether its guest may import WASI.
    pub fn wasi(self) -> Wasi {
        self.imports.wasi
    }

    /// What becomes of functions that its guest imports and that nothing provides.
    pub fn unknown_imports(self) -> UnknownImports {
        self.imports.unknown
    }

    /// What WASI gives to its calls, if that is something.
    pub fn world(self) -> Option<&'a World> {
        self.given.map(|given| &given.world)
    }
}

impl fmt::Debug for CalledFunction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CalledFunction").field("name", &self.name()).field("module", &self.module()).finish()
    }
}

/// The arguments of a call.
#[derive(Clone, Copy, Debug)]
pub struct CallArgs<'a>(pub(crate) ArgsSource<'a>);

#[derive(Clone, Copy, Debug)]
pub(crate) enum ArgsSource<'a> {
    /// All are there.
    Values(&'a Values, &'a [Type]),
    /// Some are futures.
    Pending(&'a [ArgSource]),
}

/// An argument of a call that waits for others.
#[derive(Clone, Debug)]
pub(crate) enum ArgSource {
    Value(Value),
    /// A future of this call, or of something made of it, if it is a call's.
    Future(Option<TaskId>),
}

impl<'a> CallArgs<'a> {
    /// The values, if all are there.
    pub fn values(self) -> Option<impl Iterator<Item = Value> + 'a> {
        match self.0 {
            ArgsSource::Values(values, types) => values.of(types),
            ArgsSource::Pending(_) => None,
        }
    }

    /// The calls that the arguments are futures of, with the parameters' places, from 0. None for a future that comes from elsewhere.
    pub fn futures(self) -> impl Iterator<Item = (usize, Option<TaskId>)> + 'a {
        let pending = match self.0 {
            ArgsSource::Values(..) => &[],
            ArgsSource::Pending(args) => args,
        };
        pending.iter().enumerate().filter_map(|(at, arg)| match arg {
            ArgSource::Future(task) => Some((at, *task)),
            ArgSource::Value(_) => None,
        })
    }

    /// The values that are there, with the parameters' places, from 0, though others may not be.
    pub fn known(self) -> impl Iterator<Item = (usize, Value)> + 'a {
        let (values, pending) = match self.0 {
            ArgsSource::Values(values, types) => (values.of(types), &[][..]),
            ArgsSource::Pending(args) => (None, args),
        };
        let pending = pending.iter().enumerate().filter_map(|(at, arg)| match arg {
            ArgSource::Value(value) => Some((at, value.clone())),
            ArgSource::Future(_) => None,
        });
        values.into_iter().flatten().enumerate().chain(pending)
    }
}
