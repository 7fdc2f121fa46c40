//! The worker threads and their queues.

use super::inject::Injector;
use super::job::Job;
use super::sleep::Sleep;
use super::worker;
use crossbeam_deque::{Stealer, Worker as Deque};
use std::cell::RefCell;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

/// A pool of worker threads. Dropping it runs everything that was spawned to its end, then joins the threads.
pub(crate) struct Scheduler {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// What workers and those who spawn have in common.
pub(super) struct Shared {
    pub(super) sleep: Sleep,
    pub(super) stealers: Box<[Stealer<Job>]>,
    pub(super) outside: Injector,
    /// Workers are to end. Set once nothing is left to run.
    pub(super) stopped: AtomicBool,
    /// Threads of the host that run a job at the moment.
    helpers: AtomicUsize,
    /// Signalled when a worker falls asleep or a helper has finished, for whoever waits for quiet.
    quiet: (Mutex<()>, Condvar),
    closing: AtomicBool,
}

thread_local! {
    /// The schedulers for which the current thread, which is none of their workers, runs jobs at the moment.
    static HELPING: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// With this, jobs are spawned.
#[derive(Clone)]
pub(crate) struct Handle(Arc<Shared>);

impl Scheduler {
    /// Starts `threads` workers with stacks of `stack` bytes.
    pub(crate) fn new(threads: usize, stack: usize) -> io::Result<Scheduler> {
        let deques: Vec<_> = (0..threads).map(|_| Deque::new_lifo()).collect();
        let shared = Arc::new(Shared {
            sleep: Sleep::new(threads),
            stealers: deques.iter().map(Deque::stealer).collect(),
            outside: Injector::new(),
            stopped: AtomicBool::new(false),
            helpers: AtomicUsize::new(0),
            quiet: (Mutex::new(()), Condvar::new()),
            closing: AtomicBool::new(false),
        });
        // Made before the threads: if one cannot be started, dropping it ends those that were.
        let mut scheduler = Scheduler { shared: shared.clone(), threads: Vec::with_capacity(threads) };
        for (index, deque) in deques.into_iter().enumerate() {
            let shared = shared.clone();
            let thread = Builder::new()
                .name(format!("purefork-{index}"))
                .stack_size(stack)
                .spawn(move || worker::main(shared, index, deque))?;
            scheduler.threads.push(thread);
        }
        Ok(scheduler)
    }

    pub(crate) fn handle(&self) -> Handle {
        Handle(self.shared.clone())
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        let shared = &self.shared;
        let started = self.threads.len();
        // The last handle may be dropped by a job: its worker can neither be waited for nor joined.
        let own = worker::index_in(shared);
        let idle = started - usize::from(own.is_some());
        shared.closing.store(true, Ordering::SeqCst);
        // Neither can a thread that runs a job for a wait, if a callback in it drops the handle.
        let helping = shared.helped();
        let (lock, changed) = &shared.quiet;
        loop {
            if own.is_some() {
                worker::run_found();
            }
            let guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
            // In this order: what a helper spawned is seen in a queue, and who took it from there is seen awake.
            if shared.helpers.load(Ordering::SeqCst) <= helping && !shared.has_work() && shared.sleep.sleeping() >= idle
            {
                break;
            }
            drop(changed.wait(guard).unwrap_or_else(PoisonError::into_inner));
        }
        shared.stopped.store(true, Ordering::SeqCst);
        shared.sleep.unpark_all();
        for (index, thread) in self.threads.drain(..).enumerate() {
            if Some(index) != own {
                // A worker catches what its jobs panic with; there is nothing to learn from its end.
                let _ = thread.join();
            }
        }
        shared.abandon_rest();
    }
}

impl Shared {
    /// How many jobs of this scheduler the current thread, which is no worker, is in the midst of.
    fn helped(&self) -> usize {
        HELPING.with_borrow(|helping| helping.iter().filter(|&&of| of == self.address()).count())
    }

    /// Tells this scheduler from others.
    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Whether any queue holds a job.
    pub(super) fn has_work(&self) -> bool {
        !self.outside.is_empty() || self.stealers.iter().any(|stealer| !stealer.is_empty())
    }

    /// Says that a worker is about to sleep, or a helper done, if somebody waits to hear it.
    pub(super) fn quiet(&self) {
        if self.closing.load(Ordering::SeqCst) {
            drop(self.quiet.0.lock());
            self.quiet.1.notify_all();
        }
    }

    fn abandon_rest(&self) {
        while let Some(job) = self.outside.pop() {
            job.abandon();
        }
    }
}

impl Handle {
    /// Queues a job: on the current worker's own deque, or, from any other thread, in the channel.
    #[inline]
    pub(crate) fn spawn(&self, job: Job) {
        worker::push(&self.0, job);
        self.0.sleep.notify();
        // Behind the fence in `notify`: either this is seen here, or the job by who abandons what is left.
        if self.0.stopped.load(Ordering::SeqCst) {
            self.0.abandon_rest();
        }
    }

    /// The current thread's number, if it is one of this scheduler's workers.
    #[inline]
    pub(crate) fn worker(&self) -> Option<usize> {
        worker::index_in(&self.0)
    }

    /// Runs `f`, which runs a job on a thread that is no worker, so that the scheduler does not stop meanwhile.
    pub(crate) fn helping<R>(&self, f: impl FnOnce() -> R) -> R {
        struct Done<'a>(&'a Shared);
        impl Drop for Done<'_> {
            fn drop(&mut self) {
                HELPING.with_borrow_mut(Vec::pop);
                self.0.helpers.fetch_sub(1, Ordering::SeqCst);
                self.0.quiet();
            }
        }
        self.0.helpers.fetch_add(1, Ordering::SeqCst);
        HELPING.with_borrow_mut(|helping| helping.push(self.0.address()));
        let _done = Done(&self.0);
        f()
    }

    /// Whether the current thread, which is no worker, is in the midst of a job of this scheduler.
    pub(crate) fn is_helped(&self) -> bool {
        self.0.helped() != 0
    }

    /// How many threads of the host run a job at the moment.
    pub(crate) fn helpers(&self) -> usize {
        self.0.helpers.load(Ordering::Relaxed)
    }

    /// Drops the current worker's newest entries, if their jobs were run by somebody else: a callback that forks and
    /// waits over and over would pile them up.
    pub(crate) fn drop_stale(&self) {
        worker::drop_stale();
    }

    /// How many jobs from outside nobody has taken yet.
    pub(crate) fn waiting(&self) -> usize {
        self.0.outside.len()
    }

    /// Drops entries of jobs from outside that were run by somebody else.
    pub(crate) fn sweep(&self) {
        self.0.outside.sweep(Job::is_stale);
        self.0.sleep.notify();
    }
}
