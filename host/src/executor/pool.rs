//! Calls on a pool of worker threads.

use crate::fork::Threads;
use crate::sched::{Handle, Job};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The fewest stale entries that are worth looking for.
const FEW: usize = 1024;

/// The most threads of the host that run what they wait for at a time: they share the sandboxes of one shard.
const HELPERS: usize = 64;

pub(super) struct Pool {
    handle: Handle,
    /// About how many entries of the channel are of calls that were run by those who waited for them. A host that forks
    /// and waits while every worker is busy would otherwise fill the channel.
    stale: AtomicUsize,
}

impl Pool {
    pub(super) fn new(handle: Handle) -> Pool {
        Pool { handle, stale: AtomicUsize::new(0) }
    }
}

impl Threads for Pool {
    fn spawn(&self, job: Job) {
        self.handle.spawn(job);
    }

    fn worker(&self) -> Option<usize> {
        self.handle.worker()
    }

    fn runs_jobs(&self) -> bool {
        self.handle.worker().is_some() || self.handle.is_helped()
    }

    fn inline(&self) -> bool {
        false
    }

    fn help(&self, run: &mut dyn FnMut(), _done: &dyn Fn() -> bool) {
        if self.handle.worker().is_some() {
            run();
            self.handle.drop_stale();
        } else {
            self.handle.helping(run);
        }
    }

    fn may_help(&self) -> bool {
        self.handle.helpers() < HELPERS
    }

    fn stale(&self) {
        let stale = self.stale.fetch_add(1, Ordering::Relaxed) + 1;
        if stale >= FEW && 2 * stale >= self.handle.waiting() && self.stale.swap(0, Ordering::Relaxed) >= FEW {
            self.handle.sweep();
        }
    }
}
