//! The instance that one call runs in, and the limits on it.
//!
//! There are three ways to give a call its own state, and a guest cannot tell them apart:
//! - *stateless*: an instance that served before, where the audit has shown that the function changes no state;
//! - *recycled*: an instance that served before, in which all that calls have changed was put back;
//! - *fresh*: a new instance; always right.
//!
//! A component's instance is several core instances, made by the steps of its recipe; values go in and out by the canonical
//! ABI. Nothing of it is left to wasmtime's component runtime: its tables of handles are state that nothing resets.
//!
//! The room promises: nothing of a call is left in a sandbox that another call is given; after any error a sandbox is
//! thrown away; what a call is refused does not depend on the host. It does not know who calls: what it asks of a call,
//! and of the futures that a call makes, are two traits, [`CallState`] and [`Futures`].

mod call;
mod data;
mod deadline_watch;
mod error;
mod exception;
mod exports;
mod guest;
mod guest_memory;
mod host;
mod instance;
mod lifecycle;
mod plan;
mod ready;
mod realloc;
mod reuse;
mod snapshot;
mod vals;

pub(crate) use call::{Given, Prepared};
pub(crate) use data::{CallState, Futures};
pub(crate) use deadline_watch::{Chore, DeadlineGuard, DeadlineWatch};
pub(crate) use guest::Guest;
pub(crate) use lifecycle::{Invocation, Sandbox};
pub(crate) use plan::{Plan, Sandboxes};
pub(crate) use reuse::{PoolLimits, SandboxPool};
