//! What ran: calls, who forked them, when they ran, what they used and gave.

use crate::error::{Error, ForkSite, Result};
use crate::imports::UnknownImports;
use crate::limits::Limits;
use crate::value::{Type, Value};
use crate::wasi::{Output, Wasi, World};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// What ran: every call that the host forked while it was traced, and all they forked.
///
/// A call is referred to by its place in [`Trace::tasks`], a function by its place in [`Trace::functions`].
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// The modules whose functions were called, where their bytes could be had.
    pub modules: Vec<TracedModule>,
    /// The functions that were called.
    pub functions: Vec<TracedFunction>,
    /// The calls. Those of the host come in the order in which it forked them, and each is followed by those that it forked, in the order
    /// of forking, each with its own: so a call comes after the one that forked it, and the order is the same in every run.
    pub tasks: Vec<Task>,
    /// What the host did.
    pub host: Vec<Step>,
}

/// A module.
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq)]
pub struct TracedModule {
    /// The SHA-256 of its bytes, in hexadecimal.
    pub digest: String,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
}

impl fmt::Debug for TracedModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracedModule").field("digest", &self.digest).field("bytes", &self.bytes.len()).finish()
    }
}

/// A function that was called.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct TracedFunction {
    /// The SHA-256 of its module's bytes, in hexadecimal.
    pub module: String,
    /// Its exact name. Escape it where it is shown.
    pub name: String,
    /// The names and types of its parameters.
    pub params: Vec<(String, Type)>,
    /// The types of its results.
    pub results: Vec<Type>,
    /// What its calls might use.
    pub limits: Limits,
    /// Whether its guest might import WASI.
    pub wasi: Wasi,
    /// What became of functions that its guest imports and that nothing provides.
    pub unknown_imports: UnknownImports,
    /// What WASI gave to its calls.
    pub world: World,
}

/// A call.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// The function.
    pub function: usize,
    /// The call that forked it; none if the host did.
    pub parent: Option<usize>,
    /// Its number among the forks of its parent, from 1; of the host's, 0.
    pub number: u32,
    /// Where the host forked it.
    pub site: Option<ForkSite>,
    /// The arguments. Fewer than the function has parameters where a future among them failed.
    pub args: Vec<TracedArg>,
    /// When it was forked, and on which worker.
    pub forked: Moment,
    /// When it started; none if it never did.
    pub started: Option<Moment>,
    /// When it was suspended, and when and where it went on.
    pub pauses: Vec<Pause>,
    /// When it ended; none if it had not when the trace ended.
    pub done: Option<Moment>,
    /// When it was given up, if it was.
    pub cancelled: Option<Moment>,
    /// What it forked and waited for, in order.
    pub steps: Vec<Step>,
    /// The fuel that it used itself, without its children. After an error, as much as is known.
    pub fuel: u64,
    /// What it gave; none if it had not ended when the trace ended.
    pub result: Option<Result<Value>>,
    /// What it wrote by way of WASI, with what those wrote that it waited for.
    pub output: Option<Output>,
}

/// An argument.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TracedArg {
    /// Its value; none if it was to come from a future, and did not.
    pub value: Option<Value>,
    /// The call whose future it was given as, or as something made of that, where it is one of this trace.
    pub from: Option<usize>,
}

/// A fork or a wait.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Which of the two.
    pub kind: StepKind,
    /// The call that was forked, or waited for.
    pub task: usize,
    /// The fuel that whoever does it had used by then itself; of the host, 0.
    pub fuel: u64,
    /// When.
    pub at: Moment,
}

/// A fork or a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepKind {
    /// A call was forked.
    Fork,
    /// A call was waited for.
    Wait,
}

/// A time, and a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moment {
    /// Nanoseconds since the trace began.
    pub time: u64,
    /// The worker's number, from 0; none on any other thread.
    pub worker: Option<u32>,
}

/// A time in which a call waited, and its stack was set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// When it was suspended.
    pub from: Moment,
    /// When it went on; none if it was not resumed.
    pub to: Option<Moment>,
}

impl Task {
    /// Whether it did not run, as its result was known: see [`Builder::memo`](crate::Builder::memo).
    pub fn is_known(&self) -> bool {
        let own = match &self.result {
            Some(Ok(_)) => true,
            Some(Err(error)) => error.is_catchable(),
            None => false,
        };
        own && self.started.is_none() && self.cancelled.is_none()
    }
}

impl Trace {
    /// The function of a call.
    pub fn function(&self, task: &Task) -> &TracedFunction {
        &self.functions[task.function]
    }

    /// The error of a call that failed.
    pub fn error(task: &Task) -> Option<&Error> {
        task.result.as_ref()?.as_ref().err()
    }
}
