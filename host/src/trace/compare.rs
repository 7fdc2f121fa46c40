//! Compares calls: what ran with what ran another time.

use super::model::{StepKind, Task, Trace};
use crate::error::{Error, Result};
use crate::escape::{escaped, printable};
use crate::value::Value;
use std::collections::HashSet;
use std::fmt;

/// The first call in which two runs differ.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The call's place among [`Trace::tasks`].
    pub task: usize,
    /// The exact name of its function.
    pub function: String,
    /// What differs, such as `the result`.
    pub what: String,
    /// What it was the first time.
    pub expected: String,
    /// What it was the second time.
    pub given: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { task, function, what, expected, given } = self;
        write!(f, "node {task}, `{}`: {what} was {expected}, and now is {given}", escaped(function))
    }
}

impl Trace {
    /// The first call of which another run of the same made something else, bit for bit: its function, its arguments, what it forked and
    /// waited for, the result, the fuel or the output. When and where it ran does not count.
    ///
    /// A call that a guest forks and does not wait for is compared in what it is forked with, and no further: it is given up when its
    /// parent ends, and how far it has come then depends on the schedule. So is one that was ended by what is no result of its function and
    /// arguments, such as a timeout, or a limit of the whole tree.
    pub fn difference(&self, other: &Trace) -> Option<Difference> {
        let (roots, others) = (self.roots(), other.roots());
        let differs = |at: usize, what: &str, expected: String, given: String| {
            let function = self.tasks.get(at).map(|task| self.function(task).name.clone()).unwrap_or_default();
            Difference { task: at, function, what: what.to_owned(), expected, given }
        };
        if roots.len() != others.len() {
            return Some(differs(
                0,
                "the number of the host's forks",
                roots.len().to_string(),
                others.len().to_string(),
            ));
        }
        let (children, other_children) = (self.children(), other.children());
        let mut pending: Vec<_> = roots.into_iter().zip(others).rev().map(|(one, two)| (one, two, true)).collect();
        while let Some((at, there, waited)) = pending.pop() {
            let (one, two) = (&self.tasks[at], &other.tasks[there]);
            let what = differing_call(self, one, other, two).or_else(|| {
                if !waited || !is_own(one) || !is_own(two) {
                    return None;
                }
                if self.steps(one) != other.steps(two) {
                    return Some(("what it forked and waited for", shown_steps(one), shown_steps(two)));
                }
                outcome(one, two.result.as_ref(), two.fuel, two.output.as_ref())
            });
            if let Some((what, expected, given)) = what {
                return Some(differs(at, what, expected, given));
            }
            // With the same steps, the forks are the same.
            let pairs = children[at].iter().zip(&other_children[there]).rev();
            if waited && is_own(one) && is_own(two) {
                let waits = waited_for(one);
                pending.extend(pairs.map(|(one, two)| (*one, *two, waits.contains(one))));
            }
        }
        None
    }

    /// The calls that the host forked.
    fn roots(&self) -> Vec<usize> {
        self.tasks.iter().enumerate().filter(|(_, task)| task.parent.is_none()).map(|(at, _)| at).collect()
    }

    /// For each call, those that it forked, in order.
    pub(super) fn children(&self) -> Vec<Vec<usize>> {
        let mut children = vec![Vec::new(); self.tasks.len()];
        for (at, task) in self.tasks.iter().enumerate() {
            if let Some(parent) = task.parent {
                children[parent].push(at);
            }
        }
        children
    }

    /// What a call did: what it forked and waited for, by the forks' numbers, and how much fuel it had used by then.
    fn steps(&self, task: &Task) -> Vec<(StepKind, u32, u64)> {
        task.steps.iter().map(|step| (step.kind, self.tasks[step.task].number, step.fuel)).collect()
    }
}

/// Whether what a call gave is a result of its function and its arguments alone.
pub(super) fn is_own(task: &Task) -> bool {
    match &task.result {
        Some(Ok(_)) => true,
        Some(Err(error)) => error.is_catchable(),
        None => false,
    }
}

/// The calls that a call waited for.
pub(super) fn waited_for(task: &Task) -> HashSet<usize> {
    task.steps.iter().filter(|step| step.kind == StepKind::Wait).map(|step| step.task).collect()
}

/// How what is called differs, or what it is given.
fn differing_call(one_of: &Trace, one: &Task, two_of: &Trace, two: &Task) -> Option<(&'static str, String, String)> {
    let (function, other) = (one_of.function(one), two_of.function(two));
    if function.name != other.name {
        return Some(("the function", escaped(&function.name), escaped(&other.name)));
    }
    if function.module != other.module {
        return Some(("its module", escaped(&function.module), escaped(&other.module)));
    }
    let args = |task: &Task| task.args.iter().map(|arg| arg.value.clone()).collect::<Vec<_>>();
    (args(one) != args(two)).then(|| ("its arguments", shown_args(one), shown_args(two)))
}

/// How what a call gave differs from what it gave another time.
pub(super) fn outcome(
    task: &Task,
    result: Option<&Result<Value>>,
    fuel: u64,
    output: Option<&crate::Output>,
) -> Option<(&'static str, String, String)> {
    let same = match (&task.result, result) {
        (Some(Err(one)), Some(Err(two))) => one.clone().comparable() == two.clone().comparable(),
        (one, two) => one.as_ref() == two,
    };
    if !same {
        return Some(("the result", shown(task.result.as_ref()), shown(result)));
    }
    // How much one has used that failed is not known.
    if matches!(result, Some(Ok(_))) && task.fuel != fuel {
        return Some(("the fuel", task.fuel.to_string(), fuel.to_string()));
    }
    let written = |output: Option<&crate::Output>| match output {
        None => "nothing".to_owned(),
        Some(output) => format!("{} bytes", output.bytes()),
    };
    (task.output.as_ref() != output).then(|| ("the output", written(task.output.as_ref()), written(output)))
}

/// How much is shown of a value or an error, in bytes.
const SHOWN: usize = 200;

pub(super) fn shown(result: Option<&Result<Value>>) -> String {
    match result {
        None => "nothing".to_owned(),
        Some(Ok(value)) => super::print::shown_within(value, SHOWN),
        Some(Err(error)) => shown_error(error),
    }
}

fn shown_error(error: &Error) -> String {
    printable(&format!("an error, {}", super::graph::text(error)), SHOWN)
}

pub(super) fn shown_args(task: &Task) -> String {
    let arg =
        |value: &Option<Value>| value.as_ref().map_or("?".to_owned(), |value| super::print::shown_within(value, 60));
    format!("({})", task.args.iter().map(|arg_| arg(&arg_.value)).collect::<Vec<_>>().join(", "))
}

fn shown_steps(task: &Task) -> String {
    let (mut forks, mut waits) = (0, 0);
    for step in &task.steps {
        match step.kind {
            StepKind::Fork => forks += 1,
            StepKind::Wait => waits += 1,
        }
    }
    let fuel = task.steps.last().map_or(0, |step| step.fuel);
    format!("{forks} forks and {waits} waits within {fuel} fuel")
}
