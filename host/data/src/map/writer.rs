//! What the writing thread does: puts pieces into order, writes what they gave, and knows where the run stands.

use super::budget::Budget;
use super::done::{Done, Message, Piece, Stopped};
use super::failure::Failure;
use super::reduce::Node;
use super::tally::Tally;
use crate::error::{Error, Result, Stage};
use crate::format::{Output, Rows};
use crate::mark::Mark;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where a run can be gone on with: what it has read and written up to there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The ends of the inputs that were read whole; none of one that had no rows.
    pub whole: Vec<Option<Mark>>,
    /// Which input is being read, from 0.
    pub input: usize,
    /// Where the chunk begins that is being read; none at the input's beginning.
    pub chunk: Option<Mark>,
    /// Where it ends.
    pub chunk_end: Option<Mark>,
    /// How many of its rows are done.
    pub skip: u64,
    /// A digest of those.
    pub digest: String,
    /// How many bytes of output belong to that.
    pub output: u64,
    /// What was written, but is not in the file yet: what is compressed together is not there.
    #[serde(with = "hex", default)]
    pub pending: Vec<u8>,
    /// How many bytes about failed rows belong to that.
    pub rejects: u64,
    /// How many rows were done.
    pub rows: u64,
    /// How many of them failed, by kind.
    pub kinds: BTreeMap<String, u64>,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How many rows were written.
    pub rows: u64,
    /// How many of them failed.
    pub failed: u64,
}

/// How a run has ended, and what became of its rows.
#[derive(Debug)]
pub struct Ended {
    /// Why.
    pub end: End,
    /// What became of the rows.
    pub tally: Tally,
    /// The first row that failed.
    pub first: Option<Failure>,
    /// Where the run can be gone on with, if it can and did not come to its end.
    pub checkpoint: Option<Checkpoint>,
}

/// Why a run has ended.
#[derive(Debug)]
pub enum End {
    /// All rows are done.
    Whole,
    /// A row failed, which none may.
    Failed(Box<Failure>),
    /// More rows failed than may, the last of them this one.
    TooMany(Box<Failure>),
    /// It was interrupted.
    Interrupted,
    /// Its time was up.
    Deadline,
    /// Nobody reads the output any more.
    Unread,
    /// An input could not be read, or the output not written.
    Error(Error),
}

/// Writes the pieces in their order.
pub(super) struct Writer<'a> {
    pub(super) output: Option<Box<dyn Output>>,
    pub(super) rejects: Option<Box<dyn Write + Send>>,
    pub(super) budget: &'a Budget,
    /// How many rows may fail.
    pub(super) most_failures: Option<u64>,
    /// Whether a single failure is one too many.
    pub(super) stops: bool,
    pub(super) tally: Tally,
    pub(super) first: Option<Failure>,
    pub(super) state: Checkpoint,
    /// The last place where the run can be gone on with, but for what is pending and the digest of its chunk; and how much is pending.
    pub(super) place: Option<(Checkpoint, usize)>,
    /// The rows before that place, for their digest; none if the place has it.
    pub(super) last: Option<Box<dyn Rows>>,
    pub(super) resumable: bool,
    pub(super) nodes: Vec<Node>,
    /// Pieces that came before their turn.
    pub(super) early: BTreeMap<u64, Message>,
    pub(super) next: u64,
    /// The same, for the workers.
    pub(super) turn: Arc<AtomicU64>,
    /// Whether the piece of that number is not whole yet.
    pub(super) goes_on: bool,
    /// What is left of it, the last first.
    pub(super) rests: Vec<Piece>,
    pub(super) total: Option<u64>,
}

/// What the writer needs of the run.
pub(super) trait Again {
    /// Does a piece once more, with fewer failures allowed.
    fn again(&mut self, piece: Piece, most_failures: u64) -> std::result::Result<Done, purefork::Error>;

    /// Has the rest of a piece done.
    fn go_on(&mut self, rest: Piece);

    /// Puts the nodes of a piece behind all before it.
    fn fold(&mut self, nodes: &mut Vec<Node>, more: Vec<Node>) -> Result<()>;
}

