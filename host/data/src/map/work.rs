//! What a worker does with a piece: decodes rows, makes calls, encodes results.

use super::done::{Done, Piece, Stopped};
use super::failure::Failure;
use super::function::{Function, Shape};
use super::tally::Tally;
use crate::error::RowError;
use crate::format::{Encoder, Encoders, Given, Outcome};
use crate::json::{MOST_TEXT, too_long};
use purefork::bulk::{Calls, Json};
use purefork::value::List;
use purefork::{Args, ErrorKind, Value};
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

/// How many characters are shown of what a guest says of its failure.
const MOST_SHOWN: usize = 1000;

/// How many bytes of results and of lines about failures are enough for one piece.
const ENOUGH: usize = 4 << 20;

/// What becomes of a row that fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// The run ends before it.
    #[default]
    Stop,
    /// It is in the output, with an error or a null for its result.
    Keep,
    /// It is not in the output.
    Skip,
}

/// What is the same for all pieces of a run.
pub(super) struct Task {
    pub(super) function: Function,
    /// None where results are folded.
    pub(super) encoders: Option<Encoders>,
    pub(super) on_error: OnError,
    /// How many rows may fail.
    pub(super) most_failures: Option<u64>,
    /// Whether lines about failed rows are wanted.
    pub(super) rejects: bool,
    pub(super) deadline: Option<Instant>,
}

type RowCalls<'a> = Calls<'a, Args, Value>;

/// `most_failures`: at the failure behind so many it stops.
pub(super) fn work(task: &Task, piece: Piece, calls: &mut RowCalls<'_>, most_failures: Option<u64>) -> Done {
    let start = Instant::now();
    calls.set_deadline(task.deadline);
    let mut worker = Worker {
        rest: None,
        task,
        calls,
        encoder: task.encoders.as_ref().map(|encoders| encoders()),
        piece,
        most_failures,
        tally: Tally::default(),
        rejects: Vec::new(),
        first: None,
        values: Vec::new(),
        held: 0,
        begun: 0,
        args: Vec::new(),
    };
    let done = match task.function.shape {
        Shape::Batch(rows) => worker.batches(rows.get()),
        Shape::Row | Shape::Flatten => worker.rows(),
    };
    let Worker { rest, encoder, piece, tally, rejects, first, values, held, .. } = worker;
    let mut stopped = done.err();
    let gave = encoder.as_ref().map_or(held, |encoder| encoder.bytes()) + rejects.len();
    let encoded = encoder.and_then(|encoder| match encoder.finish() {
        Ok(encoded) => Some(encoded),
        Err(error) => {
            stopped = Some(Stopped::Error(error));
            None
        }
    });
    Done {
        piece,
        rest,
        encoded,
        tally,
        rejects,
        first,
        stopped,
        values,
        nodes: Vec::new(),
        took: start.elapsed(),
        gave,
    }
}

struct Worker<'a, 'c> {
    /// What is left of the piece, once enough is encoded.
    rest: Option<Piece>,
    task: &'a Task,
    calls: &'a mut RowCalls<'c>,
    encoder: Option<Box<dyn Encoder>>,
    piece: Piece,
    most_failures: Option<u64>,
    tally: Tally,
    rejects: Vec<u8>,
    first: Option<Failure>,
    values: Vec<(u64, Option<Value>)>,
    /// About how many bytes those take.
    held: usize,
    /// How many bytes were encoded where the call began whose results are written.
    begun: usize,
    args: Vec<Value>,
}

/// Why a row has no result.
struct Fault {
    error: RowError,
    cause: Option<purefork::Error>,
}

impl From<RowError> for Fault {
    fn from(error: RowError) -> Fault {
        Fault { error, cause: None }
    }
}

impl From<purefork::Error> for Fault {
    fn from(cause: purefork::Error) -> Fault {
        let error = RowError { kind: cause.kind().name(), column: None, at: None, message: cause.message().to_owned() };
        Fault { error, cause: Some(cause) }
    }
}

/// A result, or that it is null without one.
enum Answer {
    Value(Value),
    Null,
}

impl Worker<'_, '_> {
    fn rows(&mut self) -> Result<(), Stopped> {
        let mut row = 0;
        while row < self.piece.rows.len() {
            let done = self.row(row);
            self.settle(row, done)?;
            row += 1;
            self.leave(row);
        }
        Ok(())
    }

    /// Leaves the rows from `at` on for later, if those before gave much.
    fn leave(&mut self, at: usize) {
        let encoded = self.encoder.as_ref().map_or(0, |encoder| encoder.bytes());
        if encoded + self.held + self.rejects.len() >= ENOUGH && self.rest.is_none() {
            self.rest = self.piece.split(at);
        }
    }

