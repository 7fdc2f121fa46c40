//! What the reading thread does: takes chunks off the inputs, parts them into pieces, and hands those over.

use super::budget::Budget;
use super::done::Piece;
use super::inputs::{Inputs, Opened};
use super::pace::Pace;
use super::writer::Checkpoint;
use crate::error::{Error, Result, Stage};
use crate::format::Rows;
use crate::mark::Mark;
use std::ops::Range;
use std::sync::Arc;

/// Which rows are read, and how they are parted.
pub(super) struct Reading {
    pub(super) inputs: Inputs,
    /// Which rows of the run are wanted; all, if none are said.
    pub(super) rows: Option<Range<u64>>,
    /// Where an earlier run has ended.
    pub(super) resume: Option<Checkpoint>,
    /// A piece has a multiple of so many rows, but for the last of a chunk.
    pub(super) multiple: usize,
}

/// Reads all pieces, and hands each over. Returns how many there were, and how it ended.
pub(super) fn read(
    reading: Reading,
    budget: &Budget,
    pace: &Pace,
    mut hand_over: impl FnMut(Piece),
) -> (u64, Result<()>) {
    let mut reader = Reader {
        rows: reading.rows,
        multiple: reading.multiple,
        budget,
        pace,
        number: 0,
        base: 0,
        hand_over: &mut hand_over,
    };
    let done = reader.inputs(reading.inputs, reading.resume);
    (reader.number, done)
}

struct Reader<'a> {
    rows: Option<Range<u64>>,
    multiple: usize,
    budget: &'a Budget,
    pace: &'a Pace,
    number: u64,
    /// How many rows there were in the inputs before.
    base: u64,
    hand_over: &'a mut dyn FnMut(Piece),
}

/// Where a chunk stands.
struct Chunk {
    file: Arc<str>,
    input: usize,
    start: Option<Mark>,
    end: Option<Mark>,
}

impl Reader<'_> {
    fn inputs(&mut self, mut inputs: Inputs, mut resume: Option<Checkpoint>) -> Result<()> {
        let mut input = 0;
        while let Some(mut opened) = inputs.next()? {
            let mut rows = 0;
            let from = match &resume {
                Some(checkpoint) if input < checkpoint.input => {
                    // Inputs before the share that is wanted gave no rows either.
                    let before = self.rows.as_ref().map_or(0, |rows| rows.start.saturating_sub(self.base));
                    rows = checked(&mut opened, checkpoint.whole.get(input), before)?;
                    self.base += rows;
                    input += 1;
                    continue;
                }
                Some(_) => resume.take(),
                None => None,
            };
            if !self.input(opened, input, from, &mut rows)? {
                return Ok(());
            }
            self.base += rows;
            input += 1;
        }
        Ok(())
    }

    /// Reads an input, of which `from` tells where to begin. Returns whether the run goes on.
    fn input(
        &mut self,
        Opened { name, mut input }: Opened,
        number: usize,
        from: Option<Checkpoint>,
        count: &mut u64,
    ) -> Result<bool> {
        let mut start = None;
        let mut done = None;
        if let Some(Checkpoint { chunk, skip, digest, .. }) = from {
            if let Some(mark) = &chunk {
                input.resume(mark)?;
                *count = mark.rows;
            }
            start = chunk;
            done = Some((skip, digest));
        }
        let changed = || {
            let text = format!("`{name}` is not what it was: the rows that were read last have changed");
            Error::new(Stage::Usage, text).with_help("start anew, without `--resume`")
        };
        while let Some(mut rows) = input.next()? {
            let end = rows.end();
            *count = rows.first() + rows.len() as u64;
            let chunk = Chunk { file: name.clone(), input: number, start: start.clone(), end: end.clone() };
            let mut skipped = 0;
            if let Some((skip, digest)) = done.take().filter(|(skip, _)| *skip > 0) {
                let at = usize::try_from(skip).ok().filter(|at| *at <= rows.len()).ok_or_else(changed)?;
                let behind = rest(&mut *rows, at)?;
                if rows.digest().is_none_or(|found| found != digest) {
                    return Err(changed());
                }
                if behind.is_empty() {
                    start = end;
                    continue;
                }
                rows = behind;
                skipped = skip;
            }
            if !self.chunk(rows, &chunk, skipped)? {
                return Ok(false);
            }
            start = end;
        }
        // The rows that were read last are not there any more.
        if done.is_some_and(|(skip, _)| skip > 0) { Err(changed()) } else { Ok(true) }
    }

    /// Parts a chunk. Returns whether the run goes on.
    fn chunk(&mut self, mut rows: Box<dyn Rows>, chunk: &Chunk, mut skipped: u64) -> Result<bool> {
        if let Some(wanted) = self.rows.clone() {
            let first = self.base + rows.first();
            let end = first + rows.len() as u64;
            if first >= wanted.end {
                return Ok(false);
            }
            if end <= wanted.start {
                return Ok(!self.budget.is_ended());
            }
            if first < wanted.start {
                rows = rest(&mut *rows, (wanted.start - first) as usize)?;
                skipped += wanted.start - first;
            }
            if end > wanted.end {
                let keep = rows.len() - (end - wanted.end) as usize;
                drop(rest(&mut *rows, keep)?);
            }
        }
        loop {
            let size = self.pace.rows().next_multiple_of(self.multiple);
            let rest = if size < rows.len() { rows.split(size) } else { None };
            let last = rest.is_none();
            let bytes = rows.bytes();
            if !self.budget.take(bytes) {
                return Ok(false);
            }
            let (len, base) = (rows.len() as u64, self.base + rows.first());
            let piece = Piece {
                number: self.number,
                rows,
                file: chunk.file.clone(),
                input: chunk.input,
                base,
                chunk: chunk.start.clone(),
                chunk_end: chunk.end.clone(),
                skipped,
                last,
                bytes,
            };
            self.number += 1;
            (self.hand_over)(piece);
            skipped += len;
            match rest {
                Some(rest) => rows = rest,
                None => return Ok(true),
            }
        }
    }
}

/// The rows from `at` on.
fn rest(rows: &mut dyn Rows, at: usize) -> Result<Box<dyn Rows>> {
    rows.split(at).ok_or_else(|| {
        let text = "expected a format whose rows can be parted, for `--resume` and `--shard`";
        Error::new(Stage::Usage, text).with_help("leave the option away")
    })
}

/// That an input which was read to its end before is still the same. Returns how many rows it has.
///
/// `before`: how many rows it may have if it gave none, as they are not wanted.
fn checked(opened: &mut Opened, whole: Option<&Option<Mark>>, before: u64) -> Result<u64> {
    let name = &opened.name;
    let changed = || {
        let text = format!("`{name}` is not what it was");
        Error::new(Stage::Usage, text).with_help("start anew, without `--resume`")
    };
    let rows = match whole.ok_or_else(changed)? {
        Some(whole) => {
            opened.input.resume(whole)?;
            whole.rows
        }
        None => {
            let mut rows = 0;
            while let Some(some) = opened.input.next()? {
                rows = some.first() + some.len() as u64;
                if rows > before {
                    return Err(changed());
                }
            }
            return Ok(rows);
        }
    };
    match opened.input.next()? {
        None => Ok(rows),
        Some(_) => Err(changed()),
    }
}
