//! What the sleep protocol takes from the standard library, in one place, so that a model checker can put its own in.

pub(super) use std::sync::atomic::{AtomicUsize, Ordering, fence};
pub(super) use std::sync::{Condvar, Mutex, MutexGuard};
