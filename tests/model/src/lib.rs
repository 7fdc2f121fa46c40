//! The scheduler's sleep protocol, compiled against a model checker's primitives instead of the standard library's.
//!
//! The code under test is the scheduler's own file, not a copy.

#[cfg(test)]
mod sync {
    //! In the place of the scheduler's `sync`.
    pub(super) use loom::sync::atomic::{AtomicUsize, Ordering, fence};
    pub(super) use loom::sync::{Condvar, Mutex, MutexGuard};
}

#[cfg(test)]
#[path = "../../../host/src/sched/sleep.rs"]
#[allow(dead_code)]
mod sleep;

#[cfg(test)]
mod tests;
