//! Panics of those who are told.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What `f` gives, unless it panics.
///
/// Each call of what may panic is caught by itself: within what unwinds, a second panic would end the process.
pub(crate) fn caught<R>(f: impl FnOnce() -> R) -> Option<R> {
    // What it panicked with may panic when it is dropped.
    catch_unwind(AssertUnwindSafe(f)).map_err(std::mem::forget).ok()
}