    /// Makes the call of a row, and adds its result to what is written.
    fn row(&mut self, row: usize) -> Result<(), Fault> {
        self.begin();
        if self.piece.rows.args(row, &mut self.args)? == Given::Null {
            return self.add(row, Answer::Null);
        }
        self.task.function.complete(&mut self.args);
        if self.task.function.shape == Shape::Row
            && let Some(encoder) = &mut self.encoder
            && let Some((text, most)) = encoder.begin(&mut *self.piece.rows, row)?
        {
            let called = self.calls.call_json(&mut self.args, text, most);
            encoder.end(matches!(called, Ok(Json::Appended)));
            let json = called?;
            self.used();
            return match json {
                Json::Appended => Ok(()),
                Json::Err(value) => Err(err(value.as_ref()).into()),
                Json::TooLong => Err(too_long().into()),
            };
        }
        let value = self.calls.call_values(&mut self.args)?;
        self.used();
        let value = unwrapped(value)?;
        self.add(row, Answer::Value(value))
    }

    /// A call is to be made.
    fn begin(&mut self) {
        self.args.clear();
        self.begun = self.encoder.as_ref().map_or(0, |encoder| encoder.bytes());
    }

    fn used(&mut self) {
        if let Some(usage) = self.calls.usage() {
            self.tally.fuel.add(usage.fuel);
        }
        if let Some(memory) = self.calls.memory() {
            self.tally.memory.add(memory);
        }
    }

    fn batches(&mut self, size: usize) -> Result<(), Stopped> {
        let mut start = 0;
        while start < self.piece.rows.len() {
            let end = (start + size).min(self.piece.rows.len());
            self.batch(start..end)?;
            start = end;
            self.leave(start);
        }
        Ok(())
    }

    fn batch(&mut self, range: Range<usize>) -> Result<(), Stopped> {
        self.begin();
        let mut whole = self.piece.rows.lists(range.clone(), &mut self.args);
        // What each row gave, other than arguments.
        let mut given: Vec<Result<Answer, Fault>> = Vec::new();
        let mut count = range.len();
        if !whole {
            let params = &self.task.function.params;
            let mut columns: Vec<Vec<Value>> = params.iter().map(|_| Vec::with_capacity(range.len())).collect();
            let mut args = Vec::with_capacity(params.len());
            count = 0;
            for row in range.clone() {
                args.clear();
                given.push(match self.piece.rows.args(row, &mut args) {
                    Ok(Given::Args) => {
                        columns.iter_mut().zip(args.drain(..)).for_each(|(column, value)| column.push(value));
                        count += 1;
                        Ok(Answer::Value(Value::Bool(false)))
                    }
                    Ok(Given::Null) => Ok(Answer::Null),
                    Err(error) => Err(error.into()),
                });
            }
            whole = count == range.len();
            let lists =
                columns.into_iter().zip(params).map(|(values, param)| Value::List(List::packed(values, &param.ty)));
            self.args.clear();
            self.args.extend(lists);
        }
        let results = if count == 0 { Ok(None) } else { self.call_batch(count).map(Some) };
        let results = match results {
            Ok(results) => results,
            Err(fault) => {
                for (at, row) in range.enumerate() {
                    let result = match given.get_mut(at) {
                        Some(given) if !matches!(given, Ok(Answer::Value(_))) => {
                            std::mem::replace(given, Ok(Answer::Null))
                        }
                        _ => Err(Fault { error: fault.error.clone(), cause: fault.cause.clone() }),
                    };
                    self.put(row, result)?;
                }
                return Ok(());
            }
        };
        if whole
            && !self.task.function.fallible
            && let Some(results) = &results
            && let Some(encoder) = &mut self.encoder
            && encoder.push_list(&mut *self.piece.rows, range.clone(), results)
        {
            self.tally.rows += range.len() as u64;
            return Ok(());
        }
        let mut results = results.iter().flat_map(|results| results.iter());
        for (at, row) in range.enumerate() {
            let result = match given.get_mut(at) {
                Some(given) if !matches!(given, Ok(Answer::Value(_))) => std::mem::replace(given, Ok(Answer::Null)),
                _ => results.next().map_or(Ok(Answer::Null), |value| unwrapped(value).map(Answer::Value)),
            };
            self.put(row, result)?;
        }
        Ok(())
    }

    /// Calls the function with the lists of so many rows.
    fn call_batch(&mut self, count: usize) -> Result<List, Fault> {
        self.task.function.complete(&mut self.args);
        let value = self.calls.call_values(&mut self.args)?;
        self.used();
        match unwrapped(value)? {
            Value::List(results) if results.len() == count => Ok(results),
            Value::List(results) => {
                let message = format!(
                    "expected `{}` to give {count} results for {count} rows, but it gave {}",
                    self.task.function.name,
                    results.len()
                );
                Err(RowError { kind: "Batch".to_owned(), column: None, at: None, message }.into())
            }
            _ => Err(RowError::output("expected a list").into()),
        }
    }

