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

/// What a worker has made of a piece.
pub(super) struct Done {
    pub(super) piece: Piece,
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
}

/// Why a piece ends before its last row.
pub(super) enum Stopped {
    /// A row failed that may not.
    Failed(Box<Failure>),
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
