//! Calls on a pool of worker threads.

use crate::fork::Threads;
use crate::sched::{Handle, Job};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The fewest stale entries that are worth looking for.
const FEW: usize = 1024;

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
        } else {
            self.handle.helping(run);
        }
    }

    fn stale(&self) {
        let stale = self.stale.fetch_add(1, Ordering::Relaxed) + 1;
        if stale >= FEW && 2 * stale >= self.handle.waiting() && self.stale.swap(0, Ordering::Relaxed) >= FEW {
            self.handle.sweep();
        }
    }
}
