//! Makes a trace of records, which come in any order.

use super::model::{Moment, Pause, Step, StepKind, Task, Trace, TracedArg, TracedFunction, TracedModule};
use super::read::Arg;
use crate::error::{Error, ErrorKind, ForkSite, Result};
use crate::value::Value;
use crate::wasi::{Output, World};
use std::collections::HashMap;

/// What was read.
#[derive(Default)]
pub(super) struct Recorded {
    pub(super) modules: Vec<TracedModule>,
    pub(super) functions: HashMap<u32, TracedFunction>,
    /// What modules were given, by digest; and the functions, by number, of those that were given it.
    pub(super) worlds: HashMap<String, World>,
    pub(super) given: Vec<(u32, String)>,
    calls: HashMap<u64, Call>,
    forks: usize,
    ends: usize,
}

/// What was read of a call.
#[derive(Default)]
struct Call {
    fork: Option<Box<Fork>>,
    ready: Option<Vec<Arg>>,
    started: Option<Moment>,
    pauses: Vec<(Moment, bool)>,
    cancelled: Option<Moment>,
    done: Option<(u64, Result<Value>, Option<Output>, Moment)>,
    /// By whom it was waited for, at which fuel of theirs, and when.
    waits: Vec<(u64, u64, Moment)>,
}

pub(super) struct Fork {
    pub(super) parent: u64,
    pub(super) function: u32,
    pub(super) number: u32,
    pub(super) fuel: u64,
    pub(super) site: Option<ForkSite>,
    pub(super) args: Vec<Arg>,
    pub(super) at: Moment,
}

/// What became of a call.
pub(super) enum Record {
    Fork(Box<Fork>),
    Ready(Vec<Arg>),
    Start(Moment),
    Wait { parent: u64, fuel: u64, at: Moment },
    Suspend(Moment),
    Resume(Moment),
    Cancelled(Moment),
    Done { fuel: u64, result: Result<Value>, output: Option<Output>, at: Moment },
}

impl Recorded {
    pub(super) fn forks(&self) -> usize {
        self.forks
    }

    pub(super) fn ends(&self) -> usize {
        self.ends
    }

    /// Adds what became of a call.
    ///
    /// # Errors
    ///
    /// Where that happens once, and has happened.
    pub(super) fn add(&mut self, task: u64, record: Record) -> Result<(), &'static str> {
        let call = self.calls.entry(task).or_default();
        let twice = match record {
            Record::Fork(fork) => {
                self.forks += 1;
                call.fork.replace(fork).is_some()
            }
            Record::Ready(args) => call.ready.replace(args).is_some(),
            Record::Start(at) => call.started.replace(at).is_some(),
            Record::Wait { parent, fuel, at } => {
                call.waits.push((parent, fuel, at));
                false
            }
            Record::Suspend(at) => {
                call.pauses.push((at, false));
                false
            }
            Record::Resume(at) => {
                call.pauses.push((at, true));
                false
            }
            Record::Cancelled(at) => {
                call.cancelled.get_or_insert(at);
                false
            }
            Record::Done { fuel, result, output, at } => {
                self.ends += 1;
                call.done.replace((fuel, result, output, at)).is_some()
            }
        };
        if twice { Err("what happens to a call once has happened twice") } else { Ok(()) }
    }
}

fn malformed(message: &str) -> Error {
    Error::new(ErrorKind::Malformed, format!("the trace contradicts itself: {message}"))
        .with_help("no purefork writes such a trace: trace the call again")
}

/// A call and its place among those that its parent forked.
struct Child {
    number: u32,
    at: Moment,
    id: u64,
}

