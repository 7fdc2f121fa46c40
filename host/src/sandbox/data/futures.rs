//! The futures that a guest's call has made.

use crate::error::Result;
use crate::limits::Usage;
use crate::value::{Value, Values};
use crate::wasi::Output;
use std::sync::Arc;
use std::task::{Poll, Waker};

/// The futures that a guest's call has made, by number: 1, 2, 3 … in the order of forking. `link` is which of the guest's
/// imports is used.
///
/// Where a number is none that this call has forked by that link and not dropped, the error is a trap.
pub(crate) trait Futures: Send {
    /// Forks; returns the future's number.
    ///
    /// # Errors
    ///
    /// For a call that has forked as often as it may. What is wrong with the child is seen where that is waited for.
    fn fork(&mut self, link: u32, args: Values) -> Result<i32>;

    /// Whether somebody observes the call: then [`Futures::at`] is told how far it has come before each fork and wait.
    fn observed(&self) -> bool;

    /// The call has this much fuel left.
    fn at(&mut self, fuel: u64);

    /// The call begins to wait for a future.
    fn waits(&self, number: i32);

    /// Fails where the call has no such future.
    fn check(&self, link: u32, number: i32) -> Result<()>;

    /// Whether the future is complete; if not, `waker` is woken once it is.
    fn poll_wait(&mut self, link: u32, number: i32, waker: &Waker) -> Poll<Result<()>>;

    /// What the call behind a complete future has written by way of WASI, the first time it is waited for.
    fn written(&self, number: i32) -> Option<Arc<Output>>;

    /// The result of a complete future; what it has used is part of what this call has used.
    ///
    /// # Errors
    ///
    /// The child's own.
    fn take(&mut self, number: i32) -> Result<Value>;

    /// Whether a wait by that link gives the guest failures as values.
    fn catches(&self, link: u32) -> bool;

    /// Drops a future. A call that nobody can see any more is abandoned.
    ///
    /// # Errors
    ///
    /// Where the call has no such future.
    fn abandon(&mut self, link: u32, number: i32) -> Result<()>;

    /// How many futures are not dropped. `numbers`: the guest could not drop them, as to a core module they are numbers; then, how
    /// many were not waited for.
    fn alive(&self, numbers: bool) -> usize;

    /// Ends the call: its futures are dropped. Returns what the children that were waited for have used.
    fn end(self: Box<Self>) -> Usage;
}
