//! Reading Arrow IPC.

use super::message::{Framed, Frames, check};
use crate::format::guard::{broken, guarded};
use crate::format::input::{ArrowInput, Batches, Plan, Whole};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_ipc::MessageHeader;
use arrow_ipc::convert::fb_to_schema;
use arrow_ipc::reader::{RecordBatchDecoder, read_dictionary};
use arrow_schema::{ArrowError, SchemaRef};
use purefork_data::{Error, Input, Result, Source, Stage, Wanted};
use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::Arc;

/// A stream whose schema was read.
struct Stream {
    name: String,
    frames: Frames<Box<dyn Read + Send>>,
    schema: SchemaRef,
    dictionaries: HashMap<i64, ArrayRef>,
    /// The columns that are read; none: all.
    columns: Option<Vec<usize>>,
    failed: bool,
}

fn opened(source: Source, digest: bool) -> Result<Stream> {
    let name = source.name().to_owned();
    let mut frames = Frames::new(source.into_reader()?, digest);
    let Some(first) = framed(&name, &mut frames)? else {
        return Err(broken(&name, &"it has no schema"));
    };
    let schema = guarded(&name, || {
        let message = message(&first)?;
        match message.header_as_schema() {
            Some(schema) => Ok(fb_to_schema(schema)),
            None => Err(ArrowError::IpcError("it does not begin with a schema".to_owned())),
        }
    })?;
    Ok(Stream { name, frames, schema: Arc::new(schema), dictionaries: HashMap::new(), columns: None, failed: false })
}

fn framed(name: &str, frames: &mut Frames<Box<dyn Read + Send>>) -> Result<Option<Framed>> {
    let next = guarded(name, || Ok::<_, io::Error>(frames.next()))?;
    next.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => broken(name, &error),
        io::ErrorKind::UnexpectedEof => {
            Error::new(Stage::Input, format!("`{name}` is cut off: its compressed data ends in the middle"))
                .with_help("copy or download it again")
        }
        _ => Error::new(Stage::Input, format!("cannot read `{name}`: {error}")),
    })
}

fn message(framed: &Framed) -> std::result::Result<arrow_ipc::Message<'_>, ArrowError> {
    arrow_ipc::root_as_message(&framed.header).map_err(|error| ArrowError::IpcError(error.to_string()))
}

impl Stream {
    fn decode(&mut self, framed: &Framed) -> std::result::Result<Option<RecordBatch>, ArrowError> {
        let message = message(framed)?;
        match message.header_type() {
            MessageHeader::RecordBatch => {
                let Some(batch) = message.header_as_record_batch() else { return Ok(None) };
                check(&batch, &framed.body).map_err(ArrowError::IpcError)?;
                let version = message.version();
                let decoder = RecordBatchDecoder::try_new(
                    &framed.body,
                    batch,
                    self.schema.clone(),
                    &self.dictionaries,
                    &version,
                )?;
                decoder.with_projection(self.columns.as_deref()).read_record_batch().map(Some)
            }
            MessageHeader::DictionaryBatch => {
                let Some(dictionary) = message.header_as_dictionary_batch() else { return Ok(None) };
                if let Some(data) = dictionary.data() {
                    check(&data, &framed.body).map_err(ArrowError::IpcError)?;
                }
                let version = message.version();
                read_dictionary(&framed.body, dictionary, &self.schema, &mut self.dictionaries, &version)?;
                Ok(None)
            }
            MessageHeader::Schema => Err(ArrowError::IpcError("it has a second schema".to_owned())),
            MessageHeader::NONE => Ok(None),
            other => Err(ArrowError::IpcError(format!("it has a message of another kind: {other:?}"))),
        }
    }
}

impl Batches for Stream {
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        if self.failed {
            return Ok(None);
        }
        self.failed = true;
        let name = self.name.clone();
        loop {
            let Some(framed) = framed(&name, &mut self.frames)? else {
                self.failed = false;
                return Ok(None);
            };
            if let Some(batch) = guarded(&name, || self.decode(&framed))? {
                self.failed = false;
                return Ok(Some(batch));
            }
        }
    }

    fn digest(&self) -> String {
        self.frames.digest()
    }

    fn skip(&mut self, _rows: u64) -> Result<bool> {
        Ok(false)
    }
}

pub(super) fn open(source: Source, wanted: &Wanted) -> Result<Box<dyn Input>> {
    let mut stream = opened(source, wanted.marks)?;
    let plan = Plan::new(&stream.name, &stream.schema, wanted)?;
    let projected = stream.schema.project(&plan.columns).map_err(|error| broken(&stream.name, &error))?;
    stream.columns = Some(plan.columns.clone());
    let name = stream.name.clone();
    Ok(Box::new(ArrowInput::new(name, plan, Arc::new(projected), stream, wanted, None)?))
}

/// All of a stream, for it to be written again.
pub(super) fn whole(source: Source) -> Result<Whole> {
    let mut stream = opened(source, false)?;
    let (name, schema) = (stream.name.clone(), stream.schema.clone());
    let batches = std::iter::from_fn(move || stream.next().transpose());
    Ok((name, schema, Box::new(batches)))
}