/// Puts the records together.
///
/// # Errors
///
/// [`ErrorKind::Malformed`] where they are of no calls that can have been made.
pub(super) fn assemble(recorded: Recorded) -> Result<Trace> {
    let Recorded { modules, functions, mut calls, .. } = recorded;
    let (functions, numbers) = in_order(functions, &calls)?;
    let mut children: HashMap<u64, Vec<Child>> = HashMap::new();
    for (id, call) in &calls {
        let fork = call.fork.as_ref().ok_or_else(|| malformed("something happened to a call that nobody forked"))?;
        children.entry(fork.parent).or_default().push(Child { number: fork.number, at: fork.at, id: *id });
    }
    for siblings in children.values_mut() {
        siblings.sort_unstable_by_key(|child| (child.number, child.at.time, child.id));
    }
    let order = preorder(children)?;
    if order.len() != calls.len() {
        let known =
            |call: &Call| call.fork.as_ref().is_some_and(|fork| fork.parent == 0 || calls.contains_key(&fork.parent));
        return Err(malformed(match calls.values().all(known) {
            true => "calls forked each other in a circle",
            false => "a call was forked by one that is not there",
        }));
    }
    let places: HashMap<u64, usize> = order.iter().enumerate().map(|(place, id)| (*id, place)).collect();
    let mut steps: Vec<Vec<Step>> = order.iter().map(|_| Vec::new()).collect();
    let mut host = Vec::new();
    let mut tasks = Vec::with_capacity(order.len());
    for (place, id) in order.iter().enumerate() {
        let Some(Call { fork: Some(fork), ready, started, mut pauses, cancelled, done, waits }) = calls.remove(id)
        else {
            return Err(malformed("a call is forked twice"));
        };
        let mut step = |parent: u64, step: Step| {
            match places.get(&parent) {
                Some(parent) => steps[*parent].push(step),
                None if parent == 0 => host.push(step),
                None => return Err(malformed("a call that is not there waited for another")),
            }
            Ok(())
        };
        step(fork.parent, Step { kind: StepKind::Fork, task: place, fuel: fork.fuel, at: fork.at })?;
        for (parent, fuel, at) in waits {
            if parent != 0 && parent != fork.parent {
                return Err(malformed("a call was waited for by one that did not fork it"));
            }
            step(parent, Step { kind: StepKind::Wait, task: place, fuel, at })?;
        }
        let function = numbers[&fork.function];
        if fork.args.len() != functions[function].params.len() {
            return Err(malformed("a call has not as many arguments as its function has parameters"));
        }
        let args = arguments(fork.args, ready, &places)?;
        pauses.sort_by_key(|(at, resumed)| (at.time, *resumed));
        let (fuel, result, output, done) = match done {
            Some((fuel, result, output, at)) => (fuel, Some(result), output, Some(at)),
            None => (0, None, None, None),
        };
        tasks.push(Task {
            function,
            parent: places.get(&fork.parent).copied(),
            number: fork.number,
            site: fork.site,
            args,
            forked: fork.at,
            started,
            pauses: paired(&pauses),
            done,
            cancelled,
            steps: Vec::new(),
            fuel,
            result,
            output,
        });
    }
    for (task, mut steps) in tasks.iter_mut().zip(steps) {
        steps.sort_by_key(|step| (step.fuel, step.at.time));
        task.steps = steps;
    }
    host.sort_by_key(|step| step.at.time);
    Ok(Trace { modules, functions, tasks, host })
}

/// The functions that were called, in the order of their modules and names, so that it is the same in every run; and the place of each, by
/// its number in the file.
fn in_order(
    functions: HashMap<u32, TracedFunction>,
    calls: &HashMap<u64, Call>,
) -> Result<(Vec<TracedFunction>, HashMap<u32, usize>)> {
    let called = calls.values().filter_map(|call| Some(call.fork.as_ref()?.function));
    let mut called: Vec<u32> = called.collect();
    called.sort_unstable();
    called.dedup();
    if called.iter().any(|number| !functions.contains_key(number)) {
        return Err(malformed("a call is one of a function that is not there"));
    }
    let mut functions: Vec<_> =
        functions.into_iter().filter(|(number, _)| called.binary_search(number).is_ok()).collect();
    functions.sort_by(|(a, one), (b, other)| (&one.module, &one.name, a).cmp(&(&other.module, &other.name, b)));
    let places = functions.iter().enumerate().map(|(place, (number, _))| (*number, place)).collect();
    Ok((functions.into_iter().map(|(_, function)| function).collect(), places))
}

/// The calls of the host, each followed by what it forked; those that are not reached are left out.
fn preorder(mut children: HashMap<u64, Vec<Child>>) -> Result<Vec<u64>> {
    let mut order = Vec::new();
    let mut roots = children.remove(&0).unwrap_or_default();
    roots.sort_unstable_by_key(|child| (child.at.time, child.id));
    let mut pending: Vec<_> = vec![roots.into_iter()];
    while let Some(siblings) = pending.last_mut() {
        let Some(child) = siblings.next() else {
            pending.pop();
            continue;
        };
        order.push(child.id);
        if let Some(own) = children.remove(&child.id) {
            if own.windows(2).any(|pair| pair[0].number == pair[1].number) || own[0].number == 0 {
                return Err(malformed("two forks of one call have one number"));
            }
            pending.push(own.into_iter());
        }
    }
    Ok(order)
}

/// The arguments: as they were when they had come, and the calls they came from.
fn arguments(forked: Vec<Arg>, ready: Option<Vec<Arg>>, places: &HashMap<u64, usize>) -> Result<Vec<TracedArg>> {
    let mut args: Vec<_> = forked
        .into_iter()
        .map(|arg| match arg {
            Ok(value) => TracedArg { value: Some(value), from: None },
            Err(task) => TracedArg { value: None, from: places.get(&task).copied() },
        })
        .collect();
    let Some(ready) = ready else { return Ok(args) };
    if ready.len() != args.len() {
        return Err(malformed("a call has other arguments than it was forked with"));
    }
    for (arg, ready) in args.iter_mut().zip(ready) {
        arg.value = ready.ok();
    }
    Ok(args)
}

/// Suspensions, each with its resumption.
fn paired(events: &[(Moment, bool)]) -> Vec<Pause> {
    let mut pauses: Vec<Pause> = Vec::new();
    for (at, resumed) in events {
        match (resumed, pauses.last_mut()) {
            (false, _) => pauses.push(Pause { from: *at, to: None }),
            (true, Some(last)) if last.to.is_none() => last.to = Some(*at),
            (true, _) => {}
        }
    }
    pauses
}
