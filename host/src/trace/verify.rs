//! Runs something again in every way there is, and compares bit for bit.

use super::compare::{Difference, is_own};
use super::model::Trace;
use crate::error::{Error, Result};
use crate::executor::Builder;
use crate::isolation::Isolation;
use std::fmt;

/// A way to run calls: none changes what they give.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// How many workers there are; none if calls run in order, each where it is forked.
    pub threads: Option<usize>,
    /// How calls get their sandboxes.
    pub isolation: Isolation,
}

impl Way {
    /// The ways that are compared. The first forks in the order of the program, and so runs each child before its parent goes on; one
    /// worker begins with the newest fork; several take from each other what is oldest.
    pub const ALL: [Way; 6] = [
        Way { threads: None, isolation: Isolation::Recycled },
        Way { threads: Some(1), isolation: Isolation::Recycled },
        Way { threads: Some(4), isolation: Isolation::Recycled },
        Way { threads: None, isolation: Isolation::Fresh },
        Way { threads: Some(1), isolation: Isolation::Fresh },
        Way { threads: Some(4), isolation: Isolation::Fresh },
    ];

    /// An executor that works so, and as `builder` says otherwise.
    pub fn applied(self, builder: Builder) -> Builder {
        let builder = builder.isolation(self.isolation);
        match self.threads {
            None => builder.serial(),
            Some(threads) => builder.threads(threads),
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.threads {
            None => f.write_str("serially")?,
            Some(1) => f.write_str("on 1 worker")?,
            Some(threads) => write!(f, "on {threads} workers")?,
        }
        match self.isolation {
            Isolation::Recycled => f.write_str(", in recycled sandboxes"),
            Isolation::Fresh => f.write_str(", in fresh sandboxes"),
        }
    }
}

/// What came of a comparison.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct Verified {
    /// What ran, the first time.
    pub trace: Trace,
    /// How often it ran.
    pub runs: usize,
    /// What differed first, and the way in which it did, if anything did.
    pub difference: Option<(Way, Difference)>,
}

/// Runs something `rounds` times in each of the ways of [`Way::ALL`], and compares what all its calls do and give, bit for bit.
///
/// `run` is given the way, and makes an executor that works so.
///
/// ```
/// use purefork::trace::verify;
/// use purefork::{Executor, args};
///
/// let verified = verify(1, |way| {
///     let exec = way.applied(Executor::builder()).build()?;
///     exec.load_bytes(r#"(module (func (export "one") (result i32) (i32.const 1)))"#)?.trace("one", args![])
/// })?;
/// assert_eq!((verified.runs, verified.difference), (6, None));
/// # Ok::<(), purefork::Error>(())
/// ```
///
/// # Errors
///
/// Those of `run`; and that of a call of the host's which was ended by what is no result of its function and its arguments, such as a timeout.
pub fn verify(rounds: usize, mut run: impl FnMut(Way) -> Result<Trace>) -> Result<Verified> {
    let mut first: Option<Trace> = None;
    let mut runs = 0;
    for way in (0..rounds.max(1)).flat_map(|_| Way::ALL) {
        let trace = run(way)?;
        runs += 1;
        if let Some(Err(error)) = trace
            .tasks
            .iter()
            .filter(|task| task.parent.is_none())
            .find(|task| !is_own(task))
            .and_then(|task| task.result.as_ref())
        {
            let message = format!("run {runs}, {way}, cannot be compared: {}", error.message());
            return Err(Error::new(error.kind(), message).with_help(
                "what ended it is no result of the function and its arguments, so that another run may end otherwise",
            ));
        }
        let Some(known) = &first else {
            first = Some(trace);
            continue;
        };
        if let Some(difference) = known.difference(&trace) {
            return Ok(Verified { trace: first.unwrap_or_default(), runs, difference: Some((way, difference)) });
        }
    }
    Ok(Verified { trace: first.unwrap_or_default(), runs, difference: None })
}
