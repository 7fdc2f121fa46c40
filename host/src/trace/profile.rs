//! Where fuel goes within calls: which functions of a guest use it.
//!
//! Calls are pure, so where one is after so much fuel is found by running it again with that much and no more: it stops there, and the error
//! has the guest's frames. That is the same every time and on every machine, and costs calls that are not sampled nothing.

use super::model::Trace;
use super::replay::{Replay, is_repeatable};
use super::shown;
use crate::error::{ErrorKind, Result};
use std::collections::BTreeMap;
use std::collections::VecDeque;

/// How many samples are taken at a time.
const AHEAD: usize = 64;

/// So many of the forks that led to a call are shown, the innermost.
const FORKS: usize = 100;

/// Which functions of guests use how much fuel, from [`Replay::profile`].
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// Fuel between two samples.
    pub interval: u64,
    /// The samples of each stack, outermost frame first: the calls that led to it, each by its function's name, then the guest's frames.
    pub stacks: BTreeMap<Vec<String>, u64>,
}

impl Profile {
    /// A line for each stack: `main;sort;compare 1200`, with the fuel that its samples stand for. It is what
    /// [speedscope](https://www.speedscope.app) and `flamegraph.pl` read.
    pub fn to_folded(&self) -> String {
        let line = |(stack, samples): (&Vec<String>, &u64)| {
            let frames: Vec<_> = stack.iter().map(|frame| frame.replace(';', ":")).collect();
            format!("{} {}\n", frames.join(";"), samples.saturating_mul(self.interval))
        };
        self.stacks.iter().map(line).collect()
    }
}

impl Replay<'_> {
    /// Samples where the trace's calls are each time so much fuel more has been used by all of them, one after another. A sample is one
    /// call that is run again up to there; so it takes about as long as `samples` divided by two runs of the longest call. Functions are named where the
    /// guest has names.
    ///
    /// wasmtime looks at the fuel where a function or a loop begins; so a sample is of the next such place. Calls that failed, or cannot be run again,
    /// are left out: how much they used is not known.
    ///
    /// ```
    /// use purefork::{Executor, args};
    ///
    /// let exec = Executor::new()?;
    /// let module = exec.load_bytes(r#"(module
    ///     (func $spin (param $n i32)
    ///         (loop $more (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    ///     (func (export "run") (call $spin (i32.const 1000))))"#)?;
    /// let profile = module.trace("run", args![])?.replay().profile(10)?;
    /// assert_eq!(profile.to_folded().lines().next().map(|line| line.starts_with("run;spin ")), Some(true));
    /// # Ok::<(), purefork::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Replay::all`].
    pub fn profile(&self, samples: u32) -> Result<Profile> {
        let trace = self.trace();
        let counted = |task: &&super::Task| is_repeatable(task) && matches!(task.result, Some(Ok(_)));
        let work = trace.tasks.iter().filter(counted).fold(0u64, |work, task| work.saturating_add(task.fuel));
        let interval = work.div_ceil(u64::from(samples.max(1))).max(1);
        let mut profile = Profile { interval, stacks: BTreeMap::new() };
        let names: Vec<String> = shown::names(&trace.functions);
        let mut loaded = self.loaded();
        let children = trace.children();
        // What was used before the call, and the next sample; the first stands in the midst of what it is for.
        let (mut before, mut next) = (0u64, interval / 2);
        let mut running = VecDeque::new();
        for (at, task) in trace.tasks.iter().enumerate() {
            if !counted(&task) {
                continue;
            }
            let end = before.saturating_add(task.fuel);
            while next < end {
                let fuel = (next - before).max(1);
                running.push_back((at, self.rerun(at, &children[at], &mut loaded, Some(fuel))?));
                next = next.saturating_add(interval);
                if running.len() == AHEAD
                    && let Some((at, rerun)) = running.pop_front()
                {
                    profile.add(trace, &names, at, rerun.result().err().as_ref());
                }
                if next == u64::MAX {
                    break;
                }
            }
            before = end;
        }
        for (at, rerun) in running {
            profile.add(trace, &names, at, rerun.result().err().as_ref());
        }
        Ok(profile)
    }
}

impl Profile {
    fn add(&mut self, trace: &Trace, names: &[String], at: usize, stopped: Option<&crate::Error>) {
        let calls = std::iter::successors(Some(at), |at| trace.tasks[*at].parent);
        let mut stack: Vec<String> = calls.take(FORKS).map(|at| names[trace.tasks[at].function].clone()).collect();
        stack.reverse();
        let frames = stopped.filter(|error| error.kind() == ErrorKind::OutOfFuel).map(crate::Error::backtrace);
        let frames = frames.unwrap_or_default().iter().rev();
        // The outermost is the function that was called.
        stack.extend(frames.skip(1).map(|frame| frame.function.clone()));
        *self.stacks.entry(stack).or_default() += 1;
    }
}
