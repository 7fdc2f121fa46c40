#![doc = include_str!("../README.md")]

mod error;
mod names;
mod read;
mod write;

pub use error::{Error, ErrorKind, Result};
pub use write::{ResultBuilder, Variants};
