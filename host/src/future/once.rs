//! A place that is written to once.
//!
//! A fork and its wait meet here, and every lock that they take is time of each call. So writing takes two atomic steps, and
//! reading one: whoever writes learns in the second whether somebody waits for it. The standard library's `OnceLock` tells
//! nobody, and would take a third.
//!
//! `tests/model` runs this file under a model checker.

use super::sync::{AtomicU8, Mutex, MutexGuard, Ordering, PoisonError, TryLockError, UnsafeCell, yield_now};

/// Somebody writes, or has written.
const TAKEN: u8 = 1;
/// The value is there.
const WRITTEN: u8 = 2;
/// Somebody wants to be told when it is.
const AWAITED: u8 = 4;

/// A place that is written to once.
pub(super) struct Once<T> {
    state: AtomicU8,
    /// Some once `state` is `WRITTEN`, and written to by no one then.
    value: UnsafeCell<Option<T>>,
    /// Held by those who read a value that cannot be shared.
    turn: Mutex<()>,
}

// SAFETY: a reference to the value is given to one thread at a time, or `T` is `Sync`; and whoever writes it gives it away.
unsafe impl<T: Send> Sync for Once<T> {}

impl<T> Once<T> {
    /// With nothing in it.
    pub(super) fn new() -> Once<T> {
        Once { state: AtomicU8::new(0), value: UnsafeCell::new(None), turn: Mutex::new(()) }
    }

    /// With a value from the beginning.
    pub(super) fn written(value: T) -> Once<T> {
        Once { state: AtomicU8::new(TAKEN | WRITTEN), value: UnsafeCell::new(Some(value)), turn: Mutex::new(()) }
    }

    /// Writes the value, and returns whether somebody awaits it.
    ///
    /// # Errors
    ///
    /// The value, if there is another; that is there to be read then.
    #[inline]
    pub(super) fn write(&self, value: T) -> Result<bool, T> {
        if self.state.fetch_or(TAKEN, Ordering::Relaxed) & TAKEN != 0 {
            while !self.is_written() {
                yield_now();
            }
            return Err(value);
        }
        // SAFETY: only one thread gets here, and none reads before the next step.
        self.value.with_mut(|place| unsafe { *place = Some(value) });
        // Who says from now on that it awaits the value is told that it is there.
        Ok(self.state.swap(TAKEN | WRITTEN, Ordering::AcqRel) & AWAITED != 0)
    }

    /// Whether the value is there.
    #[inline]
    pub(super) fn is_written(&self) -> bool {
        self.state.load(Ordering::Acquire) & WRITTEN != 0
    }

    /// Whether somebody is about to write the value.
    pub(super) fn is_being_written(&self) -> bool {
        self.state.load(Ordering::Acquire) & (TAKEN | WRITTEN) == TAKEN
    }

    /// Says that somebody wants to be told when the value is there; false if it is.
    pub(super) fn expect(&self) -> bool {
        self.state.fetch_or(AWAITED, Ordering::AcqRel) & WRITTEN == 0
    }

    /// The value, if it is there.
    #[inline]
    pub(super) fn get(&self) -> Option<&T>
    where
        T: Sync,
    {
        if !self.is_written() {
            return None;
        }
        // SAFETY: nobody writes any more as long as `self` is borrowed, and many may read.
        self.value.with(|place| unsafe { (*place).as_ref() })
    }

    /// What `read` makes of the value, if it is there. One thread reads at a time.
    pub(super) fn with<R>(&self, read: impl FnOnce(&T) -> R) -> Option<R> {
        if !self.is_written() {
            return None;
        }
        self.read(&self.turn.lock().unwrap_or_else(PoisonError::into_inner), read)
    }

    /// The same, unless another thread reads.
    pub(super) fn with_now<R>(&self, read: impl FnOnce(&T) -> R) -> Option<R> {
        if !self.is_written() {
            return None;
        }
        match self.turn.try_lock() {
            Ok(turn) => self.read(&turn, read),
            Err(TryLockError::Poisoned(turn)) => self.read(&turn.into_inner(), read),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// What `read` makes of the value, which is there. Whoever calls this has the turn.
    fn read<R>(&self, _turn: &MutexGuard<'_, ()>, read: impl FnOnce(&T) -> R) -> Option<R> {
        // SAFETY: nobody writes any more as long as `self` is borrowed. If `T` is not `Sync`, whoever else reads waits for its
        // turn; and the reference ends here.
        self.value.with(|place| unsafe { (*place).as_ref() }).map(read)
    }

    /// Takes the value out, if it is there.
    pub(super) fn take(&mut self) -> Option<T> {
        // SAFETY: nobody else has `self`.
        self.value.with_mut(|place| unsafe { (*place).take() })
    }

    /// The value, if it is there, for one who has the place alone.
    pub(super) fn get_mut(&mut self) -> Option<&mut T> {
        // SAFETY: nobody else has `self`, and it is borrowed for as long as the value is.
        self.value.with_mut(|place| unsafe { (*place).as_mut() })
    }
}
