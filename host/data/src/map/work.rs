//! What a worker does with a piece: decodes rows, makes calls, encodes results.

use super::done::{Done, Piece, Stopped};
use super::failure::Failure;
use super::function::{Function, Shape};
use super::tally::Tally;
use crate::error::RowError;
use crate::format::{Encoder, Encoders, Given, Outcome};
use purefork::bulk::Calls;
use purefork::value::List;
use purefork::{Args, ErrorKind, Value};
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

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
        task,
        calls,
        encoder: task.encoders.as_ref().map(|encoders| encoders()),
        piece,
        most_failures,
        tally: Tally::default(),
        rejects: Vec::new(),
        first: None,
        values: Vec::new(),
        args: Vec::new(),
    };
    let done = match task.function.shape {
        Shape::Batch(rows) => worker.batches(rows.get()),
        Shape::Row | Shape::Flatten => worker.rows(),
    };
    let Worker { encoder, piece, tally, rejects, first, values, .. } = worker;
    let mut stopped = done.err();
    let encoded = encoder.and_then(|encoder| match encoder.finish() {
        Ok(encoded) => Some(encoded),
        Err(error) => {
            stopped = Some(Stopped::Error(error));
            None
        }
    });
    Done { piece, encoded, tally, rejects, first, stopped, values, nodes: Vec::new(), took: start.elapsed() }
}

struct Worker<'a, 'c> {
    task: &'a Task,
    calls: &'a mut RowCalls<'c>,
    encoder: Option<Box<dyn Encoder>>,
    piece: Piece,
    most_failures: Option<u64>,
    tally: Tally,
    rejects: Vec<u8>,
    first: Option<Failure>,
    values: Vec<(u64, Option<Value>)>,
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
        for row in 0..self.piece.rows.len() {
            let result = self.row(row);
            self.put(row, result)?;
        }
        Ok(())
    }

    fn row(&mut self, row: usize) -> Result<Answer, Fault> {
        self.args.clear();
        if self.piece.rows.args(row, &mut self.args)? == Given::Null {
            return Ok(Answer::Null);
        }
        self.task.function.complete(&mut self.args);
        let value = self.calls.call_values(&mut self.args)?;
        self.used();
        unwrapped(value).map(Answer::Value)
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
        let len = self.piece.rows.len();
        let mut start = 0;
        while start < len {
            let end = (start + size).min(len);
            self.batch(start..end)?;
            start = end;
        }
        Ok(())
    }

    fn batch(&mut self, range: Range<usize>) -> Result<(), Stopped> {
        self.args.clear();
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
        let number = self.piece.base + row as u64;
        let result = result.and_then(|given| {
            let Some(encoder) = &mut self.encoder else {
                let value = match given {
                    Answer::Value(value) => Some(value),
                    Answer::Null => None,
                };
                self.values.push((number, value));
                return Ok(());
            };
            let rows = &mut *self.piece.rows;
            match (given, self.task.function.shape) {
                (Answer::Null, Shape::Flatten) => Ok(()),
                (Answer::Value(Value::List(list)), Shape::Flatten) => {
                    list.iter().try_for_each(|value| encoder.push(rows, row, Outcome::Value(value)))
                }
                (Answer::Null, _) => encoder.push(rows, row, Outcome::Null),
                (Answer::Value(value), _) => encoder.push(rows, row, Outcome::Value(value)),
            }
            .map_err(Fault::from)
        });
        let Err(Fault { error, cause }) = result else {
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
        match (&mut self.encoder, self.task.on_error) {
            (Some(encoder), OnError::Keep) => {
                // An encoder has nulls for what is kept.
                let _ = encoder.push(&mut *self.piece.rows, row, Outcome::Failed(&failure.error));
            }
            (None, _) => self.values.push((number, None)),
            _ => {}
        }
        if self.first.is_none() {
            self.first = Some(failure);
        }
        Ok(())
    }
}

/// What is in `ok`. An `err` is a failure.
fn unwrapped(value: Value) -> Result<Value, Fault> {
    match value {
        Value::Result(Ok(value)) => Ok(value.map_or_else(Value::unit, Arc::unwrap_or_clone)),
        Value::Result(Err(value)) => {
            let message = match value.as_deref() {
                None => "it returned an error".to_owned(),
                Some(Value::String(text)) => shown_error(text),
                Some(value) => shown_error(&value.to_string()),
            };
            Err(RowError { kind: "Err".to_owned(), column: None, at: None, message }.into())
        }
        value => Ok(value),
    }
}

/// What a guest says of its failure, fit for a terminal.
fn shown_error(text: &str) -> String {
    const MOST: usize = 1000;
    match text.char_indices().nth(MOST) {
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
