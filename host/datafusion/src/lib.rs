#![doc = include_str!("../README.md")]

mod aggregate;
mod callee;
mod error;
mod query;
mod run;
mod scalar;
mod states;

pub use aggregate::Aggregate;
pub use error::{Error, ErrorKind};
pub use purefork_arrow::{Errors, Nulls};
pub use query::{Query, QueryLimits};
pub use scalar::Scalar;
