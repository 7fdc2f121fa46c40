//! Detects that this process is a child, by fork(2), of the process in which something was made.
//!
//! A forked child has only the thread that forked. Work of the other threads is never done there, and a lock that one of them held
//! stays locked for ever. So whatever needs threads remembers the process in which it was made, and is not used in another. Asking
//! the kernel for the process id takes as long as a short call; reading a counter that an atfork handler increments takes a load.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;

/// The number of forks between the process in which [`Process::this`] was first called and this one.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// The process in which something was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    forks: u32,
    id: u32,
}

impl Process {
    /// The current process. Forks are counted from the first call on.
    pub(crate) fn this() -> Process {
        notice_forks();
        Process { forks: FORKS.load(Ordering::Relaxed), id: std::process::id() }
    }

    /// Whether it is the current process.
    #[inline]
    pub(crate) fn is_this(self) -> bool {
        self.forks == generation()
    }

    /// Its id.
    pub(crate) fn id(self) -> u32 {
        self.id
    }
}

/// The number of forks so far: differs from that of each ancestor.
#[inline]
pub(crate) fn generation() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

/// Whether this process is a forked child.
#[inline]
pub(crate) fn was_forked() -> bool {
    generation() != 0
}

/// How often [`patiently`] tries.
const LOOKS: usize = 1000;

/// Takes a lock that is held for short times only, and ignores poison. `made`: the [`generation`] in which it was made. None in a
/// child if it stays locked: another thread of the parent held it when the process was forked.
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

/// Polls for something that another thread does in a few steps, if that thread exists in this process.
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
        // SAFETY: the handler is a function, so it lives for ever. It only increments an atomic counter, which is
        // async-signal-safe, as the child of a process with threads requires. Registering fails where there is no memory: then
        // forks go unnoticed.
        let _ = unsafe { libc::pthread_atfork(None, None, Some(count)) };
    });
}

/// Other systems have no fork.
#[cfg(not(unix))]
fn notice_forks() {}
