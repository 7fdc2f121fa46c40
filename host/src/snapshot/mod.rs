//! The state of a guest that has run, as bytes of a new guest that starts with it.
//!
//! Bytes in, bytes out, in two steps with a run in between: [`Prepared`] is the guest with exports added by which its
//! state can be read, and [`Prepared::freeze`] writes the state that such a guest was left in into the bytes that were given.
//! Both are the work of the crate `wasmtime-wizer`; running the guest is not: that is left to whoever holds a
//! sandbox, which is read through [`State`].
//!
//! Frozen are memories, with what they have grown to, and globals that can change. What else a guest could change cannot be
//! frozen, and is refused before anything runs, with the reason: `check` knows all that wizer refuses or would
//! panic at. Start functions have run, and are left out. Whatever was not changed is kept as it was, so that any
//! function may serve, stays callable, and the new guest may be frozen again.
//!
//! The room promises that the same bytes and the same state give the same bytes, and time and memory in
//! proportion to both. It knows no engine.

mod check;
mod freeze;
mod read;
mod state;

pub(crate) use freeze::Prepared;
pub(crate) use state::State;
