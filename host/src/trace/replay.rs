//! Runs calls of a trace again, each by itself, from the trace alone.

use super::compare::{self, Difference, shown_args};
use super::model::{Task, Trace};
use crate::args::Args;
use crate::error::{Error, ErrorKind, ForkFrame, ForkSite, Result};
use crate::escape::escaped;
use crate::executor::Executor;
use crate::fork::{Script, Scripted};
use crate::future::Future;
use crate::imports::Imports;
use crate::limits::Limits;
use crate::module::Module;
use crate::value::{Type, Value, Values};
use crate::wasi::Output;
use std::collections::{HashMap, VecDeque};
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// With how many kinds of limits calls are run again: each takes an executor.
const KINDS: usize = 16;

/// How many calls are run at a time.
const AHEAD: usize = 256;

/// What came of running the calls of a trace again.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replayed {
    /// How many calls were run.
    pub run: usize,
    /// How many were not: they never started, had not ended, or were ended by something that is no result of the function and its
    /// arguments, such as a timeout.
    pub skipped: usize,
    /// The first call that gave something else.
    pub difference: Option<Difference>,
}

/// How calls of a trace are run again; from [`Trace::replay`].
#[must_use = "nothing is run before `all` or `node`"]
#[derive(Clone, Debug)]
pub struct Replay<'a> {
    trace: &'a Trace,
    threads: Option<usize>,
    timeout: Option<Duration>,
    modules: Vec<Arc<[u8]>>,
}

impl Trace {
    /// Runs calls again: each by itself, and where it forks, its children are not run but give what they gave. Nothing but the trace is
    /// needed: it holds the modules, if a [`Recorder`](super::Recorder) has written it.
    ///
    /// ```
    /// use purefork::{Executor, args};
    ///
    /// let exec = Executor::new()?;
    /// let math = exec.load_bytes(r#"(module (func (export "div") (param i32 i32) (result i32)
    ///     (i32.div_s (local.get 0) (local.get 1))))"#)?;
    /// let trace = math.trace("div", args![1, 0])?;
    /// let replayed = trace.replay().all()?;
    /// assert_eq!((replayed.run, replayed.difference), (1, None));
    /// assert!(trace.replay().node(0)?.unwrap_err().message().contains("divide by zero"));
    /// # Ok::<(), purefork::Error>(())
    /// ```
    pub fn replay(&self) -> Replay<'_> {
        Replay { trace: self, threads: None, timeout: None, modules: Vec::new() }
    }

    /// The error of a call, with the chain of forks that led to it.
    pub(super) fn located(&self, task: usize, error: Error) -> Error {
        if !error.chain().is_empty() {
            return error;
        }
        let calls = std::iter::successors(self.tasks.get(task), |task| self.tasks.get(task.parent?));
        error.with_chain(calls, |task| {
            let unknown = || ForkSite::Host { file: "".into(), line: 0, column: 0 };
            let site = match task.parent {
                Some(_) => ForkSite::Guest { number: task.number },
                None => task.site.clone().unwrap_or_else(unknown),
            };
            ForkFrame { function: escaped(&self.function(task).name), site }
        })
    }
}

/// Whether what a call gave is a result of its function and its arguments alone, given what its children gave.
pub(super) fn is_repeatable(task: &Task) -> bool {
    match &task.result {
        _ if task.started.is_none() || task.cancelled.is_some() => false,
        None => false,
        Some(Ok(_)) => true,
        // One that came from a child has the child's place in front of its own.
        Some(Err(error)) => error.is_catchable() || error.chain().len() > 1,
    }
}

