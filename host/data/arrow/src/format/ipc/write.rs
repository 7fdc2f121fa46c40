//! Writing Arrow IPC.

use crate::format::output::BatchWriter;
use arrow_array::cast::AsArray as _;
use arrow_array::{AnyDictionaryArray, RecordBatch, RecordBatchOptions};
use arrow_ipc::writer::{FileWriter, StreamWriter};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use arrow_select::take::take;
use purefork_data::{Error, Result, Sink, Stage};
use std::io::{self, BufWriter, Write as _};
use std::sync::Arc;

/// How many bytes are gathered before they are written.
const BUFFER: usize = 1 << 20;

struct File {
    writer: Option<FileWriter<BufWriter<Sink>>>,
    schema: SchemaRef,
}

struct Stream(Option<StreamWriter<BufWriter<Sink>>>);

/// That a dictionary's values are no more than so many bytes where each key has its own: a few bytes of a file can say more than there is
/// memory.
fn bounded(dictionary: &dyn AnyDictionaryArray) -> std::result::Result<(), ArrowError> {
    const MOST: usize = 1 << 30;
    let values = dictionary.values();
    if values.is_empty() {
        return Ok(());
    }
    // Of each value, as if it were as long as all together; or, where that is too much, as long as it is.
    let longest = values.to_data().get_slice_memory_size()?;
    let keys = dictionary.normalized_keys();
    let lengths: Box<dyn Fn(usize) -> usize> = match values.data_type() {
        DataType::Utf8 => Box::new(|at| values.as_string::<i32>().value_length(at) as usize),
        DataType::LargeUtf8 => Box::new(|at| values.as_string::<i64>().value_length(at) as usize),
        DataType::Binary => Box::new(|at| values.as_binary::<i32>().value_length(at) as usize),
        DataType::LargeBinary => Box::new(|at| values.as_binary::<i64>().value_length(at) as usize),
        data if data.primitive_width().is_some() => Box::new(|_| 0),
        _ => Box::new(move |_| longest),
    };
    let bytes = keys.iter().fold(0usize, |bytes, key| match *key < values.len() {
        true => bytes.saturating_add(lengths(*key)),
        false => bytes,
    });
    if bytes > MOST {
        let text = format!("a dictionary's values take {bytes} bytes in one batch, of which {MOST} can be written");
        return Err(ArrowError::ComputeError(text));
    }
    Ok(())
}

fn begun<W>(writer: std::result::Result<W, ArrowError>) -> Result<Option<W>> {
    let failed = |error| Error::new(Stage::Output, format!("the output cannot be written: {error}"));
    writer.map(Some).map_err(failed)
}

pub(super) fn file(sink: Sink, schema: &SchemaRef) -> Result<Box<dyn BatchWriter>> {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Dictionary(_, values) => Field::clone(field).with_data_type(DataType::clone(values)),
        _ => Field::clone(field),
    });
    let schema = Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()));
    let writer = begun(FileWriter::try_new(BufWriter::with_capacity(BUFFER, sink), &schema))?;
    Ok(Box::new(File { writer, schema }))
}

/// The batch without dictionaries: a file has one for all its batches, and each batch that was read may have another.
fn without_dictionaries(batch: &RecordBatch, schema: &SchemaRef) -> std::result::Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().map(|column| match column.as_any_dictionary_opt() {
        Some(dictionary) => {
            bounded(dictionary)?;
            take(dictionary.values(), dictionary.keys(), None)
        }
        None => Ok(column.clone()),
    });
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema.clone(), columns.collect::<std::result::Result<_, _>>()?, &options)
}

pub(super) fn stream(sink: Sink, schema: &SchemaRef) -> Result<Box<dyn BatchWriter>> {
    Ok(Box::new(Stream(begun(StreamWriter::try_new(BufWriter::with_capacity(BUFFER, sink), schema))?)))
}

fn io(error: ArrowError) -> io::Error {
    match error {
        ArrowError::IoError(_, error) => error,
        error => io::Error::other(error),
    }
}

fn ended() -> io::Error {
    io::Error::other("the output has ended")
}

impl BatchWriter for File {
    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let batch = without_dictionaries(batch, &self.schema).map_err(io)?;
        self.writer.as_mut().ok_or_else(ended)?.write(&batch).map_err(io)
    }

    fn finish(&mut self) -> io::Result<()> {
        let Some(mut writer) = self.writer.take() else { return Ok(()) };
        writer.finish().map_err(io)?;
        writer.into_inner().map_err(io)?.flush()
    }
}

impl BatchWriter for Stream {
    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        self.0.as_mut().ok_or_else(ended)?.write(batch).map_err(io)
    }

    fn finish(&mut self) -> io::Result<()> {
        let Some(mut writer) = self.0.take() else { return Ok(()) };
        writer.finish().map_err(io)?;
        writer.into_inner().map_err(io)?.flush()
    }
}
