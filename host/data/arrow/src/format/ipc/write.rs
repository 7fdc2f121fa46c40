//! Writing Arrow IPC.

use crate::format::output::BatchWriter;
use arrow_array::RecordBatch;
use arrow_ipc::writer::{FileWriter, StreamWriter};
use arrow_schema::{ArrowError, SchemaRef};
use purefork_data::{Error, Result, Sink, Stage};
use std::io::{self, BufWriter, Write as _};

/// How many bytes are gathered before they are written.
const BUFFER: usize = 1 << 20;

struct File(Option<FileWriter<BufWriter<Sink>>>);

struct Stream(Option<StreamWriter<BufWriter<Sink>>>);

fn begun<W>(writer: std::result::Result<W, ArrowError>) -> Result<Option<W>> {
    let failed = |error| Error::new(Stage::Output, format!("the output cannot be written: {error}"));
    writer.map(Some).map_err(failed)
}

pub(super) fn file(sink: Sink, schema: &SchemaRef) -> Result<Box<dyn BatchWriter>> {
    Ok(Box::new(File(begun(FileWriter::try_new(BufWriter::with_capacity(BUFFER, sink), schema))?)))
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
        self.0.as_mut().ok_or_else(ended)?.write(batch).map_err(io)
    }

    fn finish(&mut self) -> io::Result<()> {
        let Some(mut writer) = self.0.take() else { return Ok(()) };
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
