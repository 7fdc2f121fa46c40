//! Compares calls: what ran with what ran another time.

use super::model::{StepKind, Task, Trace};
use crate::error::{Error, Result};
use crate::escape::escaped;
use crate::value::Value;
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
    pub fn difference(&self, other: &Trace) -> Option<Difference> {
        let place = |task: usize, what: &str, expected: String, given: String| {
            let function = self.tasks.get(task).map(|task| self.function(task).name.clone()).unwrap_or_default();
            Some(Difference { task, function, what: what.to_owned(), expected, given })
        };
        for (at, (one, two)) in self.tasks.iter().zip(&other.tasks).enumerate() {
            let names = (&self.function(one).name, &other.function(two).name);
            if names.0 != names.1 {
                return place(at, "the function", escaped(names.0), escaped(names.1));
            }
            let modules = (&self.function(one).module, &other.function(two).module);
            if modules.0 != modules.1 {
                return place(at, "its module", modules.0.clone(), modules.1.clone());
            }
            let args = |task: &Task| task.args.iter().map(|arg| arg.value.clone()).collect::<Vec<_>>();
            if args(one) != args(two) {
                return place(at, "its arguments", shown_args(one), shown_args(two));
            }
            let steps =
                |task: &Task| task.steps.iter().map(|step| (step.kind, step.task, step.fuel)).collect::<Vec<_>>();
            if steps(one) != steps(two) {
                return place(at, "what it forked and waited for", shown_steps(one), shown_steps(two));
            }
            if let Some((what, expected, given)) = outcome(one, two.result.as_ref(), two.fuel, two.output.as_ref()) {
                return place(at, what, expected, given);
            }
        }
        if self.tasks.len() == other.tasks.len() {
            return None;
        }
        let both = self.tasks.len().min(other.tasks.len());
        place(both, "the number of calls", self.tasks.len().to_string(), other.tasks.len().to_string())
    }
}

/// How what a call gave differs from what it gave another time.
pub(super) fn outcome(
    task: &Task,
    result: Option<&Result<Value>>,
    fuel: u64,
    output: Option<&crate::Output>,
) -> Option<(&'static str, String, String)> {
    let same = match (&task.result, result) {
        (Some(Err(one)), Some(Err(two))) => one.clone().without_chain() == two.clone().without_chain(),
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
    super::print::shortened(&format!("an error, {}", super::graph::text(error)), SHOWN)
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
