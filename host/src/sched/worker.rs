//! A worker thread: where it finds jobs, and when it sleeps.

use super::job::Job;
use super::scheduler::Shared;
use crossbeam_deque::{Steal, Worker as Deque};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// How often a worker looks for work before it sleeps: first with spinning in between, then with `yield_now`.
const SPINS: u32 = 32;
const YIELDS: u32 = 96;

/// The `spin_loop`s between the first looks: about half a microsecond. In that time, a thread that forks and waits at once has
/// claimed the call and runs it itself, which is faster than handing it over.
const PAUSE: u32 = 12;

/// The most jobs a worker takes from the injector at a time.
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

/// The current thread's number, if it is one of this scheduler's workers.
#[inline]
pub(super) fn index_in(shared: &Shared) -> Option<usize> {
    CURRENT.with_borrow(|worker| {
        worker.as_ref().filter(|worker| std::ptr::eq(&*worker.shared, shared)).map(|worker| worker.index)
    })
}

/// Queues a job: on the current thread's deque if it is one of this scheduler's workers, else in the injector.
#[inline]
pub(super) fn push(shared: &Shared, job: Job) {
    CURRENT.with_borrow(|worker| match worker {
        Some(worker) if std::ptr::eq(&*worker.shared, shared) => worker.deque.push(job),
        _ => shared.injector.push(job),
    });
}

/// Unparks the current worker from another thread, so that [`run_until`] looks at `done`. None if this is not a worker.
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
/// Whoever makes `done` true must call this worker's [`alarm`] afterwards.
pub(crate) fn run_until(done: &dyn Fn() -> bool) {
    let mut searching = false;
    while let Some(job) = next(done, &mut searching) {
        run(job);
    }
    if searching {
        with(|worker| worker.shared.sleep.end_search(|| worker.shared.has_work()));
    }
}

/// Runs a job. A job does not panic; should one do so, the worker survives it.
fn run(job: Job) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| job.run())) {
        // Dropping the payload could panic again.
        std::mem::forget(panic);
        // So may the subscriber.
        let logged = catch_unwind(|| tracing::error!("a job panicked; this is a defect of purefork"));
        logged.unwrap_or_else(std::mem::forget);
    }
}

/// Runs jobs on the current worker for as long as there are any.
pub(super) fn run_found() {
    while let Some(job) = with(Worker::find) {
        run(job);
    }
}

/// The next job to run; sleeps while there is none. None once `done`, or when the scheduler has stopped.
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

/// Borrows the current worker. Jobs run outside the borrow: they push, and may run jobs themselves.
#[inline]
fn with<R>(f: impl FnOnce(&Worker) -> R) -> R {
    CURRENT.with_borrow(|worker| match worker {
        Some(worker) => f(worker),
        None => unreachable!("only worker threads look for jobs"),
    })
}

/// Drops the current worker's newest entries, as far as other threads ran their jobs.
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
    /// The next job that still has to be run: the newest of this worker, the oldest of the injector, or a stolen one. Drops stale
    /// entries on the way.
    fn find(&self) -> Option<Job> {
        loop {
            let job = self.deque.pop().or_else(|| self.take_injected()).or_else(|| self.steal())?;
            if !job.is_stale() {
                return Some(job);
            }
        }
    }

    /// Takes a job from the injector, and a fair share of those behind it, so that the channel is asked less often. Other workers
    /// may steal from the share.
    fn take_injected(&self) -> Option<Job> {
        self.shared.injector.take(self.shared.stealers.len(), BATCH - 1, |job| self.deque.push(job))
    }

    /// Steals another worker's oldest job, trying the next worker in turn first.
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
