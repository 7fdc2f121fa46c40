//! How workers park and are unparked without losing a wake-up. The protocol is in `README.md`.

use super::sync::{AtomicUsize, Condvar, Mutex, MutexGuard, Ordering, fence};

/// Who sleeps, and how many look for work.
pub(crate) struct Sleep {
    /// How many workers look for work, or were woken to look. A push that sees this above zero need not wake anyone: a searcher
    /// looks at every queue once more after it is no longer counted here.
    searching: AtomicUsize,
    /// The length of `sleepers`, to be read without the lock.
    sleeping: AtomicUsize,
    /// The workers that sleep or are about to, the last to fall asleep at the end.
    sleepers: Mutex<Vec<usize>>,
    /// One for each worker.
    parkers: Box<[Parker]>,
}

impl Sleep {
    pub(crate) fn new(workers: usize) -> Sleep {
        Sleep {
            searching: AtomicUsize::new(0),
            sleeping: AtomicUsize::new(0),
            sleepers: Mutex::new(Vec::with_capacity(workers)),
            parkers: (0..workers).map(|_| Parker::new()).collect(),
        }
    }

    /// Called after each push: wakes a worker unless one is already searching.
    #[inline]
    pub(crate) fn notify(&self) {
        // Orders the push before the two loads, for every thread: see README.md, "push".
        fence(Ordering::SeqCst);
        if self.searching.load(Ordering::SeqCst) == 0 && self.sleeping.load(Ordering::SeqCst) != 0 {
            self.wake_one();
        }
    }

    /// Starts a search, if fewer than half of the workers are searching: more would only contend.
    pub(crate) fn start_search(&self) -> bool {
        if 2 * self.searching.load(Ordering::SeqCst) >= self.parkers.len() {
            return false;
        }
        self.searching.fetch_add(1, Ordering::SeqCst);
        true
    }

    /// Ends a search that found a job. `more`: whether a queue still holds one.
    pub(crate) fn end_search(&self, more: impl FnOnce() -> bool) {
        if self.searching.fetch_sub(1, Ordering::SeqCst) == 1 {
            fence(Ordering::SeqCst);
            if more() {
                self.wake_one();
            }
        }
    }

    /// Announces that `worker` is about to sleep. It has to look at every queue after this, and then call
    /// [`Sleep::park`] if they are empty, [`Sleep::cancel`] if not.
    pub(crate) fn prepare(&self, worker: usize, searching: bool) {
        let mut sleepers = lock(&self.sleepers);
        sleepers.push(worker);
        self.sleeping.store(sleepers.len(), Ordering::SeqCst);
        drop(sleepers);
        if searching {
            self.searching.fetch_sub(1, Ordering::SeqCst);
        }
        fence(Ordering::SeqCst);
    }

    /// Sleeps until woken. Returns whether the worker is now counted as searching: it is if it was woken for a job, and not if by
    /// [`Sleep::unpark`].
    pub(crate) fn park(&self, worker: usize) -> bool {
        self.parkers[worker].park();
        !self.leave(worker)
    }

    /// Takes back [`Sleep::prepare`], and counts the worker as searching: threads that pushed while it was about to sleep may have
    /// woken nobody, so it must look for more than one job.
    pub(crate) fn cancel(&self, worker: usize) {
        // If it is no longer a sleeper, its waker has counted it.
        if self.leave(worker) {
            self.searching.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Takes a worker out of the sleepers, and returns whether it was one.
    fn leave(&self, worker: usize) -> bool {
        let mut sleepers = lock(&self.sleepers);
        let Some(at) = sleepers.iter().position(|&sleeper| sleeper == worker) else {
            return false;
        };
        sleepers.remove(at);
        self.sleeping.store(sleepers.len(), Ordering::SeqCst);
        true
    }

    /// Wakes `worker` for another reason than a job. If it does not sleep, its next sleep ends at once.
    pub(crate) fn unpark(&self, worker: usize) {
        self.parkers[worker].unpark();
    }

    /// Wakes every worker.
    pub(crate) fn unpark_all(&self) {
        for parker in &self.parkers {
            parker.unpark();
        }
    }

    /// How many workers sleep or are about to.
    pub(crate) fn sleeping(&self) -> usize {
        self.sleeping.load(Ordering::SeqCst)
    }

    #[cold]
    fn wake_one(&self) {
        let mut sleepers = lock(&self.sleepers);
        // Another thread may have woken one since. That worker looks at the queues after this point, and so sees the caller's job.
        fence(Ordering::SeqCst);
        if self.searching.load(Ordering::SeqCst) != 0 {
            return;
        }
        if let Some(worker) = sleepers.pop() {
            self.sleeping.store(sleepers.len(), Ordering::SeqCst);
            // Counted here and not by itself: until it runs, nobody else needs to be woken.
            self.searching.fetch_add(1, Ordering::SeqCst);
            drop(sleepers);
            self.parkers[worker].unpark();
        }
    }
}

/// Parks one thread: a token that `unpark` sets and `park` takes.
struct Parker {
    token: Mutex<bool>,
    changed: Condvar,
}

impl Parker {
    fn new() -> Parker {
        Parker { token: Mutex::new(false), changed: Condvar::new() }
    }

    fn park(&self) {
        let mut token = lock(&self.token);
        while !*token {
            token = self.changed.wait(token).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        *token = false;
    }

    fn unpark(&self) {
        *lock(&self.token) = true;
        self.changed.notify_one();
    }
}

/// Ignores poison: nothing in this file panics while it holds a lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
