//! Arrow IPC: files and streams.

mod message;
mod read;
mod write;

use super::output::{Start, create};
use purefork_data::{Format, Input, Output, Result, Sink, Source, Table, Wanted};

/// Arrow IPC as a file, `.arrow`, `.feather`, `.ipc`. What is read may be a stream as well; it may be compressed, in its buffers or as a whole.
/// What is written has no dictionaries, but within structures and lists: there they have to be the same in all batches.
pub struct Arrow;

/// Arrow IPC as a stream, `.arrows`. What is read may be a file as well.
pub struct ArrowStream;

impl Format for Arrow {
    fn name(&self) -> &'static str {
        "arrow"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["arrow", "feather", "ipc"]
    }

    fn open(&self, source: Source, wanted: &Wanted) -> Result<Box<dyn Input>> {
        read::open(source, wanted)
    }

    fn create(&self, sink: Sink, table: &Table) -> Result<Box<dyn Output>> {
        create(self.name(), sink, table, crate::Variants::Union, Box::new(write::file))
    }

    fn merge(&self, parts: Vec<Source>, sink: Sink) -> Result<()> {
        merge(parts, sink, &write::file)
    }
}

impl Format for ArrowStream {
    fn name(&self) -> &'static str {
        "arrows"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["arrows"]
    }

    fn open(&self, source: Source, wanted: &Wanted) -> Result<Box<dyn Input>> {
        read::open(source, wanted)
    }

    fn create(&self, sink: Sink, table: &Table) -> Result<Box<dyn Output>> {
        create(self.name(), sink, table, crate::Variants::Union, Box::new(write::stream))
    }

    fn merge(&self, parts: Vec<Source>, sink: Sink) -> Result<()> {
        merge(parts, sink, &write::stream)
    }
}

fn merge(parts: Vec<Source>, sink: Sink, start: &Start) -> Result<()> {
    let mut merged = None;
    let mut sink = Some(sink);
    for part in parts {
        let (name, schema, batches) = read::whole(part)?;
        super::output::append(&name, &schema, batches, &mut sink, &mut merged, start)?;
    }
    super::output::end(merged)
}
