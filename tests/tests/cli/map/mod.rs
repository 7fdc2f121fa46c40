//! `purefork map`: rows of files to calls, and results to rows.

mod csv;
mod failures;
mod files;
mod ndjson;
mod options;
mod parts;
mod room;
mod shapes;
