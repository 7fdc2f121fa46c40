//! Record batches of results, written to a file.

use super::encode::{BatchEncoder, Layout};
use super::guard::usage;
use crate::Variants;
use arrow_array::{Array, RecordBatch};
use arrow_schema::{Schema, SchemaRef};
use purefork::value::Type;
use purefork_data::{Compression, Encoded, Encoder, Encoders, Error, Output, Result, Sink, Stage, Table};
use std::io;
use std::sync::Arc;

/// What writes batches of one schema.
pub(super) trait BatchWriter: Send {
    fn write(&mut self, batch: &RecordBatch) -> io::Result<()>;

    /// Writes the end.
    fn finish(&mut self) -> io::Result<()>;
}

/// Starts a file.
pub(super) type Start = dyn Fn(Sink, &SchemaRef) -> Result<Box<dyn BatchWriter>> + Send;

struct ArrowOutput {
    layout: Arc<Layout>,
    start: Box<Start>,
    /// Until the first batch: the columns that are passed on are as they are in the input, which the first batch shows.
    sink: Option<Sink>,
    writer: Option<(SchemaRef, Box<dyn BatchWriter>)>,
}

pub(super) fn create(
    name: &'static str,
    sink: Sink,
    table: &Table,
    variants: Variants,
    start: Box<Start>,
) -> Result<Box<dyn Output>> {
    let error = |message: String| Error::new(Stage::Usage, message);
    if sink.compression() != Compression::None {
        return Err(error(format!("{name} is not compressed as a whole: what reads it would not know it"))
            .with_help("leave `.gz` or `.zst` out of the output's name"));
    }
    if table.resumed {
        return Err(error(format!(
            "an interrupted run that writes {name} cannot be gone on with: such a file has its end last"
        ))
        .with_help("write NDJSON, or run again without --resume"));
    }
    let layout = Layout {
        result: table.result.clone().unwrap_or_else(|| Type::tuple([])),
        name: table.into.clone().unwrap_or_else(|| table.function.clone()),
        into: table.into.is_some(),
        columns: table.columns.clone(),
        variants,
    };
    let schema = layout.schema().map_err(|error| usage(&error))?;
    let mut names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(error(format!("two columns would be named `{}`", crate::error::shown(twice[0])))
            .with_help("name the results otherwise with --into, or give the input's columns names of their own"));
    }
    if names.is_empty() {
        return Err(error(format!(
            "the function gives a record without fields, and {name} has no rows without columns"
        ))
        .with_help("write NDJSON, or add the results to the input's columns with --into"));
    }
    Ok(Box::new(ArrowOutput { layout: Arc::new(layout), start, sink: Some(sink), writer: None }))
}

fn other(error: &Error) -> io::Error {
    io::Error::other(error.to_string())
}

impl ArrowOutput {
    fn writer(&mut self, schema: &SchemaRef) -> io::Result<&mut (SchemaRef, Box<dyn BatchWriter>)> {
        if let Some(sink) = self.sink.take() {
            let writer = (self.start)(sink, schema).map_err(|error| other(&error))?;
            self.writer = Some((schema.clone(), writer));
        }
        self.writer.as_mut().ok_or_else(|| io::Error::other("the output could not be begun"))
    }
}

impl Output for ArrowOutput {
    fn encoders(&self) -> Encoders {
        let layout = self.layout.clone();
        Arc::new(move || Box::new(BatchEncoder::new(&layout)) as Box<dyn Encoder>)
    }

    fn write(&mut self, encoded: Encoded) -> io::Result<()> {
        let batch = match encoded {
            Encoded::Batch(batch) => {
                batch.downcast::<RecordBatch>().map_err(|_| io::Error::other("no record batch"))?
            }
            Encoded::Bytes(_) => return Err(io::Error::other("expected a record batch, but was given bytes")),
        };
        // A chunk none of whose rows has a result.
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let (schema, writer) = self.writer(&batch.schema())?;
        let batch = fitted(&batch, schema)?;
        writer.write(&batch)
    }

    fn checkpoint(&mut self) -> io::Result<Option<u64>> {
        Ok(None)
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        let schema = self.layout.schema().map_err(|error| io::Error::other(error.message().to_owned()))?;
        self.writer(&Arc::new(schema))?.1.finish()
    }
}

/// A batch as one of the schema of those before it.
fn fitted(batch: &RecordBatch, schema: &SchemaRef) -> io::Result<RecordBatch> {
    if batch.schema_ref() == schema {
        return Ok(batch.clone());
    }
    let columns = schema.fields().iter().map(|field| {
        let Some(column) = batch.column_by_name(field.name()) else {
            return Err(io::Error::other(format!(
                "the inputs have different columns: one has no `{}`",
                crate::error::shown(field.name())
            )));
        };
        if column.data_type() != field.data_type() {
            return Err(io::Error::other(format!(
                "the inputs have different columns: `{}` is {} in one and {} in another",
                crate::error::shown(field.name()),
                field.data_type(),
                column.data_type()
            )));
        }
        Ok(column.clone())
    });
    let columns = columns.collect::<io::Result<Vec<_>>>()?;
    if batch.num_columns() != columns.len() {
        return Err(io::Error::other("the inputs have different columns: one has more"));
    }
    RecordBatch::try_new(schema.clone(), columns).map_err(io::Error::other)
}

/// What parts are put together by.
pub(super) type Merged = Option<(SchemaRef, Box<dyn BatchWriter>)>;

/// Adds the batches of a part to what is put together.
pub(super) fn append(
    name: &str,
    schema: &SchemaRef,
    batches: impl Iterator<Item = Result<RecordBatch>>,
    sink: &mut Option<Sink>,
    merged: &mut Merged,
    start: &Start,
) -> Result<()> {
    let failed = |error: io::Error| Error::new(Stage::Output, format!("cannot write what is in `{name}`: {error}"));
    if let Some(sink) = sink.take() {
        let fields = schema.fields().iter().map(|field| {
            arrow_schema::Field::clone(field).with_nullable(true).with_data_type(plain_type(field.data_type()))
        });
        let schema = Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()));
        let writer = start(sink, &schema)?;
        *merged = Some((schema, writer));
    }
    let Some((schema, writer)) = merged else { return Ok(()) };
    for batch in batches {
        let batch = super::encode::plain_batch(&batch?).map_err(|error| failed(io::Error::other(error)))?;
        writer.write(&fitted(&batch, schema).map_err(failed)?).map_err(failed)?;
    }
    Ok(())
}

fn plain_type(data: &arrow_schema::DataType) -> arrow_schema::DataType {
    use arrow_schema::DataType;
    match data {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        data => data.clone(),
    }
}

pub(super) fn end(merged: Merged) -> Result<()> {
    match merged {
        Some((_, mut writer)) => {
            writer.finish().map_err(|error| Error::new(Stage::Output, format!("cannot write the output: {error}")))
        }
        None => Err(Error::new(Stage::Usage, "there are no parts to put together")),
    }
}
