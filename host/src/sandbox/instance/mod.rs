//! A guest's instances: how they are made, and from what.

mod assembly;
mod definition;
mod heap;
mod loaded;
mod shards;

pub(crate) use definition::Definition;
pub(super) use loaded::{Entry, Loaded};
pub(super) use shards::{InUse, Shards};
