//! Futures that wait for nobody.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// What a future gives that has nothing to wait for: one of a guest that runs on this thread's stack. None if it waits.
///
/// wasmtime's collector pauses between its steps, for others to have their turn, and wakes itself before it does so.
#[inline]
pub(super) fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => again(future),
    }
}

#[cold]
fn again<T>(mut future: std::pin::Pin<&mut impl Future<Output = T>>) -> Option<T> {
    struct Woken(AtomicBool);
    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    // Whoever has waked himself before has waked nobody. He does not wait a second time.
    let woken = Arc::new(Woken(AtomicBool::new(true)));
    let waker = Waker::from(woken.clone());
    while woken.0.swap(false, Ordering::Relaxed) {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(value);
        }
    }
    None
}
