//! The canonical ABI: how values lie in a guest's memory, and on its stack.
//!
//! After the component model's `CanonicalABI.md`. Values cross at memory speed: a list of numbers is copied as a whole. It
//! knows no engine: memory is a slice, and space in it is asked for beforehand.
//!
//! Lowering has two passes. [`spaces`] says which spaces the values take, in the order in which the specification asks the
//! guest's `realloc` for them; the caller asks; [`lower`] and [`store`] then write. So nothing here waits, and
//! nothing calls a guest.
//!
//! Lifting trusts nothing: every pointer, length, case and character is checked, and what is read has a
//! [`Budget`], since a guest may point to the same byte a million times.
//!
//! Both ways [`Look`] now and then whether the call may go on.

mod layout;
mod lift;
mod look;
mod lower;
mod strings;
#[cfg(test)]
mod tests;

pub(crate) use layout::{MAX_FLAT_PARAMS, MAX_FLAT_RESULTS, flat_count};
pub(crate) use lift::{Budget, Wrong, lift, load, load_all};
pub(crate) use look::{Look, PART, Stopped};
pub(crate) use lower::{Space, Unfit, Writer, lower, spaces, store, store_all, tuple_space};

use smallvec::SmallVec;

/// Values on the stack of core WebAssembly, as their bits: 32-bit ones are extended with zeros.
pub(crate) type Flat = SmallVec<[u64; 16]>;
