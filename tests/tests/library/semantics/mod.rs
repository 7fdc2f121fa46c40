//! What fork and wait mean: one test or more for each behaviour that is carried over, named after it, with the
//! behaviour's number in its doc comment.

mod arguments;
mod attributes;
mod callbacks;
mod collections;
mod collector;
mod events;
mod exceptions;
mod exports;
mod forks;
mod nesting;
mod noreturn;
mod promises;
mod rings;
mod segments;
mod spans;
mod trace;
mod unknown;
mod waiting;
