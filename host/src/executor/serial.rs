//! Calls on the thread that forks them, in order.

use crate::fork::Threads;
use crate::sched::Job;
use std::cell::{Cell, RefCell};

/// No threads: a fork runs before it returns.
///
/// A guest's forks are no recursion on the host's stack: the parent is set aside, and the loop that runs it runs the
/// child.
pub(super) struct Serial;

thread_local! {
    /// What is left to run on this thread, the newest at the end.
    static JOBS: RefCell<Vec<Job>> = const { RefCell::new(Vec::new()) };
    /// Whether some frame below on this thread's stack runs what is left.
    static RUNNING: Cell<bool> = const { Cell::new(false) };
}

impl Threads for Serial {
    fn spawn(&self, job: Job) {
        JOBS.with_borrow_mut(|jobs| jobs.push(job));
        if !RUNNING.get() {
            run(0, &|| false);
        }
    }

    fn worker(&self) -> Option<usize> {
        None
    }

    fn runs_jobs(&self) -> bool {
        RUNNING.get()
    }

    fn inline(&self) -> bool {
        true
    }

    fn help(&self, start: &mut dyn FnMut(), done: &dyn Fn() -> bool) {
        // In a callback: what waits below has to stay there until the callback returns.
        let below = JOBS.with_borrow(Vec::len);
        let before = RUNNING.replace(true);
        start();
        RUNNING.set(before);
        run(below, done);
    }
}

/// Runs the newest job until there are no more than `below`.
fn run(below: usize, done: &dyn Fn() -> bool) {
    struct Running(bool);
    impl Drop for Running {
        fn drop(&mut self) {
            RUNNING.set(self.0);
        }
    }
    let _running = Running(RUNNING.replace(true));
    while !done() {
        let next = JOBS.with_borrow_mut(|jobs| if jobs.len() > below { jobs.pop() } else { None });
        match next {
            Some(job) => job.run(),
            None => return,
        }
    }
}
