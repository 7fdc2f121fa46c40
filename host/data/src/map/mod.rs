//! A run: rows in, calls, results out in the order of the rows.

mod budget;
mod calls;
mod done;
mod failure;
mod histogram;
mod inputs;
mod reader;
mod reduce;
mod run;
mod tally;
mod task;
mod work;
mod writer;

pub use failure::Failure;
pub use histogram::Histogram;
pub use inputs::{InputFile, Inputs};
pub use run::{Control, Ended, Job, Progress, run};
pub use tally::Tally;
pub use task::{Function, OnError, Shape};
