//! Bytes to a file.

use crate::compression::Compression;
use crate::error::{Error, Result, Stage};
use crate::format::{Encoded, Encoders, Output};
use crate::sink::Sink;
use crate::source::{Source, failed};
use crate::text::span::{Span, Splitter};
use std::io::{self, Read, Write as _};

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

/// Writes text files one after another. `header`: what finds the header record that each begins with, the same in all, which is written
/// once.
pub(crate) fn concatenate(parts: Vec<Source>, mut sink: Sink, header: Option<Splitter>) -> Result<()> {
    let compression = sink.compression();
    let mut put = |bytes: Vec<u8>| {
        let packed = compression.pack(bytes);
        packed.and_then(|bytes| sink.write_all(&bytes)).map_err(|error| cannot(&error))
    };
    let mut known: Option<Vec<u8>> = None;
    for part in parts {
        let name = part.name().to_owned();
        let mut from = part.into_reader()?;
        let (mut first, mut last, mut read) = (true, b'\n', 0);
        loop {
            let mut bytes = Vec::with_capacity(TOGETHER);
            let more = from.by_ref().take(TOGETHER as u64).read_to_end(&mut bytes);
            more.map_err(|error| failed(&name, &error, read))?;
            let Some(end) = bytes.last() else { break };
            (last, read) = (*end, read + bytes.len() as u64);
            if std::mem::take(&mut first)
                && let Some(splitter) = header
            {
                let (record, rest) = headed(bytes, splitter);
                match &known {
                    None => {
                        put([&record[..], b"\n"].concat())?;
                        known = Some(record);
                    }
                    Some(known) if *known == record => {}
                    Some(_) => {
                        let text = format!("`{name}` has other columns than the parts before it");
                        let help = "name parts of one run; if they have no header row, say `--no-header`";
                        return Err(Error::new(Stage::Input, text).with_help(help));
                    }
                }
                bytes = rest;
            }
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

/// The first record of a text, and what is behind it.
fn headed(text: Vec<u8>, splitter: Splitter) -> (Vec<u8>, Vec<u8>) {
    let mut spans = Vec::new();
    splitter(&text, true, &mut spans);
    let Some(Span { start, end, after, .. }) = spans.first().copied() else { return (Vec::new(), text) };
    let rest = &text[after as usize..];
    let rest = if text[end as usize..].starts_with(b"\r\n") { &rest[1..] } else { rest };
    (text[start as usize..end as usize].to_vec(), rest.to_vec())
}

fn cannot(error: &io::Error) -> Error {
    Error::new(Stage::Output, format!("cannot write the output: {error}"))
}
