//! Watches deadlines: one thread interrupts calls that have run for too long.
//!
//! Only a call that runs needs a watch: one that waits ends when what it waits for does. So there is no list of
//! deadlines: each worker has a slot with the deadline of the call that it runs at the moment, and one thread sleeps
//! until the earliest of them.
//!
//! The same thread tidies up: a while after it was asked to, and again for as long as something is left. So it wakes up now and
//! then while calls run, a few times after the last one, and then no more.

use crossbeam_utils::CachePadded;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

/// No deadline.
const NEVER: u64 = u64::MAX;

/// How long after an interrupt the next one follows, if the call still runs: it may have been loading, or resetting.
const AGAIN: Duration = Duration::from_millis(1);

/// For how long interrupts are repeated after a call was given up.
const REPEATED: Duration = Duration::from_millis(200);

/// Interrupts calls when that of some worker has run for too long; and does a chore.
pub(crate) struct DeadlineWatch {
    shared: Arc<Shared>,
    thread: Thread,
    handle: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    start: Instant,
    /// The deadline of what each worker runs, in nanoseconds since `start`.
    slots: Box<[CachePadded<AtomicU64>]>,
    /// The same for threads that are no workers.
    others: Mutex<Vec<u64>>,
    /// Until when the watch means to sleep.
    target: AtomicU64,
    /// Until when interrupts are repeated, in nanoseconds since `start`.
    repeat: AtomicU64,
    stop: AtomicBool,
    interrupt: Box<dyn Fn() + Send + Sync>,
    chore: Chore,
    /// When that is done next, in nanoseconds since `start`; `NEVER` if nobody has asked.
    chore_at: AtomicU64,
}

/// What is done a while after it was asked for.
pub(crate) struct Chore {
    after: Duration,
    /// Tells whether it is to be done again, after as long.
    run: Box<dyn Fn() -> bool + Send + Sync>,
}

impl Chore {
    pub(crate) fn new(after: Duration, run: impl Fn() -> bool + Send + Sync + 'static) -> Chore {
        Chore { after, run: Box::new(run) }
    }
}

/// While it lives, a deadline is watched.
pub(crate) struct DeadlineGuard<'a> {
    shared: &'a Shared,
    worker: Option<usize>,
    deadline: u64,
    /// What the slot held before: in a callback that waits, a worker runs a call within a call.
    before: u64,
}

impl DeadlineWatch {
    /// Starts a watch for `workers` workers that calls `interrupt`, and does a chore when it is asked to.
    pub(crate) fn new(
        workers: usize,
        interrupt: impl Fn() + Send + Sync + 'static,
        chore: Chore,
    ) -> std::io::Result<DeadlineWatch> {
        let shared = Arc::new(Shared {
            start: Instant::now(),
            slots: (0..workers).map(|_| CachePadded::new(AtomicU64::new(NEVER))).collect(),
            others: Mutex::default(),
            target: AtomicU64::new(NEVER),
            repeat: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            interrupt: Box::new(interrupt),
            chore,
            chore_at: AtomicU64::new(NEVER),
        });
        let watching = shared.clone();
        let handle = thread::Builder::new().name("purefork-watch".to_owned()).spawn(move || watching.run())?;
        Ok(DeadlineWatch { shared, thread: handle.thread().clone(), handle: Mutex::new(Some(handle)) })
    }

    /// Watches a deadline for as long as the guard lives. `worker` is the current thread's number, if it is a worker.
    pub(crate) fn guard(&self, worker: Option<usize>, deadline: Instant) -> DeadlineGuard<'_> {
        let shared = &*self.shared;
        let since = deadline.saturating_duration_since(shared.start).as_nanos();
        let deadline = u64::try_from(since).unwrap_or(NEVER);
        let before = match worker {
            Some(worker) => shared.slots[worker].swap(deadline, Ordering::SeqCst),
            None => {
                shared.others().push(deadline);
                NEVER
            }
        };
        // Either the watch sees the slot before it sleeps, or it has said before until when it sleeps.
        if deadline < shared.target.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
        DeadlineGuard { shared, worker, deadline, before }
    }

    /// Repeats interrupts for a while. A call that has just looked, and has not set its next epoch deadline yet, misses a single
    /// one.
    pub(crate) fn repeat(&self) {
        let until = self.shared.now().saturating_add(REPEATED.as_nanos() as u64);
        self.shared.repeat.store(until, Ordering::SeqCst);
        self.thread.unpark();
    }

    /// Has the chore done after a while, if that is not the case already. There has to be something to do before this is
    /// called: either the chore sees it, or this sees that the chore was begun.
    #[inline]
    pub(crate) fn tidy_later(&self) {
        if self.shared.chore_at.load(Ordering::SeqCst) == NEVER {
            self.ask();
        }
    }

    #[cold]
    fn ask(&self) {
        if self.shared.ask() < self.shared.target.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
    }

    /// Ends the watch's thread.
    pub(crate) fn stop(&self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.thread.unpark();
        let handle = self.handle.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(handle) = handle {
            // The thread does not panic; if it did, there would be nothing to do about it here.
            let _ = handle.join();
        }
    }
}

