//! Bytes to a file.

use crate::compression::Compression;
use crate::error::{Error, Result, Stage};
use crate::format::{Encoded, Encoders, Output};
use crate::sink::Sink;
use crate::source::{Source, failed};
use std::io::{self, BufRead, BufReader, Read, Write as _};

/// What is compressed together has so many bytes, if there are as many.
const TOGETHER: usize = 1 << 20;

/// An output that is text.
pub(crate) struct TextOutput {
    sink: Sink,
    encoders: Encoders,
    /// What is yet to be compressed.
    pending: Vec<u8>,
}

impl TextOutput {
    /// `header`: what is written first. `pending`: what is yet to be compressed of an output that is gone on with.
    pub(crate) fn new(sink: Sink, encoders: Encoders, header: Vec<u8>, pending: &[u8]) -> Result<TextOutput> {
        let mut output = TextOutput { sink, encoders, pending: pending.to_vec() };
        output.put(header).map_err(|error| cannot(&error))?;
        Ok(output)
    }

    fn put(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        match self.sink.compression() {
            Compression::None => self.sink.write_all(&bytes),
            _ => {
                self.pending.extend_from_slice(&bytes);
                Ok(())
            }
        }
    }

    fn pack(&mut self) -> io::Result<()> {
        let packed = self.sink.compression().pack(std::mem::take(&mut self.pending))?;
        self.sink.write_all(&packed)
    }
}

impl Output for TextOutput {
    fn encoders(&self) -> Encoders {
        self.encoders.clone()
    }

    fn write(&mut self, encoded: Encoded) -> io::Result<()> {
        match encoded {
            Encoded::Bytes(bytes) => self.put(bytes),
            Encoded::Batch(_) => Err(io::Error::other("another format's rows")),
        }
    }

    fn checkpoint(&mut self) -> io::Result<Option<u64>> {
        // Where it is compressed does not depend on when this is asked: the same rows give the same file.
        if self.pending.len() >= TOGETHER {
            self.pack()?;
        }
        self.sink.flush()?;
        Ok(self.place())
    }

    fn place(&self) -> Option<u64> {
        Some(self.sink.written())
    }

    fn pending(&self) -> &[u8] {
        &self.pending
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.pack()?;
        if self.sink.written() == 0 {
            let nothing = self.sink.compression().nothing()?;
            self.sink.write_all(&nothing)?;
        }
        self.sink.flush()
    }
}

/// Writes text files one after another. `headed`: each begins with a header line, the same in all, which is written once.
pub(crate) fn concatenate(parts: Vec<Source>, mut sink: Sink, headed: bool) -> Result<()> {
    const STEP: usize = 1 << 20;
    let compression = sink.compression();
    let mut put = |bytes: Vec<u8>| {
        let packed = compression.pack(bytes);
        packed.and_then(|bytes| sink.write_all(&bytes)).map_err(|error| cannot(&error))
    };
    let mut header: Option<Vec<u8>> = None;
    for part in parts {
        let name = part.name().to_owned();
        let mut from = BufReader::with_capacity(STEP, part.into_reader()?);
        let mut read = 0;
        let wrong = |error: io::Error, read: u64| failed(&name, &error, read);
        if headed {
            let mut first = Vec::new();
            from.read_until(b'\n', &mut first).map_err(|error| wrong(error, 0))?;
            read += first.len() as u64;
            if first.is_empty() {
                continue;
            }
            match &header {
                None => {
                    put(first.clone())?;
                    header = Some(first);
                }
                Some(header) if *header == first => {}
                Some(_) => {
                    let text = format!("`{name}` has other columns than the parts before it");
                    return Err(Error::new(Stage::Input, text));
                }
            }
        }
        let mut last = b'\n';
        loop {
            let mut bytes = Vec::with_capacity(STEP);
            from.by_ref().take(STEP as u64).read_to_end(&mut bytes).map_err(|error| wrong(error, read))?;
            let Some(end) = bytes.last() else { break };
            (last, read) = (*end, read + bytes.len() as u64);
            put(bytes)?;
        }
        if last != b'\n' {
            let text = format!("`{name}` ends in the middle of a line: it is not whole");
            return Err(Error::new(Stage::Input, text).with_help("run its shard again"));
        }
    }
    if sink.written() == 0 {
        let nothing = compression.nothing().map_err(|error| cannot(&error))?;
        sink.write_all(&nothing).map_err(|error| cannot(&error))?;
    }
    sink.flush().map_err(|error| cannot(&error))
}

fn cannot(error: &io::Error) -> Error {
    Error::new(Stage::Output, format!("cannot write the output: {error}"))
}