impl Writer<'_> {
    /// Takes a message, and writes whatever it is the turn of. Gives how the run ends, if it does.
    pub(super) fn take(&mut self, message: Message, again: &mut dyn Again) -> Option<End> {
        match message {
            Message::End(total) => self.total = Some(total),
            Message::Done(done) => drop(self.early.insert(done.piece.number, Message::Done(done))),
            Message::Lost(number, _) | Message::Failed(number, _) => drop(self.early.insert(number, message)),
        }
        while let Some(message) = self.early.remove(&self.next) {
            let end = match message {
                Message::Done(done) => self.piece(*done, again),
                Message::Lost(_, error) => {
                    let text = format!(
                        "the calls of row {} and those behind it have no result: {}",
                        self.tally.rows + 1,
                        error.message()
                    );
                    Some(End::Error(Error::new(Stage::Output, text)))
                }
                Message::Failed(_, error) => Some(End::Error(error)),
                Message::End(_) => None,
            };
            if end.is_some() {
                return end;
            }
            if !std::mem::take(&mut self.goes_on) {
                self.next += 1;
                self.turn.store(self.next, Ordering::Relaxed);
            }
        }
        (self.total == Some(self.next)).then_some(End::Whole)
    }

    fn piece(&mut self, mut done: Done, again: &mut dyn Again) -> Option<End> {
        let total = self.tally.failed + done.tally.failed;
        if let Some(most) = self.most_failures.filter(|most| total > *most)
            && !self.stops
        {
            // Its last rows are behind the one that is too much: to leave them out, it is done again. Its calls give the same.
            let (piece, left) = (done.piece, most - self.tally.failed.min(most));
            let bytes = piece.bytes;
            // A call that ran out of time may not do so again: then the run goes on.
            self.rests.extend(done.rest);
            done = match again.again(piece, left) {
                Ok(done) => done,
                Err(error) => {
                    self.budget.give_back(bytes);
                    return Some(End::Error(Error::new(Stage::Input, error.message())));
                }
            };
        }
        let end = self.put(done, again);
        match end {
            Ok(end) => end,
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Some(End::Unread),
            Err(error) => Some(End::Error(Error::new(Stage::Output, format!("cannot write the output: {error}")))),
        }
    }

    fn put(&mut self, done: Done, again: &mut dyn Again) -> io::Result<Option<End>> {
        let Done { piece, rest, encoded, tally, rejects, first, stopped, nodes, .. } = done;
        if let Some(encoded) = encoded
            && let Some(output) = &mut self.output
        {
            output.write(encoded)?;
        }
        if let Some(to) = &mut self.rejects
            && !rejects.is_empty()
            && let Err(error) = to.write_all(&rejects)
        {
            return Ok(Some(End::Error(rejects_unwritten(&error))));
        }
        self.state.rejects += rejects.len() as u64;
        if !nodes.is_empty()
            && let Err(error) = again.fold(&mut self.nodes, nodes)
        {
            return Ok(Some(End::Error(error)));
        }
        self.tally.merge(&tally);
        if self.first.is_none() {
            self.first = first;
        }
        if let Some(stopped) = stopped {
            return Ok(Some(match stopped {
                Stopped::Unkept(failure) => End::Failed(failure),
                Stopped::Failed(failure) if self.stops => End::Failed(failure),
                Stopped::Failed(failure) => End::TooMany(failure),
                Stopped::Deadline => End::Deadline,
                Stopped::Cancelled => End::Interrupted,
                Stopped::Error(error) => End::Error(error),
            }));
        }
        self.advance(&piece)?;
        self.budget.give_back(piece.bytes);
        self.last = Some(piece.rows);
        self.rests.extend(rest);
        if let Some(rest) = self.rests.pop() {
            self.goes_on = true;
            again.go_on(rest);
        }
        Ok(None)
    }

    /// The piece is written: the run stands behind it.
    fn advance(&mut self, piece: &Piece) -> io::Result<()> {
        let state = &mut self.state;
        if state.input < piece.input {
            // The input before it ended where its last chunk did.
            let end = state.chunk_end.take().or(state.chunk.take());
            state.whole.push(end);
            // Those between had no rows.
            state.whole.resize(piece.input, None);
            state.input = piece.input;
        }
        state.chunk.clone_from(&piece.chunk);
        state.chunk_end.clone_from(&piece.chunk_end);
        state.skip = piece.skipped + piece.rows.len() as u64;
        let Some(output) = &mut self.output else { return Ok(()) };
        let written = if piece.last { output.checkpoint()? } else { output.place() };
        if let Some(written) = written.filter(|_| self.resumable) {
            let (rows, kinds) = (self.tally.rows, self.tally.kinds.clone());
            let checkpoint = Checkpoint { output: written, rows, kinds, ..self.state.clone() };
            self.place = Some((checkpoint, output.pending().len()));
        }
        Ok(())
    }

    /// Where the run can be gone on with.
    pub(super) fn checkpoint(&self) -> Option<Checkpoint> {
        let (checkpoint, pending) = self.place.as_ref()?;
        let pending = match &self.output {
            Some(output) => output.pending().get(..*pending)?.to_vec(),
            None => Vec::new(),
        };
        let digest = match &self.last {
            Some(rows) => rows.digest()?,
            None => checkpoint.digest.clone(),
        };
        Some(Checkpoint { pending, digest, ..checkpoint.clone() })
    }
}

/// That nothing can be written about the rows that failed. Other than with results, nobody may stop to read it.
pub(super) fn rejects_unwritten(error: &io::Error) -> Error {
    Error::new(Stage::Output, format!("cannot write `--rejects`, about the rows that failed: {error}"))
}

/// Bytes as digits.
mod hex {
    use serde::de::{Deserialize as _, Deserializer, Error};
    use serde::ser::Serializer;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |at: u8| char::from(DIGITS[usize::from(at)]);
        to.serialize_str(&bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect::<String>())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let byte = |pair: &[u8]| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        };
        text.as_bytes().chunks(2).map(byte).collect::<Option<_>>().ok_or_else(|| D::Error::custom("expected digits"))
    }
}
