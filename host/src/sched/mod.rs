//! The work-stealing scheduler: worker threads, deques, the injector, parking. It knows no wasm.
//!
//! It promises:
//! - a worker runs its own newest job first, then jobs from the injector, then steals another worker's oldest. Newest first
//!   matters: of a tree of forks, only O(depth × workers) calls are then alive at a time;
//! - no wake-up is lost: a spawned job runs, even if all workers were about to sleep (`README.md` has the protocol, and
//!   `tests/model` checks it);
//! - dropping the scheduler first runs everything that was spawned.
//!
//! It leaves to others: what a job is, whether it still has to be run (an entry is a hint), and what waits for it.

mod injector;
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
