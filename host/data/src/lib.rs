//! Rows of files to calls of pure WebAssembly functions, and their results to rows.
//!
//! [`Format`] is what a format of files is; NDJSON, CSV and TSV are here, others plug in.

mod compression;
mod csv;
mod error;
mod format;
mod json;
pub mod map;
mod mark;
mod names;
mod ndjson;
mod sink;
mod source;
mod table;
mod text;

pub use compression::Compression;
pub use csv::Csv;
pub use error::{Error, Result, RowError, Stage};
pub use format::{Encoded, Encoder, Encoders, Format, Given, Input, Outcome, Output, Place, Rows};
pub use mark::Mark;
pub use ndjson::Ndjson;
pub use sink::Sink;
pub use source::Source;
pub use table::{Chunk, Column, Nulls, Table, Wanted};
