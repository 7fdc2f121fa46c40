//! A trace in numbers: what ran, how much of it could run at a time, and what more cores would bring.

use super::dag::Dag;
use super::model::{StepKind, Trace};
use super::schedule::schedule;
use super::work_span::Span;
use crate::error::ErrorKind;
use crate::escape::escaped;
use std::collections::BTreeMap;

/// The numbers of cores for which a speed-up is told.
const CORES: [usize; 10] = [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/// A trace in numbers, from [`Trace::summary`]. All of it is in fuel, so that it is the same on every machine.
///
/// Displayed, it is what `purefork trace --summary` prints.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The calls.
    pub calls: u64,
    /// How many of them the host has forked.
    pub host_calls: u64,
    /// How often a call, or the host, has waited for one.
    pub waits: u64,
    /// How many forks led to the call that was forked most deeply, without the host's; 0 if no call has forked one.
    pub depth: u64,
    /// How many did not run, as their results were known: see [`Builder::memo`](crate::Builder::memo). They used nothing.
    pub known: u64,
    /// How many had not ended when the trace did.
    pub unfinished: u64,
    /// How many calls failed with which kind of error; the most frequent first.
    pub failures: Vec<(ErrorKind, u64)>,
    /// The fuel that all calls used. Of a call that failed, as much as is known counts.
    pub work: u64,
    /// The fuel of the longest chain of work of which each piece had to wait for the one before: no number of cores could be faster.
    ///
    /// A fork starts a call where its parent has come to; a wait goes on once both are there. A call that nobody waits for makes
    /// nobody wait. What the host does itself counts as nothing.
    pub span: u64,
    /// The calls on that chain, in the order of time: a call that was left for one that it forked, and gone back to, is there as often.
    pub critical_path: Vec<Stretch>,
    /// The speed-up to be expected, for 2, 4, 8 … 1024 cores.
    pub speedups: Vec<Speedup>,
    /// The functions, by the fuel that their calls used themselves; the most first.
    pub functions: Vec<FunctionUse>,
}

/// A part of the critical path: a call, from where the chain comes to it up to where that leaves it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The call's place in [`Trace::tasks`].
    pub task: usize,
    /// Its function, by its place in [`Summary::functions`].
    pub function: usize,
    /// The fuel that the call used there.
    pub fuel: u64,
}

/// How much faster than on one core.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speedup {
    /// On so many cores.
    pub cores: usize,
    /// At least, with any scheduler that lets no core be idle while a call could run: the greedy bound of Graham (1969) and Brent (1974),
    /// `work / ((work - span) / cores + span)`.
    pub greedy: f64,
    /// In a simulated schedule of that kind. A core runs a call until that has to wait, or ends; of the calls that could run, the one goes
    /// first that could for longest. Forks and waits take no time.
    pub simulated: f64,
}

/// What the calls of a function used.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionUse {
    /// Its name, fit to be shown; where functions of several modules have it, with the first eight digits of its module's digest.
    pub name: String,
    /// The calls.
    pub calls: u64,
    /// The fuel that they used themselves, without those that they forked.
    pub fuel: u64,
}

impl Summary {
    /// How much of the work could run at a time, on average: `work / span`. No speed-up is higher.
    pub fn parallelism(&self) -> f64 {
        ratio(self.work.into(), self.span.into())
    }
}

