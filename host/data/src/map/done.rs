//! Pieces of a run on their way from the reader by the workers to the writer.

use super::failure::Failure;
use super::reduce::Node;
use super::tally::Tally;
use crate::error::Error;
use crate::format::{Encoded, Rows};
use crate::mark::Mark;
use purefork::Value;
use std::sync::Arc;
use std::time::Duration;

/// Some rows of an input, and where they stand in the run.
pub(super) struct Piece {
    /// From 0, in the order of the rows.
    pub(super) number: u64,
    pub(super) rows: Box<dyn Rows>,
    pub(super) file: Arc<str>,
    /// Which input it is, from 0.
    pub(super) input: usize,
    /// How many rows of the run are before the first.
    pub(super) base: u64,
    /// Where its chunk begins; none at the input's beginning.
    pub(super) chunk: Option<Mark>,
    /// Where its chunk ends.
    pub(super) chunk_end: Option<Mark>,
    /// How many rows of its chunk are before the piece.
    pub(super) skipped: u64,
    /// Whether it ends its chunk.
    pub(super) last: bool,
    /// What it takes of the budget.
    pub(super) bytes: usize,
}

impl Piece {
    /// Takes off the rows from `at` on, as a piece that has the same number: it is done when the turn comes to it. None if there are none,
    /// or the rows cannot be parted.
    pub(super) fn split(&mut self, at: usize) -> Option<Piece> {
        if at >= self.rows.len() {
            return None;
        }
        let rows = self.rows.split(at)?;
        let bytes = rows.bytes().min(self.bytes);
        self.bytes -= bytes;
        let at = at as u64;
        Some(Piece {
            number: self.number,
            rows,
            file: self.file.clone(),
            input: self.input,
            base: self.base + at,
            chunk: self.chunk.clone(),
            chunk_end: self.chunk_end.clone(),
            skipped: self.skipped + at,
            last: std::mem::replace(&mut self.last, false),
            bytes,
        })
    }
}

/// What a worker has made of a piece.
pub(super) struct Done {
    pub(super) piece: Piece,
    /// The rest of it, which nobody has looked at: what the rows before gave takes much.
    pub(super) rest: Option<Piece>,
    /// None if results are folded instead.
    pub(super) encoded: Option<Encoded>,
    pub(super) tally: Tally,
    /// Lines about the rows that failed.
    pub(super) rejects: Vec<u8>,
    /// The first row that failed.
    pub(super) first: Option<Failure>,
    /// Why it ends before its last row.
    pub(super) stopped: Option<Stopped>,
    /// The results, by row of the run, where they are folded.
    pub(super) values: Vec<(u64, Option<Value>)>,
    pub(super) nodes: Vec<Node>,
    pub(super) took: Duration,
    /// About how many bytes the results take, and the lines about failed rows.
    pub(super) gave: usize,
}

impl Done {
    /// Nothing was done yet: `piece` has no rows, `rest` has them all.
    pub(super) fn later(piece: Piece, rest: Piece) -> Done {
        Done {
            piece,
            rest: Some(rest),
            encoded: None,
            tally: Tally::default(),
            rejects: Vec::new(),
            first: None,
            stopped: None,
            values: Vec::new(),
            nodes: Vec::new(),
            took: Duration::ZERO,
            gave: 0,
        }
    }
}

/// Why a piece ends before its last row.
pub(super) enum Stopped {
    /// A row failed that may not.
    Failed(Box<Failure>),
    /// A row failed that is to be kept, and cannot be written.
    Unkept(Box<Failure>),
    /// The run's time is up, at this row of the run, from 0.
    Deadline,
    /// It was cancelled.
    Cancelled,
    /// The results could not be encoded.
    Error(Error),
}

/// What the writer is told.
pub(super) enum Message {
    Done(Box<Done>),
    /// A piece has no result.
    Lost(u64, purefork::Error),
    /// Reading failed behind the last piece before this number.
    Failed(u64, Error),
    /// There are so many pieces.
    End(u64),
}
