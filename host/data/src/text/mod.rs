//! What formats that are text have in common: chunks of whole rows in, bytes out.

mod blocks;
mod output;
mod part;
mod span;

pub(crate) use blocks::{Block, Blocks};
pub(crate) use output::{TextOutput, concatenate};
pub(crate) use part::Part;
pub(crate) use span::{Span, Splitter, lines, utf8};
