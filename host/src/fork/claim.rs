//! A value that exactly one thread can take.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering};

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
        Some(unsafe { &mut *self.value.get() })
    }

    #[inline]
    pub(super) fn is_taken(&self) -> bool {
        self.taken.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::sync::atomic::AtomicUsize;
    use std::thread;

    #[test]
    fn one_of_many_threads_is_given_it() {
        for _ in 0..500 {
            let (claim, barrier, given) = (Claim::new("it".to_owned()), Barrier::new(4), AtomicUsize::new(0));
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        barrier.wait();
                        if let Some(it) = claim.take() {
                            assert_eq!(std::mem::take(it), "it");
                            given.fetch_add(1, Ordering::Relaxed);
                        }
                        assert!(claim.is_taken());
                    });
                }
            });
            assert_eq!(given.into_inner(), 1);
        }
    }

    #[test]
    fn what_nobody_asked_for_is_dropped_with_it() {
        let it = std::sync::Arc::new(());
        drop(Claim::new(it.clone()));
        assert_eq!(std::sync::Arc::strong_count(&it), 1);
    }
}
