//! Callbacks within callbacks.
//!
//! A callback completes futures whose callbacks complete futures …: a chain of a million must not need a stack of a
//! million frames. So below a certain depth callbacks wait in a queue for the outermost one to return.

use super::waiters::Waiter;
use crate::event::caught;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

const DEEPEST: usize = 64;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    static LATER: RefCell<VecDeque<Waiter>> = const { RefCell::new(VecDeque::new()) };
}

/// Runs `f`, which waits: what was put off must not wait for it, as it may be what `f` waits for.
pub(super) fn waiting<R>(f: impl FnOnce() -> R) -> R {
    let depth = DEPTH.replace(0);
    drain();
    let result = f();
    DEPTH.set(depth);
    result
}

/// Calls a callback: now, or, within very many callbacks, once the outermost returns.
pub(super) fn call(callback: impl FnOnce() + Send + 'static) {
    run(Waiter::Callback(Box::new(callback)));
}

/// Tells one who waits. A callback is put off within very many callbacks.
pub(super) fn run(waiter: Waiter) {
    if !matches!(waiter, Waiter::Callback(_)) {
        return tell(waiter);
    }
    let depth = DEPTH.get();
    if depth == DEEPEST {
        let mut waiter = Some(waiter);
        // A thread that ends, and has taken its queue apart already, has no other choice than to call it now.
        let _ = LATER.try_with(|later| later.borrow_mut().extend(waiter.take()));
        return waiter.map_or((), tell);
    }
    DEPTH.set(depth + 1);
    tell(waiter);
    if depth == 0 {
        drain();
    }
    DEPTH.set(depth);
}

/// Callbacks of users are caught where they are called; a waker may panic, or what a callback drops.
fn tell(waiter: Waiter) {
    if caught(|| waiter.tell()).is_none() {
        // So may the subscriber.
        caught(|| tracing::warn!("a waker panicked, or a value that a callback dropped"));
    }
}

fn drain() {
    while let Ok(Some(waiter)) = LATER.try_with(|later| later.borrow_mut().pop_front()) {
        tell(waiter);
    }
}
