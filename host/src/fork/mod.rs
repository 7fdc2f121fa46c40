//! Calls: what is forked, by the host or by a guest, and the trees they form.
//!
//! A call knows its parent, and its parent knows what it has forked; so a failure can tell its whole chain, an abandoned
//! call takes all it forked with it, and totals are merged at `wait`, whatever ran when.
//!
//! The room promises that a guest sees values and errors of its own calls alone. It leaves threads to whoever
//! implements [`Threads`].

mod branch;
mod call;
mod chain;
mod claim;
mod frame;
mod imports;
mod keep;
mod link;
mod lone;
mod member;
mod program;
mod run;
mod runtime;
mod stop;

pub(crate) use keep::Kept;
pub(crate) use member::{Guest, check, kind};
pub(crate) use program::Program;
pub(crate) use runtime::{Runtime, Threads};