    /// Adds what became of a row to what is written.
    fn put(&mut self, row: usize, result: Result<Answer, Fault>) -> Result<(), Stopped> {
        let done = result.and_then(|answer| self.add(row, answer));
        self.settle(row, done)
    }

    /// Adds a row's result to what is written.
    fn add(&mut self, row: usize, answer: Answer) -> Result<(), Fault> {
        let Some(encoder) = &mut self.encoder else {
            let value = match answer {
                Answer::Value(value) => Some(value),
                Answer::Null => None,
            };
            self.held += value.as_ref().map_or(0, Value::bytes);
            self.values.push((self.piece.base + row as u64, value));
            return Ok(());
        };
        let rows = &mut *self.piece.rows;
        let begun = self.begun;
        if encoder.bytes() - begun > MOST_TEXT {
            return Err(too_long().into());
        }
        let added = match (answer, self.task.function.shape) {
            (Answer::Null, Shape::Flatten) => Ok(()),
            (Answer::Value(Value::List(list)), Shape::Flatten) => {
                let mark = encoder.mark();
                let added = list.iter().try_for_each(|value| match encoder.bytes() - begun > MOST_TEXT {
                    true => Err(too_long()),
                    false => encoder.push(rows, row, Outcome::Value(value)),
                });
                // Of a row that fails, nothing is written.
                added.inspect_err(|_| encoder.take_back(mark))
            }
            (Answer::Null, _) => encoder.push(rows, row, Outcome::Null),
            (Answer::Value(value), _) => encoder.push(rows, row, Outcome::Value(value)),
        };
        Ok(added?)
    }

    /// Counts a row, and does with one that failed what is to be done.
    fn settle(&mut self, row: usize, done: Result<(), Fault>) -> Result<(), Stopped> {
        let Err(Fault { error, cause }) = done else {
            self.tally.rows += 1;
            return Ok(());
        };
        match cause.as_ref().map(purefork::Error::kind) {
            Some(ErrorKind::Cancelled) => return Err(Stopped::Cancelled),
            Some(ErrorKind::Timeout) if self.task.deadline.is_some_and(|end| Instant::now() >= end) => {
                return Err(Stopped::Deadline);
            }
            _ => {}
        }
        let failure = Failure::new(&self.piece.file, &*self.piece.rows, row, error, cause);
        self.tally.rows += 1;
        self.tally.fail(&failure.error.kind);
        if self.task.rejects {
            failure.write(&self.piece.rows.raw(row), &mut self.rejects);
        }
        if self.most_failures.is_some_and(|most| self.tally.failed > most) {
            return Err(Stopped::Failed(Box::new(failure)));
        }
        let Some(encoder) = &mut self.encoder else {
            self.values.push((self.piece.base + row as u64, None));
            self.first.get_or_insert(failure);
            return Ok(());
        };
        // An encoder has nulls for what is kept. If not, the row is not to be lost without a word.
        if self.task.on_error == OnError::Keep
            && encoder.push(&mut *self.piece.rows, row, Outcome::Failed(&failure.error)).is_err()
        {
            return Err(Stopped::Unkept(Box::new(failure)));
        }
        self.first.get_or_insert(failure);
        Ok(())
    }
}

/// What is in `ok`. An `err` is a failure.
fn unwrapped(value: Value) -> Result<Value, Fault> {
    match value {
        Value::Result(Ok(value)) => Ok(value.map_or_else(Value::unit, Arc::unwrap_or_clone)),
        Value::Result(Err(value)) => Err(err(value.as_deref()).into()),
        value => Ok(value),
    }
}

/// The error of an `err`.
fn err(value: Option<&Value>) -> RowError {
    let message = match value {
        None => "it returned an error".to_owned(),
        Some(Value::String(text)) => shown_error(text),
        Some(value) => value.wave_within(MOST_SHOWN),
    };
    RowError { kind: "Err".to_owned(), column: None, at: None, message }
}

/// What a guest says of its failure, fit for a terminal.
fn shown_error(text: &str) -> String {
    match text.char_indices().nth(MOST_SHOWN) {
        None => text.chars().map(escaped).collect(),
        Some((end, _)) => text[..end].chars().map(escaped).chain(["…".to_owned()]).collect(),
    }
}

fn escaped(c: char) -> String {
    match c {
        '"' | '\'' | '\\' => c.to_string(),
        c => c.escape_debug().to_string(),
    }
}
