//! A batch of rows: one job, which calls the function with each, or with all.

use crate::callee::Callee;
use crate::error::{Error, ErrorKind};
use crate::states::States;
use datafusion::arrow::array::{Array, ArrayRef};
use purefork::bulk::Calls;
use purefork::value::List;
use purefork::{Args, Value};
use purefork_arrow::{Errors, Given, ResultBuilder, Rows};
use std::sync::{Arc, Mutex, PoisonError};

type Caller<'a, 'b> = &'a mut Calls<'b, Args, Value>;

impl Callee {
    /// Has one job make the calls of some code, and waits for it. Whoever waits is a thread of DataFusion, and runs the job itself if no
    /// worker has begun.
    fn job<T: Clone + Send + 'static>(
        self: &Arc<Callee>,
        code: impl FnOnce(&Callee, Caller<'_, '_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        if let Some(query) = &self.query {
            query.check(&self.name)?;
        }
        let own = self.clone();
        let job = self.function.fork_with(move |calls| {
            calls.set_deadline(own.query.as_ref().and_then(|query| query.deadline()));
            code(&own, calls)
        });
        let ended = match &self.query {
            Some(query) => query.wait(job),
            None => job.join(),
        };
        ended.map_err(|error| Error::of_call(&self.name, error)).flatten()
    }

    /// The results of so many rows, as one column.
    pub(crate) fn column(self: &Arc<Callee>, columns: &[ArrayRef], rows: usize) -> Result<ArrayRef, Error> {
        let types: Vec<_> = columns.iter().map(|column| column.data_type().clone()).collect();
        let rows = self.bind(&types)?.rows_of(columns, rows).map_err(|error| Error::of_columns(&self.name, &error))?;
        let output = self.output()?;
        self.job(move |own, calls| {
            let mut results = own.builder(&output)?;
            if own.batch {
                own.at_once(calls, &rows, &mut results)?;
            } else {
                own.row_by_row(calls, &rows, &mut results)?;
            }
            own.finish(results)
        })
    }

    fn row_by_row(&self, calls: Caller<'_, '_>, rows: &Rows, results: &mut ResultBuilder) -> Result<(), Error> {
        let mut args = Vec::new();
        for row in 0..rows.len() {
            let given = rows.args(row, &mut args).map_err(|error| Error::of_columns(&self.name, &error));
            let pushed = match given {
                Ok(Given::Null) => {
                    results.push_null();
                    Ok(())
                }
                Ok(Given::Args) => self.call(calls, &mut args).and_then(|value| self.push(&value, results)),
                Err(error) => Err(error),
            };
            self.settle(pushed, row, results)?;
        }
        Ok(())
    }

    /// One call with all rows.
    fn at_once(&self, calls: Caller<'_, '_>, rows: &Rows, results: &mut ResultBuilder) -> Result<(), Error> {
        let (mut args, mut given) = (Vec::new(), Vec::new());
        if !rows.lists(0..rows.len(), &mut args) {
            given = self.some_lists(rows, &mut args);
            if self.errors == Errors::Stop
                && let Some((row, Err(error))) = given.iter().enumerate().find(|(_, given)| given.is_err())
            {
                return Err(error.clone().at_row(row));
            }
        }
        let is_given = |row: usize| matches!(given.get(row), None | Some(Ok(Given::Args)));
        let count = (0..rows.len()).filter(|row| is_given(*row)).count();
        let list = match count {
            0 => Ok(List::from(Vec::<Value>::new())),
            _ => self.call(calls, &mut args).and_then(|value| self.list(value, count)),
        };
        let mut values = match &list {
            // It is an error of all rows.
            Err(error) if self.errors == Errors::Stop => return Err(error.clone()),
            Err(error) => Err(error),
            Ok(list) => Ok(list.iter()),
        };
        for row in 0..rows.len() {
            let pushed = match (given.get(row), &mut values) {
                (Some(Ok(Given::Null)), _) => {
                    results.push_null();
                    Ok(())
                }
                (Some(Err(error)), _) => Err(error.clone()),
                (_, Ok(values)) => self.push(&values.next().unwrap_or_else(Value::unit), results),
                (_, Err(error)) => Err(Error::clone(error)),
            };
            self.settle(pushed, row, results)?;
        }
        Ok(())
    }

