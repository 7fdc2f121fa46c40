//! The core instances of a sandbox, and what was looked up in them.

use smallvec::SmallVec;
use wasmtime::{Extern, Global, Instance};

/// The instances of a sandbox, in the order of the recipe's steps, and what was looked up in them before.
#[derive(Default)]
pub(crate) struct Instances {
    pub(crate) instances: SmallVec<[Instance; 1]>,
    pub(crate) found: SmallVec<[Option<Extern>; 2]>,
    /// For each component instance, whether it may call out: 0 while another has it make room.
    pub(crate) flags: SmallVec<[Global; 0]>,
    /// Whether all instances are made.
    pub(crate) made: bool,
}
