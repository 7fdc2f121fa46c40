//! What is typed of rows, for `purefork map`.

use super::common::Common;
use crate::units::{count, duration, size};
use purefork_data::Nulls;
use purefork_data::map::OnError;
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

/// What is said of calls, in [`Map`]: where files are put together, none is made.
const CALLS: [&str; 19] = [
    "output",
    "from",
    "arg",
    "column",
    "into",
    "strict",
    "nulls",
    "max_row",
    "on_error",
    "max_errors",
    "rejects",
    "deadline",
    "flatten",
    "batch",
    "batch_bytes",
    "reduce",
    "resume",
    "shard",
    "Common",
];

#[derive(Debug, clap::Args)]
pub(crate) struct Map {
    /// A WebAssembly module, a function that it exports, and files of rows; `-` or no file for standard input
    #[arg(value_name = "MODULE FUNCTION [INPUT]")]
    pub(crate) words: Vec<PathBuf>,
    /// Write to a file, `-` for stdout; it takes its place when all rows are done
    #[arg(short, long, value_name = "OUT", help_heading = "Rows")]
    pub(crate) output: Option<PathBuf>,
    /// The inputs' format; by default what their names end in, and ndjson for standard input
    #[arg(long, value_name = "FORMAT", help_heading = "Rows")]
    pub(crate) from: Option<String>,
    /// The output's format; by default what its name ends in, else the inputs'
    #[arg(long, value_name = "FORMAT", help_heading = "Rows")]
    pub(crate) to: Option<String>,
    /// A parameter's value for all rows, in WAVE or JSON, or @FILE
    #[arg(long, value_name = "NAME=VALUE", value_parser = named, help_heading = "Rows")]
    pub(crate) arg: Vec<(String, String)>,
    /// The column or field that gives a parameter, where it is not called like it
    #[arg(long, value_name = "PARAMETER=COLUMN", value_parser = named, help_heading = "Rows")]
    pub(crate) column: Vec<(String, String)>,
    /// Add the result to the row under this name, instead of writing it in the row's place
    #[arg(long, value_name = "COLUMN", help_heading = "Rows")]
    pub(crate) into: Option<String>,
    /// Take fields and columns that the function does not take for errors
    #[arg(long, help_heading = "Rows")]
    pub(crate) strict: bool,
    /// What a null is for a parameter that is no option: `fail`, the default, or `null`, the result
    #[arg(long, value_name = "WHAT", value_parser = nulls, help_heading = "Rows")]
    pub(crate) nulls: Option<Nulls>,
    /// CSV and TSV have no header row: columns are parameters by position
    #[arg(long, help_heading = "Rows")]
    pub(crate) no_header: bool,
    /// The largest row, in bytes of text; by default 64MiB
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "Rows")]
    pub(crate) max_row: Option<usize>,
    /// What a row that fails does: `stop` the run, the default; or `keep` its place, or `skip` it
    #[arg(long, value_name = "WHAT", value_parser = on_error, help_heading = "Failures")]
    pub(crate) on_error: Option<OnError>,
    /// How many rows may fail before the run stops, with `keep` and `skip`; by default any number
    #[arg(long, value_name = "N", value_parser = count::<u64>, help_heading = "Failures")]
    pub(crate) max_errors: Option<u64>,
    /// Write a line of JSON about each row that fails
    #[arg(long, value_name = "FILE", help_heading = "Failures")]
    pub(crate) rejects: Option<PathBuf>,
    /// Time for all rows together, such as 10m; by default without end
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Failures")]
    pub(crate) deadline: Option<Duration>,
    /// The function gives a list: write a row for each of its elements
    #[arg(long, conflicts_with_all = ["batch", "reduce"], help_heading = "Shape")]
    pub(crate) flatten: bool,
    /// The function takes and gives lists: call it for so many rows at a time
    #[arg(long, value_name = "N", value_parser = positive, help_heading = "Shape")]
    pub(crate) batch: Option<NonZero<usize>>,
    /// The most bytes of input in a call with `--batch`; by default 16MiB
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "Shape")]
    pub(crate) batch_bytes: Option<usize>,
    /// Fold the results to one with an associative function of the module, and write that
    #[arg(long, value_name = "FUNCTION", conflicts_with_all = ["into", "resume", "shard"], help_heading = "Shape")]
    pub(crate) reduce: Option<String>,
    /// Go on where a run with the same words was interrupted
    #[arg(long, help_heading = "Parts")]
    pub(crate) resume: bool,
    /// Do the I-th of N shares of the rows alone, such as 1/10
    #[arg(long, value_name = "I/N", value_parser = shard, help_heading = "Parts")]
    pub(crate) shard: Option<(u64, u64)>,
    /// Put the outputs of all shards together, in order, into OUT
    #[arg(long, value_name = "OUT", conflicts_with_all = CALLS, help_heading = "Parts")]
    pub(crate) merge: Option<PathBuf>,
    /// No summary, and no progress bar
    #[arg(long, short)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) common: Common,
}

fn positive(text: &str) -> Result<NonZero<usize>, String> {
    NonZero::new(count(text)?).ok_or_else(|| "expected a number of at least 1".to_owned())
}

fn named(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE, such as limit=10".to_owned()),
    }
}

fn nulls(text: &str) -> Result<Nulls, String> {
    match text {
        "fail" => Ok(Nulls::Fail),
        "null" => Ok(Nulls::Null),
        _ => Err("expected `fail` or `null`".to_owned()),
    }
}

fn on_error(text: &str) -> Result<OnError, String> {
    match text {
        "stop" => Ok(OnError::Stop),
        "keep" => Ok(OnError::Keep),
        "skip" => Ok(OnError::Skip),
        _ => Err("expected `stop`, `keep` or `skip`".to_owned()),
    }
}

fn shard(text: &str) -> Result<(u64, u64), String> {
    let wrong = || "expected I/N, such as 1/10 for the first of ten".to_owned();
    let (number, of) = text.split_once('/').ok_or_else(wrong)?;
    match (count(number)?, count(of)?) {
        (number, of) if (1..=of).contains(&number) => Ok((number, of)),
        _ => Err(wrong()),
    }
}
