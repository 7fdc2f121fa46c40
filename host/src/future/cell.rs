//! One result, pending or there, and whoever waits for it.

use super::nested;
use super::once::Once;
use super::waiters::{Place, Waiter, Waiters};
use crate::error::{Error, Result};
use crate::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::task::Waker;
use std::thread;

/// A place for one result. It is completed once.
pub(crate) struct Cell<T> {
    result: Once<Result<T>>,
    /// Somebody has looked at the result, so an error in it is known.
    observed: AtomicBool,
    /// Of the process in which it was made.
    generation: u32,
    /// Locked by whoever says that it awaits the result until it is among these.
    waiters: Mutex<Waiters>,
}

impl<T> Cell<T> {
    pub(crate) fn new() -> Cell<T> {
        Cell::of(Once::new())
    }

    pub(crate) fn done(result: Result<T>) -> Cell<T> {
        Cell::of(Once::written(result))
    }

    fn of(result: Once<Result<T>>) -> Cell<T> {
        let generation = process::generation();
        Cell { result, observed: AtomicBool::new(false), generation, waiters: Mutex::new(Waiters::None) }
    }

    /// Completes the cell and then, outside the lock, tells those who wait, in the order in which they came.
    ///
    /// A cell that is complete already stays as it is, and the result is given back.
    #[inline]
    pub(crate) fn complete(&self, result: Result<T>) -> Result<(), Result<T>> {
        if process::was_forked() && self.is_abandoned() {
            return Err(result);
        }
        if self.result.write(result)? {
            self.tell();
        }
        Ok(())
    }

    fn tell(&self) {
        // None where nobody can be told.
        let waiters = self.waiters().as_deref_mut().map(std::mem::take);
        waiters.unwrap_or_default().each(nested::run);
    }

    /// Whether a thread was about to complete it that is not in this process: it never will be.
    #[cold]
    fn is_abandoned(&self) -> bool {
        let settled = || (!self.result.is_being_written()).then_some(());
        self.generation != process::generation() && process::patiently(settled).is_none()
    }

    #[inline]
    pub(crate) fn is_done(&self) -> bool {
        self.result.is_written()
    }

    /// Whether the result is there, and a value.
    pub(crate) fn is_ok(&self) -> bool
    where
        T: Sync,
    {
        matches!(self.peek(), Some(Ok(_)))
    }

    /// The result, if it is there, for one who tells nobody of an error in it.
    pub(crate) fn peek(&self) -> Option<&Result<T>>
    where
        T: Sync,
    {
        self.result.get()
    }

    /// Takes the result out, if it is there.
    pub(crate) fn take(&mut self) -> Option<Result<T>> {
        self.result.take()
    }

    /// The result, if it is there.
    pub(crate) fn get(&self) -> Option<Result<T>>
    where
        T: Clone + Sync,
    {
        self.look().cloned()
    }

    /// The result itself, if it is there.
    #[inline]
    pub(crate) fn look(&self) -> Option<&Result<T>>
    where
        T: Sync,
    {
        let result = self.result.get()?;
        self.observed.store(true, Ordering::Relaxed);
        Some(result)
    }

    /// The same for results of which only one thread may make a copy at a time.
    pub(crate) fn get_in_turn(&self) -> Option<Result<T>>
    where
        T: Clone,
    {
        let result = if self.generation == process::generation() {
            self.result.with(Result::clone)
        } else {
            // A thread may have its turn that is not in this process.
            self.is_done().then(|| process::patiently(|| self.result.with_now(Result::clone)))?
        }?;
        self.observed.store(true, Ordering::Relaxed);
        Some(result)
    }

    /// The error nobody has looked at, if there is one.
    pub(crate) fn unobserved(&mut self) -> Option<Error> {
        match self.result.get_mut() {
            Some(Err(error)) if !*self.observed.get_mut() => Some(error.clone()),
            _ => None,
        }
    }

    /// Calls `callback` when the cell is complete: now, if it is; within very many callbacks, once the outermost returns. If it is
    /// not, gives the place where it waits.
    pub(crate) fn on_done(&self, callback: impl FnOnce() + Send + 'static) -> Option<Place> {
        self.add(Waiter::Callback(Box::new(callback))).map_err(nested::run).ok()
    }

    /// Has `waker` woken when the cell is complete, and no other that waited in `place` before; returns false if it is complete
    /// already. `place` is that of a handle.
    pub(crate) fn wake(&self, place: &mut Option<Place>, waker: &Waker) -> bool {
        if let Some(known) = *place
            && let Some(mut waiters) = self.waiters()
            && let Some(Waiter::Waker(known)) = waiters.at(known)
            && known.will_wake(waker)
        {
            // If it was complete before, the place is nobody's any more.
            return true;
        }
        let mut waiter = Waiter::Waker(waker.clone());
        if let Some(known) = *place
            && let Some(mut waiters) = self.waiters()
            && let Some(known) = waiters.at(known)
        {
            // It was there, so it will be told; what is dropped is the other one, outside the lock.
            std::mem::swap(known, &mut waiter);
            return true;
        }
        *place = self.add(waiter).ok();
        place.is_some()
    }

    /// Has the current thread unparked when the cell is complete; gives the place where it waits, or none if it is already.
    pub(crate) fn unpark_me(&self) -> Option<Place> {
        self.add(Waiter::Thread(thread::current())).ok()
    }

    /// Leaves a place: who waits there is not told.
    pub(crate) fn forget(&self, place: Place) {
        // In a child process, a thread that is not there may have the lock for ever; and nobody tells anyone.
        if self.generation == process::generation() {
            let waiter = self.waiters().and_then(|mut waiters| waiters.remove(place));
            drop(waiter);
        }
    }

    /// Has one told when the cell is complete.
    ///
    /// # Errors
    ///
    /// The one, if it is complete, or nobody can be told.
    fn add(&self, waiter: Waiter) -> Result<Place, Waiter> {
        let Some(mut waiters) = self.waiters() else { return Err(waiter) };
        // Either it is seen here that the cell is complete; or who completes it sees that somebody waits, and looks, once
        // the lock is free.
        if self.result.expect() { Ok(waiters.add(waiter)) } else { Err(waiter) }
    }

    /// No code of ours or a user's runs while the lock is held. None in a child process, if a thread that is not there has it.
    fn waiters(&self) -> Option<MutexGuard<'_, Waiters>> {
        process::lock(self.generation, &self.waiters)
    }
}
