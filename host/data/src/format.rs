//! The traits by which formats plug in.
//!
//! Three kinds of thread take part. One reads: [`Input::next`] takes the next chunk of rows off an input, as cheaply as it can.
//! The executor's workers do the work: [`Rows::args`] decodes, the call is made, [`Encoder::push`] encodes. One writes:
//! [`Output::write`] gets what was encoded, chunk by chunk, in the order of the input.

use crate::error::{Result, RowError};
use crate::mark::Mark;
use crate::sink::Sink;
use crate::source::Source;
use crate::table::{Column, Table, Wanted};
use purefork::Value;
use purefork::value::List;
use std::any::Any;
use std::borrow::Cow;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// A format of files: NDJSON, CSV, Parquet.
pub trait Format: Send + Sync {
    /// Its name, as in `--from NAME`.
    fn name(&self) -> &'static str;

    /// The endings of its files' names, in lower case and without a dot; any of [`Source`]'s compressions may follow.
    fn endings(&self) -> &'static [&'static str];

    /// Whether its files are text, which people read.
    fn is_text(&self) -> bool {
        false
    }

    /// Reads an input.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or has not the columns that are wanted.
    fn open(&self, source: Source, wanted: &Wanted) -> Result<Box<dyn Input>>;

    /// Makes an output.
    ///
    /// # Errors
    ///
    /// If the format has no values of such types, or two columns would have one name.
    fn create(&self, sink: Sink, table: &Table) -> Result<Box<dyn Output>>;

    /// Puts the outputs of several runs together, in order.
    ///
    /// # Errors
    ///
    /// If they do not fit each other, cannot be read, or cannot be written.
    fn merge(&self, parts: Vec<Source>, sink: Sink) -> Result<()>;
}

/// An input that is being read, by one thread.
pub trait Input: Send {
    /// The columns that a result may be added to: what [`Rows::cells`] gives. None of an empty file, which does not say.
    fn columns(&self) -> &[Column];

    /// The next rows; none at the end. Never an empty chunk.
    ///
    /// # Errors
    ///
    /// If the input cannot be read, or ends in the middle.
    fn next(&mut self) -> Result<Option<Box<dyn Rows>>>;

    /// Goes to where a chunk of an earlier run ended, before anything was read.
    ///
    /// # Errors
    ///
    /// If what is before that place is not what it was, by its digest; or if the format has no such places.
    fn resume(&mut self, mark: &Mark) -> Result<()>;
}

/// Some rows of an input.
pub trait Rows: Send {
    /// How many rows there are.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many rows of this input are before the first.
    fn first(&self) -> u64;

    /// How many bytes of memory they take, about.
    fn bytes(&self) -> usize;

    /// Where the input can be gone on with behind these rows; none if it cannot.
    fn end(&self) -> Option<Mark>;

    /// A digest of what is from their chunk's beginning to their end, if the input can be gone on with there.
    fn digest(&self) -> Option<String> {
        None
    }

    /// Parts the rows: those from `at` on are given back, with the [`end`](Rows::end); these keep the others, and have none. Calls that
    /// take long are shared out among workers so. None, and nothing is changed, if it cannot be.
    fn split(&mut self, at: usize) -> Option<Box<dyn Rows>> {
        let _ = at;
        None
    }

    /// Pushes a value for each parameter that is wanted, of its very type. What was pushed before an error is dropped. Rows are
    /// mostly asked for in order, but any may be asked for again.
    ///
    /// # Errors
    ///
    /// If the row does not fit.
    fn args(&mut self, row: usize, args: &mut Vec<Value>) -> Result<Given, RowError>;

    /// Pushes a list for each parameter, of all these rows; or gives `false`, and has pushed nothing, where it cannot, or where a
    /// row does not fit or has a null: then rows are asked for one by one.
    fn lists(&mut self, rows: Range<usize>, args: &mut Vec<Value>) -> bool {
        let _ = (rows, args);
        false
    }

    /// Pushes the values of [`Input::columns`].
    ///
    /// # Errors
    ///
    /// If one is not of its type.
    fn cells(&mut self, row: usize, cells: &mut Vec<Value>) -> Result<(), RowError>;

    /// The same of a row that gave no arguments, and is kept: for each of [`Input::columns`] a value of its type; the text of what is
    /// there, if it is none; an option's none, if nothing is there. Fewer values are passed on as they are, with nothing for the others.
    fn remains(&mut self, row: usize, cells: &mut Vec<Value>) {
        let before = cells.len();
        if self.cells(row, cells).is_err() {
            cells.truncate(before);
        }
    }

