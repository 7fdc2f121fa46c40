//! Calls: what is forked, by the host or by a guest, and the trees they form.
//!
//! A call knows its parent, and its parent knows what it has forked; so a failure can tell its whole chain, an abandoned
//! call takes all it forked with it, and totals are merged at `wait`, whatever ran when.
//!
//! The room promises that a guest sees values and errors of its own calls alone. It leaves threads to whoever
//! implements [`Threads`].

mod branch;
mod call;
mod capture;
mod claim;
#[cfg(test)]
mod claim_tests;
mod futures;
mod identity;
mod in_place;
mod inline;
mod interrupt;
mod job;
mod link;
mod program;
mod run;
mod runtime;
mod script;
mod shutdown;
mod start;
mod stop;
mod stopper;
mod tell;
mod threads;

pub(crate) use capture::Captured;
pub(crate) use in_place::InPlace;
pub(crate) use program::{Program, WeakProgram};
pub(crate) use runtime::Runtime;
pub(crate) use script::{Script, Scripted};
pub(crate) use shutdown::Shutdown;
pub(crate) use start::Local;
pub(crate) use threads::Threads;

use crate::future::sync;
