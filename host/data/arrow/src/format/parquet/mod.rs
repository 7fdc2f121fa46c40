//! Parquet.

mod footer;
mod pages;
mod read;
mod thrift;
mod write;

use super::output::create;
use purefork_data::{Error, Format, Input, Output, Result, Sink, Source, Table, Wanted};

/// Parquet, `.parquet`.
///
/// What is read is read in batches of rows, of the needed columns alone. What is written is compressed by Snappy, numbers without a
/// dictionary, in groups of up to 1,048,576 rows and about 64 MiB.
pub struct Parquet;

impl Format for Parquet {
    fn name(&self) -> &'static str {
        "parquet"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["parquet", "pq"]
    }

    fn open(&self, source: Source, wanted: &Wanted) -> Result<Box<dyn Input>> {
        read::open(source, wanted)
    }

    fn create(&self, sink: Sink, table: &Table) -> Result<Box<dyn Output>> {
        create(self.name(), sink, table, crate::Variants::Structure, Box::new(write::start))
    }

    fn merge(&self, parts: Vec<Source>, sink: Sink) -> Result<()> {
        let mut writer = None;
        let mut sink = Some(sink);
        for part in parts {
            let (name, schema, batches) = read::whole(part)?;
            super::output::append(&name, &schema, batches, &mut sink, &mut writer, &write::start)?;
        }
        super::output::end(writer)
    }
}

/// An error of the format's crate.
fn text(error: &parquet::errors::ParquetError) -> Error {
    Error::new(purefork_data::Stage::Output, format!("the output cannot be written: {error}"))
}
