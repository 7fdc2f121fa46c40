//! A value that exactly one thread can take.
//!
//! `tests/model` runs this file under a model checker.

use super::sync::{AtomicU8, Ordering, UnsafeCell};

const FREE: u8 = 0;
/// Given to somebody, for good.
const TAKEN: u8 = 1;
/// Looked at: nobody can take it meanwhile.
const LOOKED_AT: u8 = 2;
/// Kept back by whoever has looked at it.
const HELD: u8 = 3;

/// A value that exactly one thread can take.
///
/// Before, one may hold it: whoever decides what becomes of it, and until then lets nobody take it.
pub(super) struct Claim<T> {
    state: AtomicU8,
    value: UnsafeCell<T>,
}

// SAFETY: one thread is given a mutable reference to the value, once; and it may be another than made it. References that are shared
// are given out before that, to one thread at a time.
unsafe impl<T: Send> Sync for Claim<T> {}

impl<T> Claim<T> {
    pub(super) fn new(value: T) -> Claim<T> {
        Claim { state: AtomicU8::new(FREE), value: UnsafeCell::new(value) }
    }

    /// By reference: moving is slower.
    #[inline]
    #[allow(clippy::mut_from_ref)]
    pub(super) fn take(&self) -> Option<&mut T> {
        self.take_from(FREE)
    }

    /// The same of a value that is held.
    #[inline]
    #[allow(clippy::mut_from_ref)]
    pub(super) fn take_held(&self) -> Option<&mut T> {
        self.take_from(HELD)
    }

    #[inline]
    #[allow(clippy::mut_from_ref)]
    fn take_from(&self, state: u8) -> Option<&mut T> {
        if !self.change(state, TAKEN) {
            return None;
        }
        // SAFETY: nothing leaves `TAKEN`, so of all calls of this, one gets here. While somebody has a shared reference, the state
        // is `LOOKED_AT`, which this does not start from.
        Some(self.value.with_mut(|value| unsafe { &mut *value }))
    }

    /// Shows the value to `look`, unless it was taken, and holds it then.
    #[inline]
    pub(super) fn hold<R>(&self, look: impl FnOnce(&T) -> R) -> Option<R> {
        /// Also where `look` panics.
        struct Looked<'a>(&'a AtomicU8);
        impl Drop for Looked<'_> {
            #[inline]
            fn drop(&mut self) {
                self.0.store(HELD, Ordering::Release);
            }
        }
        if !self.change(FREE, LOOKED_AT) {
            return None;
        }
        let _looked = Looked(&self.state);
        // SAFETY: the state leaves `LOOKED_AT` once this is dropped, and the reference is gone by then: what `look` gives does not
        // borrow from it. Until then nobody is given another reference.
        Some(self.value.with(|value| look(unsafe { &*value })))
    }

    /// Lets others take a value that is held.
    #[inline]
    pub(super) fn let_go(&self) {
        self.change(HELD, FREE);
    }

    #[inline]
    pub(super) fn is_held(&self) -> bool {
        self.state.load(Ordering::Relaxed) == HELD
    }

    #[inline]
    pub(super) fn is_taken(&self) -> bool {
        self.state.load(Ordering::Acquire) == TAKEN
    }

    #[inline]
    fn change(&self, from: u8, to: u8) -> bool {
        self.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}
