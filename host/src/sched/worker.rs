//! A worker thread: where it finds jobs, and when it sleeps.

use super::job::Job;
use super::scheduler::Shared;
use crossbeam_deque::{Steal, Worker as Deque};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// How often a worker looks for work before it sleeps. Between later looks it lets other threads have the processor.
const SPINS: u32 = 32;
const YIELDS: u32 = 96;

/// How long it pauses between the first looks, in `spin_loop`s: about half a microsecond. A thread that forks and waits
/// at once then runs the call itself, in less time than it takes to hand it over.
const PAUSE: u32 = 12;

/// The most jobs a worker takes from outside at a time.
const BATCH: usize = 32;

pub(super) struct Worker {
    pub(super) shared: Arc<Shared>,
    pub(super) index: usize,
    deque: Deque<Job>,
}

thread_local! {
    static CURRENT: RefCell<Option<Worker>> = const { RefCell::new(None) };
}

/// The body of a worker thread.
pub(super) fn main(shared: Arc<Shared>, index: usize, deque: Deque<Job>) {
    CURRENT.set(Some(Worker { shared, index, deque }));
    run_until(&|| false);
    CURRENT.take();
}

/// The current thread's number among its scheduler's workers, if it is one of `shared`'s.
#[inline]
pub(super) fn index_in(shared: &Shared) -> Option<usize> {
    CURRENT.with_borrow(|worker| {
        worker.as_ref().filter(|worker| std::ptr::eq(&*worker.shared, shared)).map(|worker| worker.index)
    })
}

/// Queues a job: on the current worker's own deque, or, where this is no worker of `shared`'s, from outside.
#[inline]
pub(super) fn push(shared: &Shared, job: Job) {
    CURRENT.with_borrow(|worker| match worker {
        Some(worker) if std::ptr::eq(&*worker.shared, shared) => worker.deque.push(job),
        _ => shared.outside.push(job),
    });
}

/// A handle with which another thread wakes the current worker out of [`run_until`]; none if this is no worker.
pub(crate) fn alarm() -> Option<impl FnOnce() + Send + 'static> {
    CURRENT.with_borrow(|worker| {
        worker.as_ref().map(|worker| {
            let (shared, index) = (worker.shared.clone(), worker.index);
            move || shared.sleep.unpark(index)
        })
    })
}

/// Runs jobs on the current worker until `done`, or until the scheduler has stopped.
///
/// What turns `done` has to sound this worker's [`alarm`] afterwards.
pub(crate) fn run_until(done: &dyn Fn() -> bool) {
    let mut searching = false;
    while let Some(job) = next(done, &mut searching) {
        run(job);
    }
    if searching {
        with(|worker| worker.shared.sleep.end_search(|| worker.shared.has_work()));
    }
}

/// A job does not panic; if it does all the same, its sandbox is gone and the worker lives on.
fn run(job: Job) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| job.run())) {
        // What it panicked with may panic when it is dropped.
        std::mem::forget(panic);
        tracing::error!("a job panicked; this is a defect of purefork");
    }
}

/// Runs jobs on the current worker for as long as there are any.
pub(super) fn run_found() {
    while let Some(job) = with(Worker::find) {
        run(job);
    }
}

/// The next job to run: the newest of one's own, or somebody's oldest. Sleeps where there is none.
fn next(done: &dyn Fn() -> bool, searching: &mut bool) -> Option<Job> {
    loop {
        if done() {
            return None;
        }
        if let Some(job) = with(Worker::find) {
            stop_searching(searching);
            return Some(job);
        }
        *searching = *searching || with(|worker| worker.shared.sleep.start_search());
        if *searching {
            for round in 0..SPINS + YIELDS {
                if round < SPINS {
                    (0..PAUSE).for_each(|_| std::hint::spin_loop());
                } else {
                    std::thread::yield_now();
                }
                if done() {
                    return None;
                }
                if let Some(job) = with(Worker::find) {
                    stop_searching(searching);
                    return Some(job);
                }
            }
        }
        let (shared, index) = with(|worker| (worker.shared.clone(), worker.index));
        shared.sleep.prepare(index, std::mem::take(searching));
        shared.quiet();
        if shared.has_work() || done() {
            shared.sleep.cancel(index);
            *searching = true;
            continue;
        }
        if shared.stopped.load(Ordering::SeqCst) {
            return None;
        }
        *searching = shared.sleep.park(index);
    }
}

fn stop_searching(searching: &mut bool) {
    if std::mem::take(searching) {
        with(|worker| worker.shared.sleep.end_search(|| worker.shared.has_work()));
    }
}

/// Jobs are run outside this borrow: a job pushes, and may run jobs itself.
#[inline]
fn with<R>(f: impl FnOnce(&Worker) -> R) -> R {
    CURRENT.with_borrow(|worker| match worker {
        Some(worker) => f(worker),
        None => unreachable!("only worker threads look for jobs"),
    })
}

/// Drops the current worker's newest entries of jobs that somebody else ran.
pub(super) fn drop_stale() {
    loop {
        match with(|worker| worker.deque.pop()) {
            Some(job) if job.is_stale() => drop(job),
            Some(job) => return with(|worker| worker.deque.push(job)),
            None => return,
        }
    }
}

impl Worker {
    /// The next job that still has to be run. Entries of jobs that somebody else ran are dropped on the way: a search
    /// that only found such has found nothing.
    fn find(&self) -> Option<Job> {
        loop {
            let job = self.deque.pop().or_else(|| self.inject()).or_else(|| self.steal())?;
            if !job.is_stale() {
                return Some(job);
            }
        }
    }

    /// Takes a job from outside, and a fair share of those behind it, so that the channel is asked less often. Others
    /// steal from the share if this worker has no time for it.
    fn inject(&self) -> Option<Job> {
        self.shared.outside.take(self.shared.stealers.len(), BATCH - 1, |job| self.deque.push(job))
    }

    /// Steals the oldest job of another worker, beginning with the next in turn.
    fn steal(&self) -> Option<Job> {
        let stealers = &self.shared.stealers;
        loop {
            let mut retry = false;
            for offset in 1..stealers.len() {
                match stealers[(self.index + offset) % stealers.len()].steal() {
                    Steal::Success(job) => return Some(job),
                    Steal::Retry => retry = true,
                    Steal::Empty => {}
                }
            }
            if !retry {
                return None;
            }
        }
    }
}
