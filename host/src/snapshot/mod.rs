//! Snapshots: from a guest that has run, the bytes of a new guest that starts with its state.
//!
//! There are two steps, with a run in between. [`Prepared`] is the guest with exports added through which its state can be read.
//! [`Prepared::freeze`] writes the state after the run into the bytes that were given. The crate `wasmtime-wizer` does both. The
//! caller runs the guest in a sandbox, which is read through [`State`].
//!
//! Memories, grown ones included, and mutable globals are frozen. A guest that could change anything else is refused before it
//! runs, with the reason: `check` knows all that wizer refuses or would panic at. Start functions have run, and are removed.
//! Everything else is kept. So any function may be run to set up the state, it can still be called later, and the new guest may
//! be frozen again.
//!
//! The same bytes and the same state give the same bytes, in time and memory proportional to both. This module knows no engine.

mod check;
mod freeze;
mod read;
mod state;

pub(crate) use freeze::Prepared;
pub(crate) use state::State;
