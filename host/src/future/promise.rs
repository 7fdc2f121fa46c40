//! A future that the host's own code completes.

use super::{Cell, Completion, Future};
use crate::error::{Error, ErrorKind, Result};
use std::sync::Arc;

/// A cell with nothing behind it: somebody completes it, or it is cancelled.
pub(super) struct Plain<T>(pub(super) Cell<T>);

impl<T: Send> Completion<T> for Plain<T> {
    fn cell(&self) -> &Cell<T> {
        &self.0
    }

    fn cell_mut(&mut self) -> &mut Cell<T> {
        &mut self.0
    }

    fn cancel(&self) -> bool {
        self.0.complete(Err(cancelled())).is_ok()
    }
}

impl<T: Send + 'static> Future<T> {
    /// A future that has failed.
    pub(crate) fn failed(error: Error) -> Future<T> {
        Future::from_completion(Arc::new(Plain(Cell::done(Err(error)))))
    }
}

pub(crate) fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "the future was cancelled")
}

/// The writing half of a future: with it, work of the host's joins a graph of forks.
pub struct Promise<T: Send + 'static>(Arc<Plain<T>>);

/// A promise and its future.
///
/// ```
/// let (promise, future) = purefork::promise();
/// assert!(!future.done());
/// promise.set(42)?;
/// assert_eq!(future.wait()?, 42);
/// # Ok::<(), purefork::Error>(())
/// ```
pub fn promise<T: Send + 'static>() -> (Promise<T>, Future<T>) {
    let plain = Arc::new(Plain(Cell::new()));
    (Promise(plain.clone()), Future::from_completion(plain))
}

impl<T: Send + 'static> Promise<T> {
    /// Completes the future with a value.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyCompleted`] if it is complete, be it by this promise or because it was cancelled.
    pub fn set(&self, value: T) -> Result<()> {
        self.complete(Ok(value))
    }

    /// Completes the future with an error.
    ///
    /// # Errors
    ///
    /// As [`Promise::set`].
    pub fn fail(&self, error: Error) -> Result<()> {
        self.complete(Err(error))
    }

    fn complete(&self, result: Result<T>) -> Result<()> {
        self.0.0.complete(result).map_err(|_| {
            Error::new(ErrorKind::AlreadyCompleted, "a future can only be completed once, and this one is complete")
        })
    }
}

impl<T: Send + 'static> Drop for Promise<T> {
    fn drop(&mut self) {
        // Does nothing to a future that is complete.
        let _ = self
            .0
            .0
            .complete(Err(Error::new(ErrorKind::BrokenPromise, "the promise was dropped before it was completed")));
    }
}
