//! Calls on the thread that forks them, in order.

use crate::fork::Threads;
use crate::sched::{Job, run_inline, runs_inline, spawn_inline};

/// No threads: a fork runs before it returns.
///
/// A guest's forks are no recursion on the host's stack: the parent is set aside, and the loop that runs it runs the
/// child.
pub(super) struct Serial;

impl Threads for Serial {
    fn spawn(&self, job: Job) {
        spawn_inline(job);
    }

    fn worker(&self) -> Option<usize> {
        None
    }

    fn runs_jobs(&self) -> bool {
        runs_inline()
    }

    fn inline(&self) -> bool {
        true
    }

    fn help(&self, start: &mut dyn FnMut(), done: &dyn Fn() -> bool) {
        run_inline(start, done);
    }
}