impl<'a> Replay<'a> {
    /// How many workers there are; by default, one for each core.
    pub fn threads(mut self, threads: usize) -> Replay<'a> {
        self.threads = Some(threads);
        self
    }

    /// How long each call may take. By default, until its fuel ends: how much it may use stands in the trace.
    pub fn timeout(mut self, timeout: Duration) -> Replay<'a> {
        self.timeout = Some(timeout);
        self
    }

    /// Adds a module, for a trace that does not hold it.
    pub fn module(mut self, bytes: impl Into<Arc<[u8]>>) -> Replay<'a> {
        self.modules.push(bytes.into());
        self
    }

    pub(super) fn trace(&self) -> &'a Trace {
        self.trace
    }

    /// The modules, of which none was needed yet.
    pub(super) fn loaded(&self) -> Loaded<'_> {
        Loaded { replay: self, executors: Vec::new(), modules: HashMap::new() }
    }

    /// Begins to run a call again. `fuel`: how much of it, if not all.
    pub(super) fn rerun(
        &self,
        at: usize,
        children: &[usize],
        loaded: &mut Loaded<'_>,
        fuel: Option<u64>,
    ) -> Result<Rerun> {
        Rerun::start(self.trace, at, children, loaded, fuel)
    }

    /// Runs all calls, and compares what they give, bit for bit.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Malformed`] if the trace does not hold a module, or says what cannot be; those of
    /// [`Executor::load_bytes`].
    pub fn all(&self) -> Result<Replayed> {
        let mut loaded = self.loaded();
        let children = self.trace.children();
        let mut replayed = Replayed::default();
        let mut running = VecDeque::new();
        let tasks = self.trace.tasks.iter().enumerate();
        let mut tasks = tasks.zip(children);
        loop {
            while running.len() < AHEAD
                && let Some(((at, task), children)) = tasks.next()
            {
                if is_repeatable(task) {
                    running.push_back(self.rerun(at, &children, &mut loaded, None)?);
                } else {
                    replayed.skipped += 1;
                }
            }
            let Some(rerun) = running.pop_front() else { return Ok(replayed) };
            replayed.run += 1;
            replayed.difference = rerun.finish(self.trace).1;
            if replayed.difference.is_some() {
                return Ok(replayed);
            }
        }
    }

    /// Runs one call, and gives what it gives now. An error has the chain of forks that led to the call in the trace.
    ///
    /// # Errors
    ///
    /// As [`Replay::all`], and [`ErrorKind::Invalid`] if there is no such call, or it gave something else when it was traced.
    pub fn node(&self, node: usize) -> Result<Result<Value>> {
        let trace = self.trace;
        let Some(task) = trace.tasks.get(node) else {
            let message = match trace.tasks.len() {
                0 => "expected a node of the trace, but it has none".to_owned(),
                n => format!("expected a node from 0 to {}, but was given {node}", n - 1),
            };
            return Err(Error::new(ErrorKind::Invalid, message));
        };
        if !is_repeatable(task) {
            let message = format!(
                "node {node} cannot be run again: it was ended by something that is no result of its function and its arguments: {}",
                compare::shown(task.result.as_ref())
            );
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let children = trace.tasks.iter().enumerate().filter(|(_, task)| task.parent == Some(node));
        let children: Vec<usize> = children.map(|(at, _)| at).collect();
        let (result, difference) = self.rerun(node, &children, &mut self.loaded(), None)?.finish(trace);
        match difference {
            Some(difference) => Err(Error::new(ErrorKind::Invalid, difference.to_string())
                .with_help("the trace was changed since it was written, or by another purefork than this")),
            None => Ok(result.map_err(|error| trace.located(node, own(error)))),
        }
    }
}

/// The error without where it was forked this time. One that came from a child has the chain of the trace.
fn own(error: Error) -> Error {
    if error.chain().len() > 1 { error } else { error.without_chain() }
}

/// The modules of a trace, as far as they were needed, each with the limits of its calls.
pub(super) struct Loaded<'a> {
    replay: &'a Replay<'a>,
    executors: Vec<(Limits, Imports, Executor)>,
    modules: HashMap<usize, Module>,
}

impl Loaded<'_> {
    /// The module of a function.
    fn module(&mut self, function: usize) -> Result<Module> {
        if let Some(module) = self.modules.get(&function) {
            return Ok(module.clone());
        }
        let called = &self.replay.trace.functions[function];
        let imports = Imports { wasi: called.wasi, unknown: called.unknown_imports };
        let known = self.executors.iter().position(|(limits, known, _)| *limits == called.limits && *known == imports);
        let executor = match known {
            Some(known) => &self.executors[known].2,
            None if self.executors.len() == KINDS => {
                let message = format!("the trace has calls of more than {KINDS} kinds of limits");
                return Err(Error::new(ErrorKind::Malformed, message)
                    .with_help("each kind takes an executor of its own: trace what fewer executors do"));
            }
            None => {
                let mut limits = called.limits.clone();
                limits.timeout = self.replay.timeout;
                let mut builder =
                    Executor::builder().limits(limits).wasi(imports.wasi).unknown_imports(imports.unknown);
                if let Some(threads) = self.replay.threads {
                    builder = builder.threads(threads);
                }
                self.executors.push((called.limits.clone(), imports, builder.build()?));
                &self.executors[self.executors.len() - 1].2
            }
        };
        let held = self.replay.trace.modules.iter().find(|module| module.digest == called.module);
        let module = match held {
            Some(held) => executor.load_bytes(&held.bytes)?,
            None => {
                let given = self.replay.modules.iter().map(|bytes| executor.load_bytes(bytes));
                let given = given.collect::<Result<Vec<_>>>()?;
                let digests: Vec<_> = given.iter().map(|module| module.digest().to_owned()).collect();
                given.into_iter().find(|module| module.digest() == called.module).ok_or_else(|| {
                    let others = if digests.is_empty() {
                        "none was given".to_owned()
                    } else {
                        format!("given was {}", digests.join(", "))
                    };
                    let message = format!(
                        "the trace does not hold the module {}, of `{}`, and {others}",
                        escaped(&called.module),
                        escaped(&called.name)
                    );
                    Error::new(ErrorKind::Malformed, message)
                        .with_help("give the file of that digest (`--module FILE`)")
                })?
            }
        };
        let module = module.with_world(&called.world)?;
        self.modules.insert(function, module.clone());
        Ok(module)
    }
}

