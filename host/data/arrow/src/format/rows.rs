//! Rows of a record batch.

use crate::binding::Bound;
use crate::error::shown;
use crate::read::{self, Cells};
use crate::rows::{Given as Gave, Rows as BoundRows};
use arrow_array::RecordBatch;
use purefork::Value;
use purefork_data::{Column, Given, Mark, Place, RowError, Rows};
use std::any::Any;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// What the columns of an input are shown by.
pub(super) struct Shown {
    /// Where in the batch each is, and its type.
    pub(super) columns: Vec<(usize, Column)>,
}

/// Some rows of an input.
pub(super) struct ArrowRows {
    pub(super) batch: RecordBatch,
    pub(super) bound: Arc<Bound>,
    /// The columns as arguments, once they are asked for: on a worker.
    pub(super) args: Option<BoundRows>,
    pub(super) first: u64,
    pub(super) end: Option<Mark>,
    pub(super) shown: Arc<Shown>,
    /// The columns as values, once they are asked for.
    pub(super) cells: Option<Vec<(usize, Box<dyn Cells>)>>,
}

impl ArrowRows {
    fn bound(&mut self) -> Result<&BoundRows, RowError> {
        let bound = match self.args.take() {
            Some(bound) => bound,
            None => BoundRows::new(&self.bound, self.batch.columns(), self.batch.num_rows())
                .map_err(|error| RowError::row(error.message()))?,
        };
        Ok(self.args.insert(bound))
    }

    fn prepare(&self) -> Vec<(usize, Box<dyn Cells>)> {
        let prepared =
            self.shown.columns.iter().enumerate().filter_map(|(at, (column, shown))| {
                Some((at, read::cells(self.batch.column(*column), &shown.ty).ok()?))
            });
        prepared.collect()
    }
}

fn value(cells: &dyn Cells, row: usize, column: &Column) -> Result<Value, RowError> {
    read::cell(cells, row).map_err(|misfit| RowError::row(misfit.to_string()).in_column(shown(&column.name)))
}

impl Rows for ArrowRows {
    fn len(&self) -> usize {
        self.batch.num_rows()
    }

    fn first(&self) -> u64 {
        self.first
    }

    fn bytes(&self) -> usize {
        self.batch.columns().iter().map(|column| column.to_data().get_slice_memory_size().unwrap_or(0)).sum()
    }

    fn end(&self) -> Option<Mark> {
        self.end.clone()
    }

    fn split(&mut self, at: usize) -> Option<Box<dyn Rows>> {
        let rest = self.len().checked_sub(at)?;
        let later = ArrowRows {
            batch: self.batch.slice(at, rest),
            bound: self.bound.clone(),
            args: None,
            first: self.first + at as u64,
            end: self.end.take(),
            shown: self.shown.clone(),
            cells: None,
        };
        (self.batch, self.args, self.cells) = (self.batch.slice(0, at), None, None);
        Some(Box::new(later))
    }

    fn args(&mut self, row: usize, args: &mut Vec<Value>) -> Result<Given, RowError> {
        match self.bound()?.args(row, args) {
            Ok(Gave::Args) => Ok(Given::Args),
            Ok(Gave::Null) => Ok(Given::Null),
            Err(error) => Err(RowError::row(error.message())),
        }
    }

    fn lists(&mut self, rows: Range<usize>, args: &mut Vec<Value>) -> bool {
        self.bound().is_ok_and(|bound| bound.lists(rows, args))
    }

    fn cells(&mut self, row: usize, cells: &mut Vec<Value>) -> Result<(), RowError> {
        if self.cells.is_none() {
            self.cells = Some(self.prepare());
        }
        for (at, prepared) in self.cells.iter().flatten() {
            cells.push(value(&**prepared, row, &self.shown.columns[*at].1)?);
        }
        Ok(())
    }

    fn remains(&mut self, row: usize, cells: &mut Vec<Value>) {
        let prepared = self.cells.take().unwrap_or_else(|| self.prepare());
        let cell = |(at, cell): &(usize, Box<dyn Cells>)| value(&**cell, row, &self.shown.columns[*at].1);
        cells.extend(prepared.iter().map(|prepared| cell(prepared).unwrap_or(Value::Option(None))));
        self.cells = Some(prepared);
    }

    fn raw(&self, row: usize) -> Cow<'_, [u8]> {
        let fields = self.prepare().into_iter().filter_map(|(at, prepared)| {
            let column = &self.shown.columns[at].1;
            Some((column.name.as_str().into(), value(&*prepared, row, column).ok()?))
        });
        Cow::Owned(Value::Record(fields.collect()).to_json().into_bytes())
    }

    fn place(&self, _row: usize) -> Place {
        Place::default()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
