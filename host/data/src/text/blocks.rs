//! An input cut into blocks of whole rows.

use super::span::{Span, Splitter};
use crate::error::{Error, Result, Stage};
use crate::mark::Mark;
use crate::source::{Source, failed};
use crate::table::{Chunk, Wanted};
use memchr::memchr_iter;
use sha2::{Digest as _, Sha256};
use std::io::{self, Read};
use std::ops::Range;

/// The most bytes of a block: places in it are 32 bits.
const MOST: usize = 1 << 30;

/// Reads blocks of whole rows. Where a block ends depends on where it begins and on what follows, so that a run that goes on at the end
/// of a block makes the same blocks as one that came there.
pub(crate) struct Blocks {
    name: String,
    from: Box<dyn Read + Send>,
    splitter: Splitter,
    /// What was read and is in no block yet.
    buffer: Vec<u8>,
    ended: bool,
    /// What is before the buffer.
    rows: u64,
    lines: u64,
    bytes: u64,
    /// Of all before the buffer, if marks are wanted.
    digest: Option<Sha256>,
    chunk: Chunk,
    longest: usize,
}

/// Whole rows, and where they are.
pub(crate) struct Block {
    pub(crate) text: Vec<u8>,
    pub(crate) spans: Vec<Span>,
    /// How many rows, lines and bytes are before it.
    pub(crate) rows: u64,
    pub(crate) lines: u64,
    pub(crate) bytes: u64,
    /// Where it ends.
    pub(crate) end: Option<Mark>,
}

impl Block {
    /// A digest of the text of the first rows.
    pub(crate) fn digest(&self, rows: usize) -> String {
        let end = rows.checked_sub(1).and_then(|last| self.spans.get(last)).map_or(0, |span| span.after as usize);
        hex(Sha256::new().chain_update(&self.text[..end]))
    }

    /// How many bytes of memory these rows take.
    pub(crate) fn bytes_of(&self, spans: &Range<usize>) -> usize {
        let part = &self.spans[spans.clone()];
        match (part.first(), part.last()) {
            (Some(first), Some(last)) => (last.after - first.start) as usize + size_of_val(part),
            _ => 0,
        }
    }
}

