//! What runs calls: a pool's workers, or the thread that forks.

use crate::sched::Job;

/// The threads that run calls: a pool's workers, or the one that forks.
pub(crate) trait Threads: Send + Sync {
    /// Has a job run, now or later.
    fn spawn(&self, job: Job);

    /// The current thread's number, if it is a worker.
    fn worker(&self) -> Option<usize>;

    /// Whether the current thread is in the midst of running a job.
    fn runs_jobs(&self) -> bool;

    /// Whether a fork is run to its end before it returns.
    fn inline(&self) -> bool;

    /// Whether there is a sandbox for one more thread that runs what it waits for.
    fn may_help(&self) -> bool {
        true
    }

    /// Runs a call that nobody has started, on the current thread, which waits for it. `done`: it is complete.
    fn help(&self, run: &mut dyn FnMut(), done: &dyn Fn() -> bool);

    /// Told that a call was not run by way of its entry in a queue, so that the entry only takes up room.
    fn stale(&self) {}
}
