//! Results as record batches, on the workers.

use super::rows::ArrowRows;
use crate::call::replacing;
use crate::error::shown;
use crate::{ResultBuilder, Variants};
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, StringArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use arrow_select::take::take_arrays;
use purefork::Value;
use purefork::value::{List, Type};
use purefork_data::{Column, Encoded, Encoder, Error, Outcome, Result, RowError, Rows, Stage};
use std::ops::Range;
use std::sync::Arc;

/// What becomes of results.
pub(super) struct Layout {
    pub(super) result: Type,
    /// The name of the column of results; without it a record's fields are columns.
    pub(super) name: String,
    pub(super) into: bool,
    /// The input's columns, for inputs that are no record batches.
    pub(super) columns: Vec<Column>,
    pub(super) variants: Variants,
}

impl Layout {
    /// The schema where the input's columns are as their types of WIT say. All columns may be null: of a second input they may be, though of the first they
    /// are not.
    pub(super) fn schema(&self) -> crate::Result<Schema> {
        let mut fields = Vec::new();
        if self.into {
            for Column { name, ty } in &self.columns {
                fields.push(Field::new(name, ResultBuilder::new(ty, self.variants)?.data_type(), true));
            }
        }
        fields.extend(self.result_fields()?);
        Ok(Schema::new(fields))
    }

    fn result_fields(&self) -> crate::Result<Vec<Field>> {
        let data = ResultBuilder::new(&self.result, self.variants)?.data_type();
        Ok(match (&self.result, data) {
            (Type::Record(_), DataType::Struct(fields)) if !self.into => {
                fields.iter().map(|field| Field::clone(field).with_nullable(true)).collect()
            }
            (_, data) => vec![Field::new(&self.name, data, true)],
        })
    }
}

/// The input's columns, of the rows that were pushed.
enum Passed {
    /// There are none to pass on.
    None,
    /// Rows of a record batch.
    Batch(RecordBatch, Vec<u64>),
    /// Values.
    Values(Vec<ResultBuilder>),
}

pub(super) struct BatchEncoder {
    layout: Arc<Layout>,
    results: crate::Result<ResultBuilder>,
    passed: Passed,
    cells: Vec<Value>,
}

impl BatchEncoder {
    pub(super) fn new(layout: &Arc<Layout>) -> BatchEncoder {
        let results = ResultBuilder::new(&layout.result, layout.variants);
        BatchEncoder { layout: layout.clone(), results, passed: Passed::None, cells: Vec::new() }
    }

    /// Passes on the columns of a row, which has its result.
    fn pass(&mut self, rows: &mut dyn Rows, row: usize, unread: bool) -> Result<(), RowError> {
        if !self.layout.into {
            return Ok(());
        }
        let arrow = rows.as_any().downcast_ref::<ArrowRows>();
        if let (Passed::None, Some(arrow)) = (&self.passed, arrow) {
            self.passed = Passed::Batch(arrow.batch.clone(), Vec::new());
        }
        if let Passed::Batch(_, kept) = &mut self.passed {
            kept.push(row as u64);
            return Ok(());
        }
        if let Passed::None = self.passed {
            let builders =
                self.layout.columns.iter().map(|column| ResultBuilder::new(&column.ty, self.layout.variants));
            let builders = builders.collect::<crate::Result<_>>();
            self.passed = Passed::Values(builders.map_err(|error| RowError::output(error.message()))?);
        }
        let Passed::Values(builders) = &mut self.passed else { return Ok(()) };
        self.cells.clear();
        match unread {
            true => rows.remains(row, &mut self.cells),
            false => rows.cells(row, &mut self.cells)?,
        }
        for at in 0..builders.len() {
            let pushed = match self.cells.get(at) {
                // What remains of a row need not be of the column's type.
                Some(value) => match builders[at].push(value) {
                    Err(_) if unread => {
                        builders[at].push_null();
                        Ok(())
                    }
                    pushed => pushed,
                },
                None => {
                    builders[at].push_null();
                    Ok(())
                }
            };
            if let Err(error) = pushed {
                let len = builders[at].len();
                builders[..at].iter_mut().for_each(|builder| builder.truncate(len));
                let name = shown(&self.layout.columns[at].name);
                return Err(RowError::output(error.message()).in_column(name));
            }
        }
        Ok(())
    }
}

impl Encoder for BatchEncoder {
    fn push(&mut self, rows: &mut dyn Rows, row: usize, outcome: Outcome<'_>) -> Result<(), RowError> {
        self.pass(rows, row, outcome.is_unread())?;
        let results = self.results.as_mut().map_err(|error| RowError::output(error.message()))?;
        let pushed = match outcome {
            Outcome::Value(value) => results.push(&value),
            Outcome::Null | Outcome::Failed(_) => {
                results.push_null();
                Ok(())
            }
        };
        pushed.map_err(|error| {
            // What was passed on of the row is taken off again.
            match &mut self.passed {
                Passed::None => {}
                Passed::Batch(_, kept) => _ = kept.pop(),
                Passed::Values(builders) => {
                    let len = self.results.as_ref().map_or(0, ResultBuilder::len);
                    builders.iter_mut().for_each(|builder| builder.truncate(len));
                }
            }
            RowError::output(error.message())
        })
    }

