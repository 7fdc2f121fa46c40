//! How sandboxes serve one call after another.

mod footprint;
mod image;
mod policy;
mod pool;
mod prefault;
mod reset;

pub(super) use footprint::Footprint;
pub(super) use policy::ReusePolicy;
pub(super) use pool::Reusable;
pub(crate) use pool::{PoolLimits, SandboxPool};
pub(super) use prefault::{Prefault, own_bytes, populate};
pub(super) use reset::{InitialState, Reset};
