//! A value that exactly one thread can take.
//!
//! `tests/model` runs this file under a model checker.

use super::sync::{AtomicBool, Ordering, UnsafeCell};

/// A value that exactly one thread can take.
pub(super) struct Claim<T> {
    taken: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: one thread is given a reference to the value, once; and it may be another than made it.
unsafe impl<T: Send> Sync for Claim<T> {}

impl<T> Claim<T> {
    pub(super) fn new(value: T) -> Claim<T> {
        Claim { taken: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// By reference: moving is slower.
    #[inline]
    #[allow(clippy::mut_from_ref)]
    pub(super) fn take(&self) -> Option<&mut T> {
        if self.taken.swap(true, Ordering::AcqRel) {
            return None;
        }
        // SAFETY: of all calls of this, one gets here, and nothing else gives out a reference.
        Some(self.value.with_mut(|value| unsafe { &mut *value }))
    }

    #[inline]
    pub(super) fn is_taken(&self) -> bool {
        self.taken.load(Ordering::Acquire)
    }
}
