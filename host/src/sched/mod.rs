//! The scheduler: threads, deques, sleeping, jobs. It knows no wasm.
//!
//! It promises:
//! - a worker runs its own newest job first, then jobs from outside, then the oldest of another worker. Newest first is
//!   not a detail: of a tree of forks, O(depth × workers) calls are then alive at a time instead of all of it;
//! - a job that was spawned is run, though all workers were about to sleep (`README.md` has the protocol, and
//!   `tests/model` checks it);
//! - dropping the scheduler runs what was spawned to its end.
//!
//! It leaves to others: what a job is, whether it still has to be run (an entry is a hint), and what waits for it.

mod inject;
mod inline;
mod job;
mod scheduler;
mod sleep;
mod suspend;
mod sync;
#[cfg(test)]
mod tests;
mod worker;

pub(crate) use inline::{run_inline, runs_inline, spawn_inline};
pub(crate) use job::{Job, Work};
pub(crate) use scheduler::{Handle, Scheduler};
pub(crate) use suspend::suspendable;
pub(crate) use worker::{alarm, run_until};