    fn push_list(&mut self, rows: &mut dyn Rows, range: Range<usize>, list: &List) -> bool {
        let arrow = rows.as_any().downcast_ref::<ArrowRows>();
        if self.layout.into && arrow.is_none() || list.len() != range.len() {
            return false;
        }
        let Ok(results) = &mut self.results else { return false };
        if results.extend(list.clone()).is_err() {
            return false;
        }
        if let (true, Some(arrow)) = (self.layout.into, arrow) {
            if let Passed::None = self.passed {
                self.passed = Passed::Batch(arrow.batch.clone(), Vec::new());
            }
            if let Passed::Batch(_, kept) = &mut self.passed {
                kept.extend(range.map(|row| row as u64));
            }
        }
        true
    }

    fn bytes(&self) -> usize {
        self.results.as_ref().map_or(0, ResultBuilder::bytes)
    }

    fn mark(&self) -> usize {
        self.results.as_ref().map_or(0, ResultBuilder::len)
    }

    fn take_back(&mut self, mark: usize) {
        if let Ok(results) = &mut self.results {
            results.truncate(mark);
        }
        match &mut self.passed {
            Passed::None => {}
            Passed::Batch(_, kept) => kept.truncate(mark),
            Passed::Values(builders) => builders.iter_mut().for_each(|builder| builder.truncate(mark)),
        }
    }

    fn finish(self: Box<Self>) -> Result<Encoded> {
        let failed = |message: String| Error::new(Stage::Output, format!("the results cannot be written: {message}"));
        let mut results = self.results.map_err(|error| failed(error.message().to_owned()))?;
        let count = results.len();
        let results = results.finish().map_err(|error| failed(error.message().to_owned()))?;
        let (mut fields, mut columns) = (Vec::new(), Vec::new());
        match self.passed {
            Passed::None => {}
            Passed::Batch(batch, kept) => {
                let passed = kept_rows(&batch, &kept).map_err(|error| failed(error.to_string()))?;
                for (field, column) in batch.schema().fields().iter().zip(passed) {
                    let column = plain(column).map_err(|error| failed(error.to_string()))?;
                    fields.push(Field::clone(field).with_nullable(true).with_data_type(column.data_type().clone()));
                    columns.push(column);
                }
            }
            Passed::Values(builders) => {
                for (Column { name, .. }, mut builder) in self.layout.columns.iter().zip(builders) {
                    let column = builder.finish().map_err(|error| failed(error.message().to_owned()))?;
                    fields.push(Field::new(name, column.data_type().clone(), true));
                    columns.push(column);
                }
            }
        }
        fields.extend(self.layout.result_fields().map_err(|error| failed(error.message().to_owned()))?);
        columns.extend(if self.layout.into { vec![results] } else { replacing(&self.layout.result, results) });
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options);
        Ok(Encoded::Batch(Box::new(batch.map_err(|error| failed(error.to_string()))?)))
    }
}

/// The columns of the rows that have a result.
fn kept_rows(batch: &RecordBatch, kept: &[u64]) -> Result<Vec<ArrayRef>, arrow_schema::ArrowError> {
    let first = kept.first().copied().unwrap_or(0);
    if kept.iter().zip(first..).all(|(kept, at)| *kept == at) {
        let first = usize::try_from(first).unwrap_or(usize::MAX);
        return Ok(batch.slice(first, kept.len()).columns().to_vec());
    }
    take_arrays(batch.columns(), &UInt64Array::from(kept.to_vec()), None)
}

/// Text and bytes that were read as views, as others write them.
fn plain(column: ArrayRef) -> Result<ArrayRef, arrow_schema::ArrowError> {
    use arrow_array::builder::BinaryBuilder;
    use arrow_array::cast::AsArray;
    let too_large = |bytes: usize| {
        arrow_schema::ArrowError::ComputeError(format!("{bytes} bytes of text are too many for one batch"))
    };
    match column.data_type() {
        DataType::Utf8View => {
            let views = column.as_string_view();
            let bytes: usize = views.views().iter().map(|view| *view as u32 as usize).sum();
            if i32::try_from(bytes).is_err() {
                return Err(too_large(bytes));
            }
            Ok(Arc::new(StringArray::from_iter(views.iter())))
        }
        DataType::BinaryView => {
            let views = column.as_binary_view();
            let bytes: usize = views.views().iter().map(|view| *view as u32 as usize).sum();
            if i32::try_from(bytes).is_err() {
                return Err(too_large(bytes));
            }
            let mut plain = BinaryBuilder::with_capacity(views.len(), bytes);
            views.iter().for_each(|value| plain.append_option(value));
            Ok(Arc::new(plain.finish()))
        }
        _ => Ok(column),
    }
}

/// The same of all columns of a batch.
pub(super) fn plain_batch(batch: &RecordBatch) -> Result<RecordBatch, arrow_schema::ArrowError> {
    let columns = batch.columns().iter().cloned().map(plain).collect::<Result<Vec<_>, _>>()?;
    let schema = batch.schema();
    let fields = schema.fields().iter().zip(&columns);
    let fields = fields.map(|(field, column)| Field::clone(field).with_data_type(column.data_type().clone()));
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns, &options)
}
