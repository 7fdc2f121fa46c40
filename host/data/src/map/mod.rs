//! A run: rows in, calls, results out in the order of the rows.
//!
//! [`run`] has one thread read, the executor's workers decode, call and encode, and the thread that it is called on write. What is
//! between reading and writing is bounded in pieces and bytes. A chunk of rows is parted into pieces by what rows take, measured; no
//! byte of the output depends on that.

mod budget;
mod done;
mod failure;
mod function;
mod histogram;
mod inputs;
mod pace;
mod reader;
mod reduce;
mod run;
mod tally;
mod work;
mod writer;

pub use failure::Failure;
pub use function::{Function, Shape};
pub use histogram::Histogram;
pub use inputs::{From, InputFile, Inputs};
pub use run::{Control, Job, run};
pub use tally::Tally;
pub use work::OnError;
pub use writer::{Checkpoint, End, Ended, Progress};
