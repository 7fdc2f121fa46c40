//! What a guest is, as data: the spine that every other room reads.
//!
//! The audit makes it from a guest's bytes, and the cache keeps it. It says which functions there are, how an instance is made,
//! what is imported of the host, and how values are passed. It knows neither the bytes it came from nor an engine.

mod canon;
mod core;
mod facts;
mod function;
mod host;
mod item;
pub(crate) mod lifted;
mod noreturn;
pub(crate) mod proposals;
mod recipe;
pub(crate) mod shown;
pub(crate) mod wasi;

pub(crate) use canon::{Canon, Encoding};
pub(crate) use core::{CoreType, core_type};
pub(crate) use facts::{Counts, Facts, LinkFacts, MemoryFacts, TableFacts, WasiFacts, short};
pub(crate) use function::{CoreFunction, FunctionDef, Receiver, Write};
pub(crate) use host::{HandleType, HostFunction, HostFunctionKind, ResourceId};
pub(crate) use item::Item;
pub(crate) use noreturn::NoReturn;
pub(crate) use recipe::{ImportBinding, Recipe, Step};

/// The most functions that a guest may export.
pub(crate) const MAX_EXPORTS: usize = 10_000;
/// The most parameters, and the most results, of an exported or a forked function.
pub(crate) const MAX_VALUES: usize = 64;
