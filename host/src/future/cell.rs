//! One result, pending or there, and whoever waits for it.

use super::once::Once;
use crate::error::{Error, Result};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread::{self, Thread};

/// A place for one result. It is completed once.
pub(crate) struct Cell<T> {
    result: Once<Result<T>>,
    /// Somebody has looked at the result, so an error in it is known.
    observed: AtomicBool,
    /// Locked by whoever says that it awaits the result until it is among these.
    waiters: Mutex<Waiters>,
}

/// Most futures have one who waits, or none.
enum Waiters {
    None,
    One(Waiter),
    Many(Vec<Waiter>),
}

enum Waiter {
    Thread(Thread),
    Waker(Waker),
    Callback(Box<dyn FnOnce() + Send>),
}

impl<T> Cell<T> {
    pub(crate) fn new() -> Cell<T> {
        Cell::of(Once::new())
    }

    pub(crate) fn done(result: Result<T>) -> Cell<T> {
        Cell::of(Once::written(result))
    }

    fn of(result: Once<Result<T>>) -> Cell<T> {
        Cell { result, observed: AtomicBool::new(false), waiters: Mutex::new(Waiters::None) }
    }

    /// Completes the cell and then, outside the lock, tells those who wait, in the order in which they came.
    ///
    /// A cell that is complete already stays as it is, and the result is given back.
    #[inline]
    pub(crate) fn complete(&self, result: Result<T>) -> Result<(), Result<T>> {
        if self.result.write(result)? {
            self.tell();
        }
        Ok(())
    }

    fn tell(&self) {
        let waiters = std::mem::replace(&mut *self.waiters(), Waiters::None);
        waiters.tell();
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
        matches!(self.result.get(), Some(Ok(_)))
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
        let result = self.result.with(Result::clone)?;
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

    /// Calls `callback` when the cell is complete: now, if it is; within very many callbacks, once the outermost returns.
    pub(crate) fn on_done(&self, callback: impl FnOnce() + Send + 'static) {
        if let Err(waiter) = self.add(Waiter::Callback(Box::new(callback))) {
            nested::run(waiter);
        }
    }

    /// Has `waker` woken when the cell is complete, and returns false if it is already.
    pub(crate) fn wake(&self, waker: &Waker) -> bool {
        let known = |known: &Waiter| matches!(known, Waiter::Waker(known) if known.will_wake(waker));
        let is_known = self.waiters().iter().any(known);
        if is_known { !self.is_done() } else { self.add(Waiter::Waker(waker.clone())).is_ok() }
    }

    /// Has the current thread unparked when the cell is complete, and returns false if it is already.
    pub(crate) fn unpark_me(&self) -> bool {
        self.add(Waiter::Thread(thread::current())).is_ok()
    }

    /// Takes back [`Cell::unpark_me`].
    pub(crate) fn forget_me(&self) {
        self.waiters().forget(thread::current().id());
    }

    /// Has one told when the cell is complete.
    ///
    /// # Errors
    ///
    /// The one, if it is complete.
    fn add(&self, waiter: Waiter) -> Result<(), Waiter> {
        let mut waiters = self.waiters();
        // Either it is seen here that the cell is complete; or who completes it sees that somebody waits, and looks, once
        // the lock is free.
        if self.result.expect() {
            waiters.add(waiter);
            Ok(())
        } else {
            Err(waiter)
        }
    }

    /// No code of ours or a user's runs while the lock is held.
    fn waiters(&self) -> MutexGuard<'_, Waiters> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiters {
    fn add(&mut self, waiter: Waiter) {
        *self = match std::mem::replace(self, Waiters::None) {
            Waiters::None => Waiters::One(waiter),
            Waiters::One(first) => Waiters::Many(vec![first, waiter]),
            Waiters::Many(mut waiters) => {
                waiters.push(waiter);
                Waiters::Many(waiters)
            }
        };
    }

    fn iter(&self) -> std::slice::Iter<'_, Waiter> {
        match self {
            Waiters::None => [].iter(),
            Waiters::One(waiter) => std::slice::from_ref(waiter).iter(),
            Waiters::Many(waiters) => waiters.iter(),
        }
    }

    fn forget(&mut self, thread: thread::ThreadId) {
        let is_it = |waiter: &Waiter| matches!(waiter, Waiter::Thread(known) if known.id() == thread);
        match self {
            Waiters::One(waiter) if is_it(waiter) => *self = Waiters::None,
            Waiters::Many(waiters) => {
                if let Some(at) = waiters.iter().position(is_it) {
                    waiters.remove(at);
                }
            }
            _ => {}
        }
    }

    fn tell(self) {
        match self {
            Waiters::None => {}
            Waiters::One(waiter) => nested::run(waiter),
            Waiters::Many(waiters) => waiters.into_iter().for_each(nested::run),
        }
    }
}

impl Waiter {
    fn tell(self) {
        match self {
            Waiter::Thread(thread) => thread.unpark(),
            Waiter::Waker(waker) => waker.wake(),
            Waiter::Callback(callback) => callback(),
        }
    }
}

/// A callback completes futures whose callbacks complete futures …: a chain of a million must not need a stack of a
/// million frames. So below a certain depth callbacks wait in a queue for the outermost one to return.
pub(super) mod nested {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    const DEEPEST: usize = 64;

    thread_local! {
        static DEPTH: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
        static LATER: RefCell<VecDeque<Waiter>> = const { RefCell::new(VecDeque::new()) };
    }

    /// Runs `f`, which waits: what was put off must not wait for it, as it may be what `f` waits for.
    pub(crate) fn waiting<R>(f: impl FnOnce() -> R) -> R {
        let depth = DEPTH.replace(0);
        drain();
        let result = f();
        DEPTH.set(depth);
        result
    }

    /// Callbacks of users are caught where they are called; a waker may panic, or what a callback drops.
    fn tell(waiter: Waiter) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| waiter.tell())) {
            // What it panicked with may panic when it is dropped.
            std::mem::forget(panic);
            tracing::warn!("a waker panicked, or a value that a callback dropped");
        }
    }

    fn drain() {
        while let Some(waiter) = LATER.with_borrow_mut(VecDeque::pop_front) {
            tell(waiter);
        }
    }

    /// Calls a callback: now, or, within very many callbacks, once the outermost returns.
    pub(crate) fn call(callback: impl FnOnce() + Send + 'static) {
        run(Waiter::Callback(Box::new(callback)));
    }

    pub(super) fn run(waiter: Waiter) {
        if !matches!(waiter, Waiter::Callback(_)) {
            return tell(waiter);
        }
        let depth = DEPTH.get();
        if depth == DEEPEST {
            return LATER.with_borrow_mut(|later| later.push_back(waiter));
        }
        DEPTH.set(depth + 1);
        tell(waiter);
        if depth == 0 {
            drain();
        }
        DEPTH.set(depth);
    }
}
