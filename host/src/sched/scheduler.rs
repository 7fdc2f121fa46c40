//! The worker threads and their queues.

use super::injector::Injector;
use super::job::Job;
use super::sleep::Sleep;
use super::worker;
use crossbeam_deque::{Stealer, Worker as Deque};
use std::cell::RefCell;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

/// A pool of worker threads. Dropping it runs everything that was spawned, then joins the threads.
pub(crate) struct Scheduler {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// The state that workers and spawning threads share.
pub(super) struct Shared {
    pub(super) sleep: Sleep,
    pub(super) stealers: Box<[Stealer<Job>]>,
    pub(super) injector: Injector,
    /// Tells workers to end. Set when nothing is left to run.
    pub(super) stopped: AtomicBool,
    /// How many threads of the host are running a job.
    helpers: AtomicUsize,
    /// Signalled when a worker is about to sleep, or a helper is done: the scheduler may be quiet. `drop` waits for it.
    quiet: (Mutex<()>, Condvar),
    /// Whether `drop` waits.
    closing: AtomicBool,
}

thread_local! {
    /// The schedulers whose jobs the current thread is running as a helper, by address; more than once where runs are nested.
    static HELPING: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Spawns jobs.
#[derive(Clone)]
pub(crate) struct Handle(Arc<Shared>);

impl Scheduler {
    /// Starts `threads` workers with stacks of `stack` bytes.
    pub(crate) fn new(threads: usize, stack: usize) -> io::Result<Scheduler> {
        let deques: Vec<_> = (0..threads).map(|_| Deque::new_lifo()).collect();
        let shared = Arc::new(Shared {
            sleep: Sleep::new(threads),
            stealers: deques.iter().map(Deque::stealer).collect(),
            injector: Injector::new(),
            stopped: AtomicBool::new(false),
            helpers: AtomicUsize::new(0),
            quiet: (Mutex::new(()), Condvar::new()),
            closing: AtomicBool::new(false),
        });
        // Made before the threads: if one cannot be started, dropping it ends the others.
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
        // A job may drop the last handle: its worker, the current thread, can neither be waited for nor joined.
        let own = worker::index_in(shared);
        let idle = started - usize::from(own.is_some());
        shared.closing.store(true, Ordering::SeqCst);
        // The same holds for a helper whose job drops the last handle.
        let helping = shared.helped();
        let (lock, changed) = &shared.quiet;
        loop {
            if own.is_some() {
                worker::run_found();
            }
            let guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
            // In this order: a job that a helper spawned is seen in a queue, or the worker that took it is seen awake.
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
                // A worker catches the panics of its jobs, so its own result says nothing.
                let _ = thread.join();
            }
        }
        shared.abandon_rest();
    }
}

impl Shared {
    /// How many jobs of this scheduler the current thread is running as a helper.
    fn helped(&self) -> usize {
        HELPING.with_borrow(|helping| helping.iter().filter(|&&of| of == self.address()).count())
    }

    /// Identifies this scheduler.
    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Whether any queue holds a job.
    pub(super) fn has_work(&self) -> bool {
        !self.injector.is_empty() || self.stealers.iter().any(|stealer| !stealer.is_empty())
    }

    /// Signals that a worker is about to sleep or a helper is done, if `drop` waits.
    pub(super) fn quiet(&self) {
        if self.closing.load(Ordering::SeqCst) {
            drop(self.quiet.0.lock());
            self.quiet.1.notify_all();
        }
    }

    fn abandon_rest(&self) {
        while let Some(job) = self.injector.pop() {
            job.abandon();
        }
    }
}

impl Handle {
    /// Queues a job: on the current worker's deque, or, from any other thread, in the injector.
    #[inline]
    pub(crate) fn spawn(&self, job: Job) {
        worker::push(&self.0, job);
        self.0.sleep.notify();
        // Behind the fence in `notify`: either this thread sees `stopped`, or `drop` sees the job and abandons it.
        if self.0.stopped.load(Ordering::SeqCst) {
            self.0.abandon_rest();
        }
    }

    /// The current thread's number, if it is one of this scheduler's workers.
    #[inline]
    pub(crate) fn worker(&self) -> Option<usize> {
        worker::index_in(&self.0)
    }

    /// Runs `f`, in which a thread that is not a worker runs a job: counts the thread as a helper, so that the scheduler does not
    /// stop meanwhile.
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

    /// Whether the current thread is running a job of this scheduler as a helper.
    pub(crate) fn is_helped(&self) -> bool {
        self.0.helped() != 0
    }

    /// How many threads of the host are running a job.
    pub(crate) fn helpers(&self) -> usize {
        self.0.helpers.load(Ordering::Relaxed)
    }

    /// Drops the current worker's newest entries, as far as other threads ran their jobs: a callback that forks and waits in a loop
    /// would pile them up.
    pub(crate) fn drop_stale(&self) {
        worker::drop_stale();
    }

    /// How many jobs are in the injector.
    pub(crate) fn waiting(&self) -> usize {
        self.0.injector.len()
    }

    /// Drops entries of the injector whose jobs other threads ran.
    pub(crate) fn sweep(&self) {
        self.0.injector.sweep(Job::is_stale);
        self.0.sleep.notify();
    }
}
