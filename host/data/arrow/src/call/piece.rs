//! One thread's rows: read, called, and their results put into an array.

use super::Errors;
use crate::binding::Binding;
use crate::error::{Error, ErrorKind, Result};
use crate::rows::{Given, Rows};
use crate::write::ResultBuilder;
use arrow_array::ArrayRef;
use purefork::bulk::Calls;
use purefork::{Args, Function, Future, Value};
use std::ops::Range;
use std::sync::Arc;

/// What became of a piece: a result for each row, and the errors of those that failed.
#[derive(Clone)]
pub(super) struct Done {
    pub(super) results: ArrayRef,
    pub(super) errors: Vec<Error>,
}

/// A piece that is under way. When it is dropped, nobody waits for it.
pub(super) struct Piece(Option<Future<Result<Done>>>);

impl Piece {
    /// Hands some rows to a thread.
    #[track_caller]
    pub(super) fn spawn(
        function: &Function<Args, Value>,
        binding: &Arc<Binding>,
        rows: &Arc<Rows>,
        range: Range<usize>,
        errors: Errors,
    ) -> Piece {
        let (binding, rows) = (binding.clone(), rows.clone());
        Piece(Some(function.fork_with(move |calls| run(calls, &binding, &rows, range, errors))))
    }

    pub(super) fn join(mut self) -> Result<Done> {
        match self.0.take() {
            Some(future) => future.join()?,
            None => Err(Error::new(ErrorKind::Call, "the calls were waited for twice")),
        }
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if let Some(future) = &self.0 {
            future.cancel();
        }
    }
}

fn run(
    calls: &mut Calls<'_, Args, Value>,
    binding: &Binding,
    rows: &Rows,
    range: Range<usize>,
    on_error: Errors,
) -> Result<Done> {
    let mut made = Made { results: binding.results()?, errors: Vec::new(), on_error };
    if binding.batch {
        batch(calls, rows, range, &mut made)?;
    } else {
        let mut args = Vec::new();
        for row in range {
            match rows.args(row, &mut args) {
                Ok(Given::Null) => made.results.push_null(),
                Ok(Given::Args) => {
                    let pushed = match calls.call_values(&mut args) {
                        Ok(value) => made.results.push(&value),
                        Err(error) => Err(error.into()),
                    };
                    made.push(row, pushed)?;
                }
                Err(error) => made.push(row, Err(error))?,
            }
        }
    }
    Ok(Done { results: made.results.finish()?, errors: made.errors })
}

struct Made {
    results: ResultBuilder,
    errors: Vec<Error>,
    on_error: Errors,
}

impl Made {
    /// Tells of a row whose result was added, or which failed.
    fn push(&mut self, row: usize, pushed: Result<()>) -> Result<()> {
        let Err(error) = pushed else { return Ok(()) };
        let error = error.at_row(row as u64);
        // A call that was given up is no result of the row.
        let given_up = error.call().is_some_and(|call| call.kind() == purefork::ErrorKind::Cancelled);
        match self.on_error {
            Errors::Null if !given_up => {
                self.results.push_null();
                self.errors.push(error);
                Ok(())
            }
            _ => Err(error),
        }
    }
}

/// Calls once for all of the rows.
fn batch(calls: &mut Calls<'_, Args, Value>, rows: &Rows, range: Range<usize>, made: &mut Made) -> Result<()> {
    let mut args = Vec::new();
    let given =
        if rows.lists(range.clone(), &mut args) { None } else { Some(rows.some_lists(range.clone(), &mut args)) };
    let is_args = |given: &Result<Given>| matches!(given, Ok(Given::Args));
    let count = given.as_ref().map_or(range.len(), |given| given.iter().filter(|given| is_args(given)).count());
    let result = match count {
        0 => Ok(Value::List(Vec::<Value>::new().into())),
        _ => calls.call_values(&mut args).map_err(Error::from),
    };
    let list = match result {
        Ok(Value::List(list)) if list.len() == count => Ok(list),
        Ok(Value::List(list)) => Err(Error::new(
            ErrorKind::Row,
            format!("expected a result for each of {count} rows, but the function gave {}", list.len()),
        )),
        Ok(_) => Err(Error::new(ErrorKind::Row, "expected a list of results")),
        Err(error) => Err(error),
    };
    match (list, given) {
        (Ok(list), None) => {
            let copy = list.clone();
            if made.results.extend(list).is_err() {
                for (row, value) in range.zip(copy.iter()) {
                    let pushed = made.results.push(&value);
                    made.push(row, pushed)?;
                }
            }
        }
        (Ok(list), Some(given)) => {
            let mut values = list.iter();
            for (row, given) in range.zip(given) {
                match given {
                    Ok(Given::Null) => made.results.push_null(),
                    Ok(Given::Args) => {
                        let value = values.next().unwrap_or_else(Value::unit);
                        let pushed = made.results.push(&value);
                        made.push(row, pushed)?;
                    }
                    Err(error) => made.push(row, Err(error))?,
                }
            }
        }
        (Err(error), given) => {
            let given = given.unwrap_or_default();
            for (at, row) in range.enumerate() {
                match given.get(at) {
                    Some(Ok(Given::Null)) => made.results.push_null(),
                    Some(Err(own)) => made.push(row, Err(own.clone()))?,
                    _ => made.push(row, Err(error.clone()))?,
                }
            }
        }
    }
    Ok(())
}
