//! What a fork is where there is no host: a call that was made at once, on the same thread.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// A call that is over, with its result or its panic.
pub struct Called<T>(Result<T, Box<dyn Any + Send>>);

impl<T> Called<T> {
    /// Calls the function.
    pub fn call(function: impl FnOnce() -> T) -> Called<T> {
        // The function is pure: nothing that it could leave half done is seen by anyone.
        Called(catch_unwind(AssertUnwindSafe(function)))
    }

    /// For a function of another module, which is not there.
    pub fn elsewhere(name: &str) -> Called<T> {
        let text = format!("`{name}` is a function of another module: it is there when purefork links that module");
        Called(Err(Box::new(text)))
    }

    /// The result, or the same panic again.
    pub fn wait(self) -> T {
        self.0.unwrap_or_else(|panic| match panic.downcast::<String>() {
            // Not `resume_unwind`: a panic that no hook reported would be a test that fails without a word.
            Ok(text) => panic!("{text}"),
            Err(panic) => resume_unwind(panic),
        })
    }

    /// The result, or the panic's message.
    pub fn try_wait(self) -> Result<T, String> {
        self.0.map_err(|panic| match panic.downcast::<String>() {
            Ok(text) => *text,
            Err(panic) => panic.downcast_ref::<&str>().map_or("panic".to_owned(), |text| (*text).to_owned()),
        })
    }
}
