//! What workers run.

use async_task::Runnable;
use std::sync::Arc;

/// Something that can be started once.
pub(crate) trait Work: Send + Sync + 'static {
    /// Runs it, unless another thread has started it. Does not panic.
    fn run(self: Arc<Self>);

    /// Whether a thread has started it.
    fn is_started(&self) -> bool;

    /// Called when the scheduler has stopped: it will never run.
    fn abandon(self: Arc<Self>);
}

/// An entry of a queue.
pub(crate) enum Job {
    /// To be started. An entry is a hint, not a claim: another thread may run it before its turn comes.
    Start(Arc<dyn Work>),
    /// To be resumed after a wait.
    Resume(Runnable),
}

impl Job {
    pub(crate) fn run(self) {
        match self {
            Job::Start(work) => work.run(),
            Job::Resume(runnable) => {
                runnable.run();
            }
        }
    }

    /// Whether there is nothing left to do for this entry.
    pub(super) fn is_stale(&self) -> bool {
        matches!(self, Job::Start(work) if work.is_started())
    }

    pub(super) fn abandon(self) {
        match self {
            Job::Start(work) => work.abandon(),
            // Dropping a runnable drops its future, which unwinds the guest's fiber.
            Job::Resume(runnable) => drop(runnable),
        }
    }
}
