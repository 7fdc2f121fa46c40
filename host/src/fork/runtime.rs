//! What the calls of an executor have in common.

use super::frame::Frame;
use crate::engine::Engines;
use crate::event::Event;
use crate::limits::Limits;
use crate::sandbox::{Stock, Watch};
use crate::sched::Job;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the calls of an executor have in common.
pub(crate) struct Runtime {
    pub(crate) limits: Limits,
    pub(crate) engines: Arc<Engines>,
    pub(crate) stock: Arc<Stock<Frame>>,
    /// There is one if there is a timeout.
    pub(crate) watch: Option<Watch>,
    pub(crate) observer: Box<dyn Fn(&Event) + Send + Sync>,
    pub(crate) threads: Box<dyn Threads>,
    /// The executor was dropped, or shut down.
    pub(crate) closed: AtomicBool,
    /// All calls are to end.
    pub(crate) shut_down: AtomicBool,
}

/// The threads that run calls: a pool's workers, or the one that forks.
pub(crate) trait Threads: Send + Sync {
    /// Has a job run, now or later.
    fn spawn(&self, job: Job);

    /// The current thread's number, if it is a worker.
    fn worker(&self) -> Option<usize>;

    /// Whether a fork is run to its end before it returns.
    fn inline(&self) -> bool;

    /// Runs a call that nobody has started, on the current thread, which waits for it. `done`: it is complete.
    fn help(&self, run: &mut dyn FnMut(), done: &dyn Fn() -> bool);

    /// Told that a call was not run by way of its entry in a queue, so that the entry only takes up room.
    fn stale(&self) {}
}

impl Runtime {
    /// The shard whose engine the current thread uses.
    pub(super) fn shard(&self) -> usize {
        self.threads.worker().unwrap_or(self.engines.shards() - 1)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    pub(super) fn is_shut_down(&self) -> bool {
        self.shut_down.load(Ordering::SeqCst)
    }
}
