//! The canonical ABI: how values are represented in a guest's memory, and as core values.
//!
//! It follows the component model's `CanonicalABI.md`. Values cross at memory speed: a list of numbers is copied as a whole. It
//! knows no engine: memory is a slice, and space in it is allocated beforehand.
//!
//! Lowering has two passes. [`spaces`] tells which spaces the values take, in the order in which the specification calls the
//! guest's `realloc` for them. The caller makes these calls; then [`lower`] and [`store`] write. So nothing here waits or calls a
//! guest.
//!
//! Lifting trusts nothing: every pointer, length, case and character is checked, and there is a [`Budget`], since a guest may
//! point to the same byte a million times.
//!
//! Both check now and then whether the call may go on: see [`Look`].

mod json;
mod layout;
mod lift;
mod look;
mod lower;
mod strings;
#[cfg(test)]
mod tests;

pub(crate) use json::{Answer, answer};
pub(crate) use layout::{MAX_FLAT_PARAMS, MAX_FLAT_RESULTS, Shape, flat_count};
pub(crate) use lift::{Budget, Wrong, lift, load, load_all};
pub(crate) use look::{Look, PART, Stopped};
pub(crate) use lower::{Places, Space, Spaces, Unfit, Writer, lower, spaces, store, store_all, tuple_space};

use smallvec::SmallVec;

/// Core values as their bits; 32-bit ones are zero-extended.
pub(crate) type Flat = SmallVec<[u64; 16]>;