    /// The row as text, for people: a line, or JSON.
    fn raw(&self, row: usize) -> Cow<'_, [u8]>;

    /// The text of the row, if it is a JSON object: a member may be added to it. Only of rows that gave arguments.
    fn object(&self, row: usize) -> Option<&[u8]> {
        let _ = row;
        None
    }

    /// Where the row is in its input.
    fn place(&self, row: usize) -> Place;

    /// The very rows, for an encoder that knows this format.
    fn as_any(&self) -> &dyn Any;
}

/// What a row gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// Arguments.
    Args,
    /// A null where [`Nulls::Null`](crate::Nulls::Null) makes the result null.
    Null,
}

/// Where a row is in its input, as far as the format knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The line it begins on, from 1.
    pub line: Option<u64>,
    /// Its first byte, from 0, of what is in a compressed file.
    pub byte: Option<u64>,
}

/// What became of a row.
pub enum Outcome<'a> {
    /// The result, of [`Table::result`]'s type; the empty tuple if that is none.
    Value(Value),
    /// A null, by [`Given::Null`].
    Null,
    /// It failed, and is kept in its place.
    Failed(&'a RowError),
}

impl Outcome<'_> {
    /// Whether the row gave no arguments: it could not be read.
    pub fn is_unread(&self) -> bool {
        matches!(self, Outcome::Failed(error) if error.kind == "Row")
    }
}

/// Encodes results, on one worker's thread.
pub trait Encoder: Send {
    /// Adds what became of a row.
    ///
    /// # Errors
    ///
    /// If the format has no such value; then nothing was added.
    fn push(&mut self, rows: &mut dyn Rows, row: usize, outcome: Outcome<'_>) -> Result<(), RowError>;

    /// Begins a row whose result is appended as JSON to a text, of at most so many bytes: for that no value has to be made of it. None where
    /// the format wants values.
    ///
    /// # Errors
    ///
    /// If the format has no such row; then nothing was added.
    fn begin(&mut self, rows: &mut dyn Rows, row: usize) -> Result<Option<(&mut Vec<u8>, usize)>, RowError> {
        let _ = (rows, row);
        Ok(None)
    }

    /// Ends the row that was begun, if its result is there; else takes all of it away.
    fn end(&mut self, whole: bool) {
        let _ = whole;
    }

    /// Adds the results of these rows, one for each; or gives `false`, and has added nothing: then they are pushed one by one.
    fn push_list(&mut self, rows: &mut dyn Rows, range: Range<usize>, results: &List) -> bool {
        let _ = (rows, range, results);
        false
    }

    /// About how many bytes are encoded so far: what is added makes it larger.
    fn bytes(&self) -> usize;

    /// Where the encoder stands, for [`take_back`](Encoder::take_back).
    fn mark(&self) -> usize {
        self.bytes()
    }

    /// Takes away what was added behind a mark.
    fn take_back(&mut self, mark: usize);

    /// What was encoded.
    ///
    /// # Errors
    ///
    /// If it cannot be.
    fn finish(self: Box<Self>) -> Result<Encoded>;
}

/// The encoded results of a chunk.
pub enum Encoded {
    /// Bytes to be written as they are.
    Bytes(Vec<u8>),
    /// Whatever the format's output knows: a record batch.
    Batch(Box<dyn Any + Send>),
}

/// Makes encoders, on any thread.
pub type Encoders = Arc<dyn Fn() -> Box<dyn Encoder> + Send + Sync>;

/// An output that is being written, by one thread.
pub trait Output: Send {
    /// What makes the encoders of its chunks.
    fn encoders(&self) -> Encoders;

    /// Writes what was encoded.
    ///
    /// # Errors
    ///
    /// Those of the file.
    fn write(&mut self, encoded: Encoded) -> io::Result<()>;

    /// Called where a chunk of the input ends, with all before it written. May hand what was written to the file, so that it can be gone
    /// on with behind that; what it does depends on what was written alone. Gives what [`place`](Output::place) gives then.
    ///
    /// # Errors
    ///
    /// Those of the file.
    fn checkpoint(&mut self) -> io::Result<Option<u64>>;

    /// How many bytes are in the file, if the output can be gone on with behind them, given [`pending`](Output::pending).
    fn place(&self) -> Option<u64> {
        None
    }

    /// What was written and is not in the file yet: [`Table::pending`] of a run that goes on.
    fn pending(&self) -> &[u8] {
        &[]
    }

    /// Ends the output.
    ///
    /// # Errors
    ///
    /// Those of the file.
    fn finish(self: Box<Self>) -> io::Result<()>;
}
