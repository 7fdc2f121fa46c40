//! Comma-separated and tab-separated values.

mod cell;
mod encoder;
mod input;
mod record;
mod rows;

use crate::error::Result;
use crate::format::{Format, Input, Output};
use crate::sink::Sink;
use crate::source::Source;
use crate::table::{Table, Wanted};
use crate::text::{TextOutput, concatenate};
use std::sync::Arc;

/// Comma-separated values as RFC 4180 has them, or tab-separated ones: a header row, then a row a record. Fields may be in double quotes,
/// and have line ends in them then.
///
/// A column gives the parameter of its name. A cell is a string as it stands, a number, `true` or `false`, a case's name; an empty one is
/// none for an option; what is none of these, such as a list, is in JSON. Results that are records are a column a field.
#[derive(Clone, Copy, Debug)]
pub struct Csv {
    tabs: bool,
    headless: bool,
}

impl Csv {
    /// With commas.
    pub const COMMAS: Csv = Csv { tabs: false, headless: false };
    /// With tabs.
    pub const TABS: Csv = Csv { tabs: true, headless: false };
    /// With commas; files that are put together have no header row.
    pub const HEADLESS: Csv = Csv { tabs: false, headless: true };

    fn delimiter(self) -> u8 {
        if self.tabs { b'\t' } else { b',' }
    }
}

impl Format for Csv {
    fn name(&self) -> &'static str {
        if self.tabs { "tsv" } else { "csv" }
    }

    fn endings(&self) -> &'static [&'static str] {
        if self.tabs { &["tsv", "tab"] } else { &["csv"] }
    }

    fn is_text(&self) -> bool {
        true
    }

    fn open(&self, source: Source, wanted: &Wanted) -> Result<Box<dyn Input>> {
        Ok(Box::new(input::CsvInput::open(source, wanted, self.delimiter())?))
    }

    fn create(&self, sink: Sink, table: &Table) -> Result<Box<dyn Output>> {
        let (layout, header) = encoder::Layout::new(table, self.delimiter())?;
        let layout = Arc::new(layout);
        let encoders = Arc::new(move || encoder::encoder(layout.clone()));
        Ok(Box::new(TextOutput::new(sink, encoders, header, &table.pending)?))
    }

    fn merge(&self, parts: Vec<Source>, sink: Sink) -> Result<()> {
        concatenate(parts, sink, (!self.headless).then(|| record::splitter(self.delimiter())))
    }
}