impl Drop for DeadlineWatch {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Drop for DeadlineGuard<'_> {
    fn drop(&mut self) {
        match self.worker {
            Some(worker) => self.shared.slots[worker].store(self.before, Ordering::SeqCst),
            None => {
                let mut others = self.shared.others();
                if let Some(at) = others.iter().position(|&deadline| deadline == self.deadline) {
                    others.swap_remove(at);
                }
            }
        }
    }
}

impl Shared {
    fn run(&self) {
        while !self.stop.load(Ordering::SeqCst) {
            let now = self.now();
            let (passed, next) = self.look(now);
            let passed = passed || now < self.repeat.load(Ordering::SeqCst);
            if passed {
                (self.interrupt)();
            }
            self.tidy(now);
            let again = if passed { now + AGAIN.as_nanos() as u64 } else { NEVER };
            let target = next.min(again).min(self.chore_at.load(Ordering::SeqCst));
            self.target.store(target, Ordering::SeqCst);
            // What was called may have parked the thread itself, and taken a wake-up that was meant for this.
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            let (passed_since, next) = self.look(now);
            let passed_since = passed_since || now < self.repeat.load(Ordering::SeqCst);
            if next.min(self.chore_at.load(Ordering::SeqCst)) < target || (passed_since && !passed) {
                continue;
            }
            match target {
                NEVER => thread::park(),
                _ => thread::park_timeout(Duration::from_nanos(target.saturating_sub(self.now()))),
            }
        }
    }

    /// Does the chore, if it is time to.
    fn tidy(&self, now: u64) {
        if now < self.chore_at.load(Ordering::SeqCst) {
            return;
        }
        // Before it begins: what it does not see any more asks for it anew.
        self.chore_at.store(NEVER, Ordering::SeqCst);
        if (self.chore.run)() {
            self.ask();
        }
    }

    /// Has the chore done after a while, if nobody has asked before; returns when.
    fn ask(&self) -> u64 {
        let at = self.now().saturating_add(u64::try_from(self.chore.after.as_nanos()).unwrap_or(NEVER));
        match self.chore_at.compare_exchange(NEVER, at, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => at,
            Err(before) => before,
        }
    }

    /// Whether a deadline has passed, and the earliest that has not.
    fn look(&self, now: u64) -> (bool, u64) {
        let others = self.others();
        let slots = self.slots.iter().map(|slot| slot.load(Ordering::SeqCst));
        slots.chain(others.iter().copied()).fold((false, NEVER), |(passed, next), deadline| {
            if deadline <= now { (true, next) } else { (passed, next.min(deadline)) }
        })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(NEVER)
    }

    fn others(&self) -> std::sync::MutexGuard<'_, Vec<u64>> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Sender, channel};

    /// A watch whose chore, done at once, says that it was done, and is to be done again as long as there are orders to.
    fn watch(done: Sender<()>) -> (DeadlineWatch, Sender<bool>) {
        let (orders, again) = channel();
        let again = Mutex::new(again);
        let chore = Chore::new(Duration::ZERO, move || {
            done.send(()).unwrap();
            again.lock().unwrap().recv().unwrap()
        });
        (DeadlineWatch::new(1, || (), chore).unwrap(), orders)
    }

    #[test]
    fn a_chore_is_done_until_nothing_is_left_and_then_no_more_until_it_is_asked_for() {
        let (done, is_done) = channel();
        let (watch, orders) = watch(done);
        for _ in 0..3 {
            watch.tidy_later();
            for again in [true, true, false] {
                is_done.recv().unwrap();
                orders.send(again).unwrap();
            }
        }
        drop(watch);
        assert!(is_done.try_recv().is_err(), "it was done once too often");
    }

    #[test]
    fn what_is_asked_for_while_the_chore_is_done_is_done_again() {
        let (done, is_done) = channel();
        let (watch, orders) = watch(done);
        watch.tidy_later();
        is_done.recv().unwrap();
        watch.tidy_later();
        orders.send(false).unwrap();
        is_done.recv().unwrap();
        orders.send(false).unwrap();
        drop(watch);
        assert!(is_done.try_recv().is_err(), "it was done once too often");
    }

    #[test]
    fn nobody_asks_and_nothing_is_done() {
        let (done, is_done) = channel();
        let (watch, _orders) = watch(done);
        drop(watch.guard(Some(0), Instant::now()));
        drop(watch);
        assert!(is_done.try_recv().is_err());
    }
}
