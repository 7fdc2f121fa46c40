//! What follows on a future: `then`, `map`, `on_done`.

use super::Future;
use super::sources::Derived;
use crate::error::{Error, ErrorKind, Result};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// What an [`on_done`](Future::on_done) callback may return: nothing, or a result whose error is logged.
pub trait Report {
    /// The error's text, if there is one.
    fn error(self) -> Option<String>;
}

impl Report for () {
    fn error(self) -> Option<String> {
        None
    }
}

impl<E: std::fmt::Display> Report for Result<(), E> {
    fn error(self) -> Option<String> {
        self.err().map(|error| error.to_string())
    }
}

impl<T: Clone + Send + 'static> Future<T> {
    /// A future for what `callback` makes of this one once it is complete, be it with a value or with an error.
    ///
    /// The callback runs on the thread that completes this future, or at once on this one if it is complete. Its error,
    /// or its panic ([`ErrorKind::Panicked`]), is the new future's.
    ///
    /// It runs though the new future was dropped, and stays with this one until then: a callback may be there for what it does. To
    /// take it back, [cancel](Future::cancel) the new future before this one is complete.
    pub fn then<R: Send + 'static>(
        &self,
        callback: impl FnOnce(&Future<T>) -> Result<R> + Send + 'static,
    ) -> Future<R> {
        let child = Derived::of(self.task());
        let (parent, target) = (self.clone(), child.clone());
        child.sources.follow(self.clone(), move || {
            // False if the child was cancelled meanwhile: then nobody wants the result.
            target.finish(caught(|| callback(&parent)));
        });
        Future::from_completion(child)
    }

    /// A future for what `f` makes of this one's value. An error is passed on, and `f` not called.
    ///
    /// Nor is it if, by the time this future is complete, nobody has the new one any more: it goes with its last handle. For a
    /// callback that is there for what it does, see [`Future::then`] and [`Future::on_done`].
    pub fn map<R: Send + 'static>(&self, f: impl FnOnce(T) -> R + Send + 'static) -> Future<R> {
        let child = Derived::of(self.task());
        let (parent, target) = (self.clone(), Arc::downgrade(&child));
        child.sources.follow(self.clone(), move || {
            let Some(target) = target.upgrade() else { return };
            target.finish(caught(|| parent.value().map(f)));
        });
        Future::from_completion(child)
    }

    /// Calls `callback` once this future is complete, in the order of registration.
    ///
    /// Errors and panics of the callback go to the executor's log, not to anyone's future.
    pub fn on_done<R: Report>(&self, callback: impl FnOnce(&Future<T>) -> R + Send + 'static) {
        let parent = self.clone();
        self.when_done(move || {
            let error = match catch_unwind(AssertUnwindSafe(|| callback(&parent).error())) {
                Ok(None) => return,
                Ok(Some(message)) => Error::failed(format!("an on_done callback failed: {message}")),
                Err(panic) => panicked(panic),
            };
            tracing::warn!(kind = %error.kind().name(), "{error}");
        });
    }
}

/// What `f` gives; an error if it panics.
pub(crate) fn caught<R>(f: impl FnOnce() -> Result<R>) -> Result<R> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|panic| Err(panicked(panic)))
}

fn panicked(panic: Box<dyn Any + Send>) -> Error {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let error = Error::new(ErrorKind::Panicked, format!("a callback panicked: {}", text.unwrap_or("with no message")));
    // What it panicked with may panic when it is dropped.
    std::mem::forget(panic);
    error
}
