#![doc = include_str!("../README.md")]

mod binding;
mod call;
mod error;
#[cfg(feature = "files")]
mod format;
mod names;
mod read;
mod rows;
#[cfg(test)]
mod tests;
mod values;
mod write;

pub use binding::{Bind, Binding, Nulls};
pub use call::{Calling, Errors, MapBatches, call_array, map_batches, reduce};
pub use error::{Error, ErrorKind, Result};
#[cfg(feature = "files")]
pub use format::{Arrow, ArrowStream, FORMATS, Parquet, quiet_panics};
pub use rows::{Given, Rows};
pub use values::Values;
pub use write::{ResultBuilder, Variants};