impl Trace {
    /// The trace in numbers. Takes about a second for a million calls.
    ///
    /// ```
    /// use purefork::trace::Trace;
    ///
    /// let nothing = Trace::default().summary();
    /// assert_eq!((nothing.calls, nothing.work, nothing.parallelism()), (0, 0, 1.0));
    /// ```
    pub fn summary(&self) -> Summary {
        let dag = Dag::new(self);
        let span = Span::new(&dag);
        let (functions, places) = functions(self, &dag);
        let stretch = |(task, fuel): &(usize, u64)| Stretch { task: *task, function: places[*task], fuel: *fuel };
        let host_calls = self.tasks.iter().filter(|task| task.parent.is_none()).count();
        Summary {
            calls: count(self.tasks.len()),
            host_calls: count(host_calls),
            waits: count(dag.moves.iter().filter(|step| step.kind == StepKind::Wait).count()),
            depth: depth(&dag),
            known: count(self.tasks.iter().filter(|task| task.is_known()).count()),
            unfinished: count(self.tasks.iter().filter(|task| task.result.is_none()).count()),
            failures: failures(self),
            work: clamped(dag.work()),
            span: clamped(span.fuel),
            critical_path: span.path.iter().map(stretch).collect(),
            speedups: speedups(&dag, span.fuel),
            functions,
        }
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn clamped(fuel: u128) -> u64 {
    u64::try_from(fuel).unwrap_or(u64::MAX)
}

/// How much faster; 1 where nothing is to be done.
fn ratio(work: u128, time: u128) -> f64 {
    if time == 0 { 1.0 } else { work as f64 / time as f64 }
}

fn depth(dag: &Dag) -> u64 {
    let mut depths = vec![0; dag.calls()];
    for call in 0..dag.calls() {
        if let Some((parent, _)) = dag.forked[call].filter(|(parent, _)| *parent != dag.host()) {
            depths[call] = depths[parent] + 1;
        }
    }
    depths.into_iter().max().unwrap_or(0)
}

fn failures(trace: &Trace) -> Vec<(ErrorKind, u64)> {
    let mut kinds: BTreeMap<String, (ErrorKind, u64)> = BTreeMap::new();
    for error in trace.tasks.iter().filter_map(Trace::error) {
        kinds.entry(error.kind().name()).or_insert((error.kind(), 0)).1 += 1;
    }
    let mut kinds: Vec<_> = kinds.into_values().collect();
    // Stable: those of one number stay in the order of their names.
    kinds.sort_by_key(|(_, calls)| std::cmp::Reverse(*calls));
    kinds
}

fn speedups(dag: &Dag, span: u128) -> Vec<Speedup> {
    let work = dag.work();
    let mut enough = None;
    let speedup = |cores: usize| {
        let end = enough.unwrap_or_else(|| {
            let schedule = schedule(dag, cores);
            enough = (!schedule.short).then_some(schedule.end);
            schedule.end
        });
        let least = (work - span) as f64 / cores as f64 + span as f64;
        Speedup { cores, greedy: if work == 0 { 1.0 } else { work as f64 / least }, simulated: ratio(work, end) }
    };
    CORES.into_iter().map(speedup).collect()
}

/// The functions that were called, those with the most fuel first; and the place of each call's among them.
fn functions(trace: &Trace, dag: &Dag) -> (Vec<FunctionUse>, Vec<usize>) {
    let mut of_name: BTreeMap<&str, u64> = BTreeMap::new();
    for function in &trace.functions {
        *of_name.entry(&function.name).or_default() += 1;
    }
    let name = |number: usize| match trace.functions.get(number) {
        Some(function) if of_name[&*function.name] > 1 => {
            let digest: String = function.module.chars().take(8).collect();
            format!("{} ({})", escaped(&function.name), escaped(&digest))
        }
        Some(function) => escaped(&function.name),
        None => format!("function {number}"),
    };
    let mut used: BTreeMap<usize, (u64, u128)> = BTreeMap::new();
    for (call, task) in trace.tasks.iter().enumerate() {
        let (calls, fuel) = used.entry(task.function).or_default();
        *calls += 1;
        *fuel += u128::from(dag.fuel(call));
    }
    let mut used: Vec<_> = used.into_iter().collect();
    used.sort_by_key(|(_, (_, fuel))| std::cmp::Reverse(*fuel));
    let place: BTreeMap<usize, usize> = used.iter().enumerate().map(|(place, (number, _))| (*number, place)).collect();
    let places = trace.tasks.iter().map(|task| place[&task.function]).collect();
    let functions =
        used.into_iter().map(|(number, (calls, fuel))| FunctionUse { name: name(number), calls, fuel: clamped(fuel) });
    (functions.collect(), places)
}
