//! What fork and wait mean: one test or more for each behaviour that is carried over, named after it, with the
//! behaviour's number in its doc comment.

mod arguments;
mod attributes;
mod callbacks;
mod collections;
mod forks;
mod nesting;
mod promises;
mod rings;
mod waiting;
