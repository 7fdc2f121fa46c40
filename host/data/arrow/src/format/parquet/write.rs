//! Writing Parquet.

use crate::format::output::BatchWriter;
use arrow_array::RecordBatch;
use arrow_schema::{DataType, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use purefork_data::{Error, Result, Sink, Stage};
use std::io;

/// How many bytes a row group has at the most, about, before it is written.
const GROUP_BYTES: usize = 64 << 20;

struct Writer(Option<ArrowWriter<Sink>>);

pub(super) fn start(sink: Sink, schema: &SchemaRef) -> Result<Box<dyn BatchWriter>> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by(concat!("purefork ", env!("CARGO_PKG_VERSION")).to_owned());
    for field in schema.fields() {
        // Of numbers, which are mostly different, a dictionary costs more than it saves.
        if field.data_type().is_primitive() && !matches!(field.data_type(), DataType::Date32) {
            let path = ColumnPath::new(vec![field.name().clone()]);
            properties = properties.set_column_dictionary_enabled(path, false);
        }
    }
    if let Some(field) = schema.fields().iter().find(|field| has_union(field.data_type())) {
        let name = crate::error::shown(field.name());
        return Err(Error::new(
            Stage::Output,
            format!("the column `{name}` is a union, or has one in it, which Parquet does not have"),
        )
        .with_help("write Arrow IPC, `-o OUT.arrow`; or leave the column out before"));
    }
    let writer = ArrowWriter::try_new(sink, schema.clone(), Some(properties.build()));
    Ok(Box::new(Writer(Some(writer.map_err(|error| super::text(&error))?))))
}

/// Whether columns of the type hold unions.
fn has_union(data: &DataType) -> bool {
    match data {
        DataType::Union(..) => true,
        DataType::Struct(fields) => fields.iter().any(|field| has_union(field.data_type())),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _)
        | DataType::RunEndEncoded(_, item) => has_union(item.data_type()),
        DataType::Dictionary(_, values) => has_union(values),
        _ => false,
    }
}

fn io(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(error) => io::Error::other(error),
        },
        error => io::Error::other(error),
    }
}

impl BatchWriter for Writer {
    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let Some(writer) = &mut self.0 else { return Err(io::Error::other("the output has ended")) };
        writer.write(batch).map_err(io)?;
        if writer.in_progress_size() >= GROUP_BYTES {
            writer.flush().map_err(io)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        match self.0.take() {
            Some(writer) => writer.close().map(|_| ()).map_err(io),
            None => Ok(()),
        }
    }
}
