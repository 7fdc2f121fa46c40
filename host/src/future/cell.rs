//! One result, pending or there, and whoever waits for it.

use crate::error::Result;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread::{self, Thread};

/// A place for one result. It is completed once.
pub(crate) struct Cell<T> {
    state: Mutex<State<T>>,
    /// Whether `state` is `Done`, for those who look often.
    done: AtomicBool,
}

enum State<T> {
    Pending(Waiters),
    Done {
        result: Result<T>,
        /// Somebody has looked at the result, so an error in it is known.
        observed: bool,
    },
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
        Cell { state: Mutex::new(State::Pending(Waiters::None)), done: AtomicBool::new(false) }
    }

    pub(crate) fn done(result: Result<T>) -> Cell<T> {
        Cell { state: Mutex::new(State::Done { result, observed: false }), done: AtomicBool::new(true) }
    }

    /// Completes the cell and then, outside the lock, tells those who wait, in the order in which they came.
    ///
    /// A cell that is complete already stays as it is, and the result is given back.
    pub(crate) fn complete(&self, result: Result<T>) -> Result<(), Result<T>> {
        let mut state = self.lock();
        if matches!(*state, State::Done { .. }) {
            return Err(result);
        }
        let before = std::mem::replace(&mut *state, State::Done { result, observed: false });
        self.done.store(true, Ordering::Release);
        drop(state);
        if let State::Pending(waiters) = before {
            waiters.tell();
        }
        Ok(())
    }

    pub(crate) fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }

    /// Whether the result is there, and a value.
    pub(crate) fn is_ok(&self) -> bool {
        matches!(*self.lock(), State::Done { result: Ok(_), .. })
    }

    /// Takes the result out, if it is there. Only for one who holds the cell alone, and lets go of it then.
    pub(crate) fn take(&self) -> Option<Result<T>> {
        match std::mem::replace(&mut *self.lock(), State::Pending(Waiters::None)) {
            State::Done { result, .. } => Some(result),
            State::Pending(_) => None,
        }
    }

    /// The result, if it is there.
    pub(crate) fn get(&self) -> Option<Result<T>>
    where
        T: Clone,
    {
        match &mut *self.lock() {
            State::Done { result, observed } => {
                *observed = true;
                Some(result.clone())
            }
            State::Pending(_) => None,
        }
    }

    /// The error nobody has looked at, if there is one.
    pub(crate) fn unobserved(&mut self) -> Option<crate::error::Error> {
        match self.state.get_mut().unwrap_or_else(PoisonError::into_inner) {
            State::Done { result: Err(error), observed: false } => Some(error.clone()),
            _ => None,
        }
    }

    /// Calls `callback` when the cell is complete: now, if it is; within very many callbacks, once the outermost returns.
    pub(crate) fn on_done(&self, callback: impl FnOnce() + Send + 'static) {
        let mut state = self.lock();
        match &mut *state {
            State::Pending(waiters) => waiters.add(Waiter::Callback(Box::new(callback))),
            State::Done { .. } => {
                drop(state);
                nested::run(Waiter::Callback(Box::new(callback)));
            }
        }
    }

    /// Has `waker` woken when the cell is complete, and returns false if it is already.
    pub(crate) fn wake(&self, waker: &Waker) -> bool {
        match &mut *self.lock() {
            State::Pending(waiters) => {
                if !waiters.iter().any(|waiter| matches!(waiter, Waiter::Waker(known) if known.will_wake(waker))) {
                    waiters.add(Waiter::Waker(waker.clone()));
                }
                true
            }
            State::Done { .. } => false,
        }
    }

    /// Has the current thread unparked when the cell is complete, and returns false if it is already.
    pub(crate) fn unpark_me(&self) -> bool {
        match &mut *self.lock() {
            State::Pending(waiters) => {
                waiters.add(Waiter::Thread(thread::current()));
                true
            }
            State::Done { .. } => false,
        }
    }

    /// Takes back [`Cell::unpark_me`].
    pub(crate) fn forget_me(&self) {
        if let State::Pending(waiters) = &mut *self.lock() {
            waiters.forget(thread::current().id());
        }
    }

    /// No code of ours or a user's runs while the lock is held, apart from `T::clone`: if that panics, the state is
    /// as it was.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
