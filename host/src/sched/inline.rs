//! Jobs that run on the thread that spawns them.

use super::job::Job;
use std::cell::{Cell, RefCell};

thread_local! {
    /// The jobs still to run on this thread, the newest at the end.
    static JOBS: RefCell<Vec<Job>> = const { RefCell::new(Vec::new()) };
    /// Whether a call of `run_inline` on this thread's stack runs them.
    static RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// Runs a job and all that it spawns, before this returns. Called from such a job: queues it, to run once that one is suspended or
/// done.
pub(crate) fn spawn_inline(job: Job) {
    JOBS.with_borrow_mut(|jobs| jobs.push(job));
    if !RUNNING.get() {
        run_inline(&mut || {}, &|| false);
    }
}

/// Runs `start`, then the newest jobs of this thread, until `done` or until none is left.
pub(crate) fn run_inline(start: &mut dyn FnMut(), done: &dyn Fn() -> bool) {
    struct Running(bool);
    impl Drop for Running {
        fn drop(&mut self) {
            RUNNING.set(self.0);
        }
    }
    let _running = Running(RUNNING.replace(true));
    start();
    while !done() {
        let Some(job) = JOBS.with_borrow_mut(Vec::pop) else { return };
        job.run();
    }
}

/// Whether this thread is running such a job.
pub(crate) fn runs_inline() -> bool {
    RUNNING.get()
}
