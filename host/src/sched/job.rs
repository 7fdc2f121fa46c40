//! What workers run.

use async_task::Runnable;
use std::sync::Arc;

/// Something that can be started once.
pub(crate) trait Work: Send + Sync + 'static {
    /// Runs it, unless somebody else has started it already. Does not panic.
    fn run(self: Arc<Self>);

    /// Whether somebody has started it already.
    fn is_started(&self) -> bool;

    /// The scheduler has stopped: nobody is going to run it.
    fn abandon(self: Arc<Self>);
}

/// An entry of a queue.
pub(crate) enum Job {
    /// To be started. An entry is a hint, not a claim: when its turn comes, another thread may have run it.
    Start(Arc<dyn Work>),
    /// To go on after a wait.
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
            // Dropping a runnable drops its future, and that unwinds the guest on its fiber.
            Job::Resume(runnable) => drop(runnable),
        }
    }
}
