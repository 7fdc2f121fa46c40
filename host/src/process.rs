//! Whether this process was forked, by fork(2), since something was made.
//!
//! Of a process's threads, its child has only the one that forked. What the others were to do is never done there, and a lock
//! that one of them held at that moment is never free again. So whatever needs threads remembers in which process it was made, and
//! is not used in another one. Asking the kernel for the process's number takes as long as a short call; a count that the C library
//! has each child raise takes a load.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;

/// How many forks lie between this process and the one in which [`Process::this`] was first called.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// The process in which something was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    forks: u32,
    id: u32,
}

impl Process {
    /// This one. From the first call on, forks are noticed.
    pub(crate) fn this() -> Process {
        notice_forks();
        Process { forks: FORKS.load(Ordering::Relaxed), id: std::process::id() }
    }

    /// Whether this is still the process.
    #[inline]
    pub(crate) fn is_this(self) -> bool {
        self.forks == generation()
    }

    /// Its number.
    pub(crate) fn id(self) -> u32 {
        self.id
    }
}

/// A number that differs from that of each process that this one was forked from.
#[inline]
pub(crate) fn generation() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

/// Whether this process is such a child.
#[inline]
pub(crate) fn was_forked() -> bool {
    generation() != 0
}

/// How often a child looks for what a thread may have been about to do that it does not have.
const LOOKS: usize = 1000;

/// Takes a lock that is held for a few steps at a time, and that is no lock any more once one has panicked; `made`: of which
/// [`generation`] it is. None in a child if it is not to be had: a thread of the parent's had it at the moment of the fork.
#[inline]
pub(crate) fn lock<T>(made: u32, mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    if made == generation() {
        return Some(mutex.lock().unwrap_or_else(PoisonError::into_inner));
    }
    patiently(|| match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(guard)) => Some(guard.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    })
}

/// Looks for something that takes a few steps if the thread that has to do them is there at all.
#[cold]
pub(crate) fn patiently<R>(look: impl Fn() -> Option<R>) -> Option<R> {
    (0..LOOKS).find_map(|_| {
        let found = look();
        if found.is_none() {
            thread::yield_now();
        }
        found
    })
}

#[cfg(unix)]
fn notice_forks() {
    use std::sync::OnceLock;

    static NOTICED: OnceLock<()> = OnceLock::new();

    extern "C" fn count() {
        FORKS.fetch_add(1, Ordering::Relaxed);
    }

    NOTICED.get_or_init(|| {
        // SAFETY: the handler is a function, and so there for ever; all that it does is one step of an atomic counter, which a
        // child of a process with threads may do, like in a signal handler. It fails where there is no memory for an entry: then
        // forks go unnoticed.
        let _ = unsafe { libc::pthread_atfork(None, None, Some(count)) };
    });
}

/// Elsewhere there is no fork.
#[cfg(not(unix))]
fn notice_forks() {}
