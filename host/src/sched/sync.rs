//! What the sleep protocol uses of the standard library, in one place, so that a model checker can replace it.

pub(super) use std::sync::atomic::{AtomicUsize, Ordering, fence};
pub(super) use std::sync::{Condvar, Mutex, MutexGuard};