    /// A list of values for each parameter, of the rows that have them all; and what each row has.
    fn some_lists(&self, rows: &Rows, args: &mut Vec<Value>) -> Vec<Result<Given, Error>> {
        let mut lists: Vec<Vec<Value>> = self.inspected.params.iter().map(|_| Vec::new()).collect();
        let mut values = Vec::new();
        let given = (0..rows.len()).map(|row| {
            let given = rows.args(row, &mut values).map_err(|error| Error::of_columns(&self.name, &error));
            lists.iter_mut().zip(values.drain(..)).for_each(|(list, value)| list.push(value));
            given
        });
        let given = given.collect();
        args.extend(lists.into_iter().map(|list| Value::List(List::from(list))));
        given
    }

    fn list(&self, value: Value, count: usize) -> Result<List, Error> {
        let error = |message| Err(Error::new(ErrorKind::Row, &self.name, message));
        match value {
            Value::List(list) if list.len() == count => Ok(list),
            Value::List(list) => {
                error(format!("expected a result for each of {count} rows, but it gave {}", list.len()))
            }
            _ => error("expected a list of results".to_owned()),
        }
    }

    /// One call; of a `result`, what is `ok`.
    fn call(&self, calls: Caller<'_, '_>, args: &mut Vec<Value>) -> Result<Value, Error> {
        if let Some(query) = &self.query {
            query.check(&self.name)?;
        }
        let value = calls.call_values(args).map_err(|error| Error::of_call(&self.name, error))?;
        if let Some(query) = &self.query
            && query.counts_fuel()
        {
            query.use_fuel(&self.name, calls.usage().map_or(0, |usage| usage.fuel))?;
        }
        Ok(value)
    }

    fn push(&self, value: &Value, results: &mut ResultBuilder) -> Result<(), Error> {
        let unit = Value::unit();
        let value = match value {
            Value::Result(Ok(value)) => value.as_deref().unwrap_or(&unit),
            Value::Result(Err(err)) => return Err(Error::of_err(&self.name, err.as_deref())),
            value => value,
        };
        results.push(value).map_err(|error| Error::of_columns(&self.name, &error))
    }

    /// Whether the next row is to be looked at, after one that failed.
    fn settle(&self, pushed: Result<(), Error>, row: usize, results: &mut ResultBuilder) -> Result<(), Error> {
        let Err(error) = pushed else { return Ok(()) };
        // A query that has come to its end is no result of a row.
        let over = error.kind() == ErrorKind::Query
            || error.call().is_some_and(|call| call.kind() == purefork::ErrorKind::Cancelled)
            || self.query.as_ref().is_some_and(|query| query.is_late());
        match self.errors {
            Errors::Null if !over => {
                results.push_null();
                Ok(())
            }
            _ => Err(error.at_row(row)),
        }
    }

    /// Folds the values of a column, each into the state of its group; those that are null, or of no group, are left out.
    pub(crate) fn fold(
        self: &Arc<Callee>,
        states: &Arc<Mutex<States>>,
        column: &ArrayRef,
        group: impl Fn(usize) -> Option<usize> + Send + 'static,
    ) -> Result<(), Error> {
        if column.null_count() == column.len() && self.is_strict() {
            return Ok(());
        }
        let ty = column.data_type().clone();
        let rows = self.bind(&[ty.clone(), ty])?.rows_of(&[column.clone(), column.clone()], column.len());
        let rows = rows.map_err(|error| Error::of_columns(&self.name, &error))?;
        let states = states.clone();
        self.job(move |own, calls| {
            // Nobody else asks for them before the job has ended.
            let mut states = states.lock().unwrap_or_else(PoisonError::into_inner);
            let mut args = Vec::new();
            for row in 0..rows.len() {
                let Some(group) = group(row) else { continue };
                args.clear();
                let given = rows.args(row, &mut args);
                if given.map_err(|error| Error::of_columns(&own.name, &error))? == Given::Null {
                    continue;
                }
                let folded = match (states.get(group), args.first_mut()) {
                    (Some(state), Some(left)) => {
                        *left = state.clone();
                        own.call(calls, &mut args).and_then(|value| own.folded(value)).map_err(|e| e.at_row(row))?
                    }
                    _ => args.pop().unwrap_or_else(Value::unit),
                };
                states.set(group, folded);
            }
            Ok(())
        })
    }

    /// Of a `result`, what is `ok`.
    fn folded(&self, value: Value) -> Result<Value, Error> {
        match value {
            Value::Result(Ok(value)) => Ok(value.map_or_else(Value::unit, Arc::unwrap_or_clone)),
            Value::Result(Err(err)) => Err(Error::of_err(&self.name, err.as_deref())),
            value => Ok(value),
        }
    }
}
