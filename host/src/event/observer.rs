//! Who is told of events, and what an event is.

use super::call::CallEvent;
use crate::error::Error;

/// Something that happened.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// What became of a call: it was forked, started, was suspended, and so on.
    Call(CallEvent<'a>),
    /// A forked call failed and every handle on its future was dropped without anyone asking for the result.
    ///
    /// Fires when the last handle is dropped, or when the call fails after that.
    Unobserved(&'a Error),
}

/// Who is told of events.
///
/// Set for an executor with [`Builder::observer`](crate::Builder::observer), or for what one thread forks with [`observe`](super::observe).
/// A closure is one:
///
/// ```
/// use purefork::event::{CallEventKind, Event, observe};
/// use purefork::{Executor, args};
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// let exec = Executor::new()?;
/// let one = exec.load_bytes(r#"(module (func (export "one") (result i32) (i32.const 1)))"#)?;
/// let done = Arc::new(AtomicUsize::new(0));
/// let count = done.clone();
/// let observer = move |event: &Event<'_>| {
///     if let Event::Call(call) = event
///         && let CallEventKind::Done { result: Ok(_), .. } = call.kind
///     {
///         count.fetch_add(1, Ordering::Relaxed);
///     }
/// };
/// observe(observer, || one.fork("one", args![])?.wait())?;
/// assert_eq!(done.load(Ordering::Relaxed), 1);
/// # Ok::<(), purefork::Error>(())
/// ```
///
/// It is told on the thread on which the event happens, and the call goes on when it returns. What a guest forks or waits for is
/// told on the guest's stack, on which the host has 128 KiB: an observer that needs more hands the event to another
/// thread. A panic in it is caught.
pub trait Observer: Send + Sync + 'static {
    /// Something happened.
    fn event(&self, event: &Event<'_>);

    /// Whether it wants to know of [`Event::Call`]. If nobody does, calls are not followed, which makes them a little faster.
    fn observes_calls(&self) -> bool {
        true
    }
}

impl<F: Fn(&Event<'_>) + Send + Sync + 'static> Observer for F {
    fn event(&self, event: &Event<'_>) {
        self(event);
    }
}
