//! JSON text to values of given types, and back.

mod number;
mod read;
mod trail;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use number::{float32, float64, integer, shown};
pub(crate) use read::Seed;
pub(crate) use trail::Trail;
pub(crate) use write::{MOST_TEXT, too_long, write, write_string};