/// A call that is run again.
pub(super) struct Rerun {
    task: usize,
    children: Arc<Children>,
    future: Future<Value>,
}

impl Rerun {
    #[track_caller]
    fn start(
        trace: &Trace,
        at: usize,
        children: &[usize],
        loaded: &mut Loaded<'_>,
        fuel: Option<u64>,
    ) -> Result<Rerun> {
        let site = Location::caller();
        let task = &trace.tasks[at];
        let module = loaded.module(task.function)?;
        let children = Arc::new(Children::new(trace, children));
        let mut args = Args::new();
        for arg in &task.args {
            let missing =
                || Error::new(ErrorKind::Malformed, format!("node {at} has started without all its arguments"));
            args = args.push(arg.value.clone().ok_or_else(missing)?);
        }
        let future = module.fork_scripted(&trace.function(task).name, args, (children.clone(), fuel), site)?;
        Ok(Rerun { task: at, children, future })
    }

    /// What it gives.
    pub(super) fn result(&self) -> Result<Value> {
        self.future.wait()
    }

    /// What it gives, and how that differs.
    fn finish(self, trace: &Trace) -> (Result<Value>, Option<Difference>) {
        let task = &trace.tasks[self.task];
        let result = self.future.wait();
        let fuel = self.future.usage().map_or(0, |usage| usage.fuel);
        let output = self.future.output();
        let asked = self.children.state.lock().unwrap_or_else(PoisonError::into_inner);
        let differs = match asked.difference.clone() {
            Some(difference) => Some(difference),
            None => match compare::outcome(task, Some(&result), fuel, output.as_ref()) {
                Some((what, expected, given)) => Some((what.to_owned(), expected, given)),
                None if result.is_ok() && asked.forks != self.children.known.len() => {
                    let forks = (self.children.known.len().to_string(), asked.forks.to_string());
                    Some(("the number of its forks".to_owned(), forks.0, forks.1))
                }
                None => None,
            },
        };
        let difference = differs.map(|(what, expected, given)| Difference {
            task: self.task,
            function: trace.function(task).name.clone(),
            what,
            expected,
            given,
        });
        (result, difference)
    }
}

/// What the children of a call gave.
struct Children {
    /// By their numbers.
    known: HashMap<u32, Child>,
    state: Mutex<Asked>,
}

struct Child {
    name: String,
    types: Vec<Type>,
    args: Vec<Option<Value>>,
    shown: String,
    result: Result<Value>,
    output: Option<Arc<Output>>,
}

/// What the call has forked.
#[derive(Default)]
struct Asked {
    forks: usize,
    /// What it forked that it had not: what differs, what it was and what it is.
    difference: Option<(String, String, String)>,
}

impl Children {
    fn new(trace: &Trace, children: &[usize]) -> Children {
        let child = |at: usize| {
            let task = &trace.tasks[at];
            let function = trace.function(task);
            let ended = || Error::new(ErrorKind::Cancelled, "the call had not ended when the trace did");
            let result = task.result.clone().unwrap_or_else(|| Err(ended()));
            Child {
                name: function.name.clone(),
                types: function.params.iter().map(|(_, ty)| ty.clone()).collect(),
                args: task.args.iter().map(|arg| arg.value.clone()).collect(),
                shown: shown_args(task),
                result: result.map_err(|error| trace.located(at, error)),
                output: task.output.clone().map(Arc::new),
            }
        };
        let known = children.iter().map(|at| (trace.tasks[*at].number, child(*at))).collect();
        Children { known, state: Mutex::default() }
    }
}

impl Script for Children {
    fn child(&self, number: u32, name: &str, args: &Values) -> Scripted {
        let mut asked = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        asked.forks += 1;
        let differs = match self.known.get(&number) {
            None => Some((format!("fork {number}"), "none".to_owned(), format!("one of `{}`", escaped(name)))),
            Some(child) => {
                let given: Option<Vec<Value>> = args.of(&child.types).map(Iterator::collect);
                let same = given
                    .as_ref()
                    .is_some_and(|given| given.iter().map(Some).eq(child.args.iter().map(Option::as_ref)));
                let known = format!("`{}`{}", escaped(&child.name), child.shown);
                (!same).then(|| {
                    let given = given.unwrap_or_default();
                    let given =
                        given.iter().map(|value| super::print::shown_within(value, 60)).collect::<Vec<_>>().join(", ");
                    (format!("fork {number}"), known, format!("`{}`({given})", escaped(name)))
                })
            }
        };
        match (differs, self.known.get(&number)) {
            (None, Some(child)) => Scripted { result: child.result.clone(), output: child.output.clone() },
            (difference, _) => {
                asked.difference = asked.difference.take().or(difference);
                let error = Error::new(ErrorKind::Failed, "the call forks what it had not forked when it was traced");
                Scripted { result: Err(error), output: None }
            }
        }
    }
}
