//! The protocols of the scheduler and of futures, compiled against a model checker's primitives instead of the standard
//! library's.
//!
//! The code under test is the host library's own files, not copies.

#[cfg(test)]
mod sync {
    //! In the place of the modules of that name.
    pub(super) use loom::cell::UnsafeCell;
    pub(super) use loom::sync::atomic::{AtomicU8, AtomicUsize, Ordering, fence};
    pub(super) use loom::sync::{Condvar, Mutex, MutexGuard};
    pub(super) use loom::thread::yield_now;
    pub(super) use std::sync::{PoisonError, TryLockError};
}

#[cfg(test)]
#[path = "../../../host/src/sched/sleep.rs"]
#[allow(dead_code)]
mod sleep;

#[cfg(test)]
#[path = "../../../host/src/future/once.rs"]
#[allow(dead_code)]
mod once;

#[cfg(test)]
#[path = "../../../host/src/fork/claim.rs"]
#[allow(dead_code)]
mod claim;

#[cfg(test)]
mod sleep_tests;

#[cfg(test)]
mod once_tests;

#[cfg(test)]
mod claim_tests;
