//! Futures: results to be, pending, ready, failed or cancelled, and what is done with many of them.
//!
//! A future is completed once; callbacks run in the order of their registration, outside every lock, on the thread that
//! completes the future, or at once if it is complete; a callback's panic is caught.

// This module does not know what computes a result: that is behind `Completion`.
//
// What waits for a future takes one place there, and leaves it when nobody can see it any more: a handle that was polled when it is
// dropped, a derived future with its last handle, and what a race has decided at once. Only what has to be called all the
// same stays until the future is complete: callbacks of `then` and `on_done`, and forks that wait for their arguments.

mod cell;
mod combine;
mod completion;
mod handle;
mod nested;
mod once;
mod promise;
mod ready;
mod sources;
pub(crate) mod sync;
mod then;
mod waiters;

pub(crate) use cell::Cell;
pub use combine::{cancel_rest, collect_all, collect_any, first_ok, wait, wait_all, wait_all_or_cancel};
pub(crate) use completion::Completion;
pub use handle::Future;
pub(crate) use promise::cancelled;
pub use promise::{Promise, promise};
pub(crate) use ready::Ready;
pub(crate) use sources::{Needs, Sources};
pub use then::Report;
pub(crate) use then::caught;
pub(crate) use waiters::Place;