impl Blocks {
    pub(crate) fn open(source: Source, wanted: &Wanted, splitter: Splitter) -> Result<Blocks> {
        let name = source.name().to_owned();
        Ok(Blocks {
            name,
            from: source.into_reader()?,
            splitter,
            buffer: Vec::new(),
            ended: false,
            rows: 0,
            lines: 0,
            bytes: 0,
            digest: wanted.marks.then(Sha256::new),
            chunk: wanted.chunk,
            longest: wanted.longest.min(MOST),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The first row alone, if there is one: a header. It is no row of a block.
    pub(crate) fn header(&mut self) -> Result<Option<Vec<u8>>> {
        let mut size = self.chunk.bytes.min(64 << 10);
        let mut spans = Vec::new();
        loop {
            self.fill(size)?;
            spans.clear();
            let whole = self.buffer.len() <= size && self.ended;
            let text = &self.buffer[..self.buffer.len().min(size)];
            (self.splitter)(text, whole, &mut spans);
            if let Some(Span { start, end, after, .. }) = spans.first().copied() {
                let header = self.buffer[start as usize..end as usize].to_vec();
                self.take(after as usize, 0);
                return Ok(Some(header));
            }
            if whole {
                self.take(self.buffer.len(), 0);
                return Ok(None);
            }
            size = self.longer(size)?;
        }
    }

    /// The next block; none at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Block>> {
        let mut size = self.chunk.bytes.clamp(1, MOST);
        let mut spans = Vec::new();
        loop {
            self.fill(size)?;
            let whole = self.buffer.len() <= size && self.ended;
            let text = &self.buffer[..self.buffer.len().min(size)];
            spans.clear();
            (self.splitter)(text, whole, &mut spans);
            let wanted = self.chunk.rows.map_or(1, usize::from);
            let most = self.chunk.most.max(self.chunk.bytes).min(MOST);
            if spans.is_empty() && !whole && text.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
                self.take(text.len(), 0);
                continue;
            }
            if spans.len() < wanted && !whole && (spans.is_empty() || size < most) {
                size = if spans.is_empty() { self.longer(size)? } else { size.saturating_mul(2).min(most) };
                continue;
            }
            if spans.is_empty() {
                self.take(self.buffer.len(), 0);
                return Ok(None);
            }
            if spans.len() >= wanted && !whole {
                spans.truncate(spans.len() / wanted * wanted);
            }
            if let Some(long) = spans.iter().position(|span| (span.end - span.start) as usize > self.longest) {
                return Err(self.too_long(self.rows + long as u64));
            }
            let after = match spans.last() {
                Some(last) if !whole => last.after as usize,
                _ => self.buffer.len(),
            };
            let (rows, lines, bytes) = (self.rows, self.lines, self.bytes);
            let text = self.take(after, spans.len());
            let end = self.digest.as_ref().map(|digest| Mark {
                rows: self.rows,
                lines: self.lines,
                bytes: self.bytes,
                digest: hex(digest.clone()),
            });
            return Ok(Some(Block { text, spans, rows, lines, bytes, end }));
        }
    }

    /// Reads again what an earlier run has read, and goes on behind it. A header was read already.
    pub(crate) fn resume(&mut self, mark: &Mark) -> Result<()> {
        const STEP: usize = 1 << 20;
        let changed = || {
            let text = format!("`{}` is not what it was: its first {} bytes have changed", self.name, mark.bytes);
            Error::new(Stage::Usage, text).with_help("start anew, without `--resume`")
        };
        let changed = changed();
        let Some(mut rest) = mark.bytes.checked_sub(self.bytes) else { return Err(changed) };
        while rest > 0 {
            let step = usize::try_from(rest).unwrap_or(STEP).min(STEP);
            self.fill(step)?;
            if self.buffer.len() < step {
                return Err(changed);
            }
            self.take(step, 0);
            rest -= step as u64;
        }
        let digest = self.digest.as_ref().map(|digest| hex(digest.clone()));
        if digest.is_some_and(|digest| digest != mark.digest) {
            return Err(changed);
        }
        (self.rows, self.lines) = (mark.rows, mark.lines);
        Ok(())
    }

    /// Twice the size, for a row that has not ended.
    fn longer(&self, size: usize) -> Result<usize> {
        // What ends the line is no part of the row.
        let most = self.longest.saturating_add(4);
        if size >= most { Err(self.too_long(self.rows)) } else { Ok(size.saturating_mul(2).min(most)) }
    }

    fn too_long(&self, row: u64) -> Error {
        let text = format!("row {} of `{}` has more than {} bytes", row + 1, self.name, self.longest);
        Error::new(Stage::Input, text).with_help("allow longer ones with `--max-row SIZE`")
    }

    /// Reads until the buffer has so many bytes, or all there are.
    fn fill(&mut self, size: usize) -> Result<()> {
        if self.buffer.len() < size && !self.ended {
            self.buffer.reserve(size - self.buffer.len());
        }
        while self.buffer.len() < size && !self.ended {
            let missing = (size - self.buffer.len()) as u64;
            match self.from.by_ref().take(missing).read_to_end(&mut self.buffer) {
                Ok(0) => self.ended = true,
                Ok(n) => self.ended = (n as u64) < missing,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(&self.name, &error, self.bytes + self.buffer.len() as u64)),
            }
            if self.bytes == 0 && self.rows == 0 {
                self.mark_of_order()?;
            }
        }
        Ok(())
    }

    /// Takes a byte order mark off the beginning.
    fn mark_of_order(&mut self) -> Result<()> {
        match self.buffer.as_slice() {
            [0xef, 0xbb, 0xbf, ..] => drop(self.take(3, 0)),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
                let text = format!("expected text in UTF-8, but `{}` is in UTF-16", self.name);
                return Err(Error::new(Stage::Input, text).with_help("convert it: `iconv -f UTF-16 -t UTF-8`"));
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes so many bytes off the buffer, with so many rows in them.
    fn take(&mut self, bytes: usize, rows: usize) -> Vec<u8> {
        let mut rest = Vec::with_capacity(self.chunk.bytes.min(MOST));
        rest.extend_from_slice(&self.buffer[bytes..]);
        self.buffer.truncate(bytes);
        let taken = std::mem::replace(&mut self.buffer, rest);
        if let Some(digest) = &mut self.digest {
            digest.update(&taken);
        }
        self.bytes += taken.len() as u64;
        self.lines += memchr_iter(b'\n', &taken).count() as u64;
        self.rows += rows as u64;
        taken
    }
}

fn hex(digest: Sha256) -> String {
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
