//! Newline-delimited JSON: a row a line.

mod encoder;
mod input;
mod line;
mod rows;

use crate::error::{Error, Result, Stage};
use crate::format::{Format, Input, Output};
use crate::sink::Sink;
use crate::source::Source;
use crate::table::{Table, Wanted};
use crate::text::{TextOutput, concatenate};
use std::collections::HashSet;
use std::sync::Arc;

/// Newline-delimited JSON.
///
/// A line is a row: an object gives parameters by name, an array by position; the only parameter of a function may be the line itself.
/// Values have the form of [`Value::to_json`](purefork::Value::to_json).
#[derive(Clone, Copy, Debug, Default)]
pub struct Ndjson;

impl Format for Ndjson {
    fn name(&self) -> &'static str {
        "ndjson"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["ndjson", "jsonl", "json"]
    }

    fn is_text(&self) -> bool {
        true
    }

    fn open(&self, source: Source, wanted: &Wanted) -> Result<Box<dyn Input>> {
        Ok(Box::new(input::NdjsonInput::open(source, wanted)?))
    }

    fn create(&self, sink: Sink, table: &Table) -> Result<Box<dyn Output>> {
        let names = table.columns.iter().map(|column| &column.name).chain(&table.into);
        let mut known = HashSet::new();
        if let Some(twice) = names.into_iter().find(|name| table.into.is_some() && !known.insert(name.as_str())) {
            return Err(Error::new(Stage::Usage, format!("a row would have two fields `{}`", twice.escape_debug()))
                .with_help("choose another name, `--into NAME`, or give the input's columns names of their own"));
        }
        let pending = table.pending.clone();
        let table = Arc::new(Table { pending: Vec::new(), ..table.clone() });
        let encoders = Arc::new(move || encoder::encoder(table.clone()));
        Ok(Box::new(TextOutput::new(sink, encoders, Vec::new(), &pending)?))
    }

    fn merge(&self, parts: Vec<Source>, sink: Sink) -> Result<()> {
        concatenate(parts, sink, None)
    }
}
