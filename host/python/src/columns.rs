//! Many calls of a function: rows go to the threads in pieces, and no row has a future of its own.

use crate::buffers;
use crate::capsules;
use crate::errors::{mismatch, raised};
use crate::from_arrow::is_pandas;
use crate::function::Ready;
use crate::future::{Computed, Future, Given, Source};
use crate::numbers::Numbers;
use crate::shape::Kind;
use crate::site::Site;
use crate::typed_columns;
use crate::waiting::{in_callback, settle};
use purefork::value::{List, Type};
use purefork::{Args, Error, Function, Value};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};
use std::sync::{Arc, Mutex, PoisonError};

/// The most rows of a piece.
const MOST: usize = 4096;

/// There are at least so many pieces, if there are as many rows.
const PIECES: usize = 64;

/// The rows that calls are made with.
#[derive(Clone)]
enum Rows {
    /// A list of numbers for each parameter.
    Columns(Arc<Vec<List>>),
    /// The values of one row after another, so many each.
    Values(Arc<Vec<Value>>, usize),
}

impl Rows {
    fn fill(&self, row: usize, to: &mut Vec<Value>) {
        match self {
            Rows::Columns(columns) => to.extend(columns.iter().filter_map(|column| column.get(row))),
            Rows::Values(values, width) => to.extend_from_slice(&values[row * width..(row + 1) * width]),
        }
    }
}

/// Results of a piece: numbers as numbers.
pub(crate) enum Results {
    I32(Vec<i32>),
    I64(Vec<i64>),
    U32(Vec<u32>),
    U64(Vec<u64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    Other(Vec<Value>),
}

impl Results {
    fn of(ty: &Type, rows: usize) -> Results {
        match ty {
            Type::I32 | Type::S32 => Results::I32(Vec::with_capacity(rows)),
            Type::I64 | Type::S64 => Results::I64(Vec::with_capacity(rows)),
            Type::U32 => Results::U32(Vec::with_capacity(rows)),
            Type::U64 => Results::U64(Vec::with_capacity(rows)),
            Type::F32 => Results::F32(Vec::with_capacity(rows)),
            Type::F64 => Results::F64(Vec::with_capacity(rows)),
            _ => Results::Other(Vec::with_capacity(rows)),
        }
    }

    /// Adds a result; nothing, as it were, where a call failed.
    #[inline]
    fn push(&mut self, value: Option<Value>) {
        macro_rules! number {
            ($all:ident, $variant:ident) => {
                $all.push(match value {
                    Some(Value::$variant(number)) => number,
                    _ => Default::default(),
                })
            };
        }
        match self {
            Results::I32(all) => number!(all, I32),
            Results::I64(all) => number!(all, I64),
            Results::U32(all) => number!(all, U32),
            Results::U64(all) => number!(all, U64),
            Results::F32(all) => number!(all, F32),
            Results::F64(all) => number!(all, F64),
            Results::Other(all) => all.push(value.unwrap_or(Value::Bool(false))),
        }
    }

    fn append(&mut self, more: Results) {
        match (self, more) {
            (Results::I32(all), Results::I32(more)) => all.extend(more),
            (Results::I64(all), Results::I64(more)) => all.extend(more),
            (Results::U32(all), Results::U32(more)) => all.extend(more),
            (Results::U64(all), Results::U64(more)) => all.extend(more),
            (Results::F32(all), Results::F32(more)) => all.extend(more),
            (Results::F64(all), Results::F64(more)) => all.extend(more),
            (Results::Other(all), Results::Other(more)) => all.extend(more),
            // Pieces of one function have results of one type.
            _ => {}
        }
    }

    fn list(self) -> List {
        match self {
            Results::I32(all) => all.into(),
            Results::I64(all) => all.into(),
            Results::U32(all) => all.into(),
            Results::U64(all) => all.into(),
            Results::F32(all) => all.into(),
            Results::F64(all) => all.into(),
            Results::Other(all) => all.into(),
        }
    }
}

/// What became of a piece: a result for each row, and the errors of those that failed.
pub(crate) struct Done {
    pub(crate) results: Results,
    pub(crate) errors: Vec<(usize, Error)>,
}

pub(crate) type Piece = purefork::Future<Arc<Mutex<Option<Done>>>>;

/// Makes a call with each row.
fn run(
    rows: &Rows,
    numbers: std::ops::Range<usize>,
    result: &Type,
    mut call: impl FnMut(&mut Vec<Value>) -> Result<Value, Error>,
) -> Arc<Mutex<Option<Done>>> {
    let mut done = Done { results: Results::of(result, numbers.len()), errors: Vec::new() };
    let mut args = Vec::new();
    for row in numbers {
        args.clear();
        rows.fill(row, &mut args);
        match call(&mut args) {
            Ok(value) => done.results.push(Some(value)),
            Err(error) => {
                done.results.push(None);
                done.errors.push((row, error));
            }
        }
    }
    Arc::new(Mutex::new(Some(done)))
}

/// Has the threads do with each piece of the rows what `start` starts.
pub(crate) fn pieces(count: usize, start: impl Fn(std::ops::Range<usize>) -> Piece) -> Vec<Piece> {
    let most = size(count);
    (0..count).step_by(most).map(|from| start(from..(from + most).min(count))).collect()
}

/// How many rows a piece has, but for the last.
pub(crate) fn size(count: usize) -> usize {
    count.div_ceil(PIECES).clamp(1, MOST)
}

/// Has the threads call the function with each row.
fn start(function: &Function<Args, Value>, rows: &Rows, count: usize, result: &Type) -> Vec<Piece> {
    pieces(count, |piece| {
        let (rows, result) = (rows.clone(), result.clone());
        function.fork_with(move |calls| run(&rows, piece, &result, |args| calls.call_values(args)))
    })
}

/// Waits for all pieces; cancels those that are left if Python raises meanwhile.
fn join(
    py: Python<'_>,
    pieces: &[Piece],
    result: &Type,
    count: usize,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<Done> {
    let mut all = Done { results: Results::of(result, count), errors: Vec::new() };
    let most = size(count);
    for (number, piece) in pieces.iter().enumerate() {
        let settled = settle(py, piece, None).and_then(|_| match progress {
            Some(progress) => progress.call1((most.min(count - number * most),)).map(drop),
            None => Ok(()),
        });
        let taken = settled.and_then(|()| match piece.value() {
            Ok(done) => Ok(done.lock().unwrap_or_else(PoisonError::into_inner).take()),
            Err(error) => Err(raised(py, &error, None)),
        });
        match taken {
            Ok(Some(done)) => {
                all.results.append(done.results);
                all.errors.extend(done.errors);
            }
            Ok(None) => {}
            Err(error) => {
                py.detach(|| {
                    pieces.iter().rev().for_each(|piece| {
                        piece.cancel();
                    })
                });
                return Err(error);
            }
        }
    }
    Ok(all)
}

/// Whether a column is one of another library's, which does not see it as a list or an array: of Arrow, or of pandas.
pub(crate) fn is_foreign(column: &Bound<'_, PyAny>) -> PyResult<bool> {
    if column.is_exact_instance_of::<PyList>() || column.is_exact_instance_of::<PyTuple>() {
        return Ok(false);
    }
    Ok(is_pandas(column)? || capsules::is_column(column)?)
}

/// The exception of a row.
fn of_row(py: Python<'_>, row: usize, error: &Error, site: Option<&Site>) -> PyErr {
    let exception = raised(py, error, site);
    // One that takes no attributes is as good without.
    drop(exception.value(py).setattr("row", row));
    exception
}

/// A list of Python's objects: the results, and exceptions in the places of those that failed.
fn listed<'py>(py: Python<'py>, given: &Given, done: Done, site: Option<&Site>) -> PyResult<Bound<'py, PyList>> {
    let mut errors = done.errors.into_iter().peekable();
    let list = done.results.list();
    let items = list.iter().enumerate().map(|(row, value)| match errors.next_if(|(failed, _)| *failed == row) {
        Some((_, error)) => Ok(of_row(py, row, &error, site).into_value(py).into_bound(py).into_any()),
        // The error of a `result` is a value here: other rows go on.
        None => match given.shape.given(py, &value, given.whole) {
            Ok(item) => Ok(item),
            Err(error) => Ok(error.into_value(py).into_bound(py).into_any()),
        },
    });
    PyList::new(py, items.collect::<PyResult<Vec<_>>>()?)
}

/// The rows of columns, and how many there are.
fn rows(py: Python<'_>, ready: &Ready, columns: &Bound<'_, PyTuple>) -> PyResult<(Rows, usize)> {
    let params = &ready.params;
    if columns.len() != params.all.len() {
        let given = columns.len();
        return Err(mismatch(
            py,
            format!("expected a column for each parameter of `{}`, but was given {given}", params.signature),
        ));
    }
    let mut lists = Vec::with_capacity(columns.len());
    for (at, column) in columns.iter().enumerate() {
        let shape = &params.all[at].shape;
        if !matches!(shape.kind, Kind::Plain) || matches!(shape.ty, Type::String | Type::Char | Type::V128) {
            break;
        }
        match buffers::numbers(&shape.ty, &column) {
            Ok(Some(list)) => lists.push(list),
            Ok(None) => break,
            Err(misfit) => return Err(params.misfit(py, at, misfit)),
        }
    }
    let lengths = |lengths: Vec<usize>| match lengths.iter().all(|length| *length == lengths[0]) {
        true => Ok(lengths[0]),
        false => Err(mismatch(py, format!("expected columns of one length, but was given {lengths:?}"))),
    };
    if params.all.is_empty() {
        return Err(mismatch(
            py,
            format!("`{}` takes no arguments: there are no rows to call it with", params.signature),
        ));
    }
    if lists.len() == columns.len() {
        let count = lengths(lists.iter().map(List::len).collect())?;
        return Ok((Rows::Columns(Arc::new(lists)), count));
    }
    let mut all: Vec<Vec<Value>> = Vec::with_capacity(columns.len());
    for (at, column) in columns.iter().enumerate() {
        let values = column.try_iter()?.enumerate().map(|(row, item)| {
            params.all[at].shape.value(&item?).map_err(|misfit| params.misfit(py, at, misfit.at(&format!("[{row}]"))))
        });
        all.push(values.collect::<PyResult<_>>()?);
    }
    let count = lengths(all.iter().map(Vec::len).collect())?;
    let width = all.len();
    let mut each: Vec<_> = all.into_iter().map(Vec::into_iter).collect();
    let values = (0..count * width).filter_map(|at| each[at % width].next());
    Ok((Rows::Values(Arc::new(values.collect()), width), count))
}

/// Calls a function with each row of the columns.
#[allow(clippy::too_many_arguments)]
pub(crate) fn map<'py>(
    py: Python<'py>,
    (module, name): (&purefork::Module, &str),
    function: &Function<Args, Value>,
    ready: &Ready,
    columns: &Bound<'py, PyTuple>,
    keep: bool,
    progress: Option<&Bound<'py, PyAny>>,
    site: Option<&Site>,
) -> PyResult<Bound<'py, PyAny>> {
    let (rows, count) = rows(py, ready, columns)?;
    let result = &ready.given.shape.ty;
    let pieces = py.detach(|| {
        let typed = match &rows {
            Rows::Columns(lists) => typed_columns::start(module, name, lists, count, result),
            Rows::Values(..) => None,
        };
        typed.unwrap_or_else(|| start(function, &rows, count, result))
    });
    let done = join(py, &pieces, result, count, progress)?;
    if !keep && let Some((row, error)) = done.errors.first() {
        return Err(of_row(py, *row, error, site));
    }
    let arrays = matches!(rows, Rows::Columns(_)) && done.errors.is_empty();
    if arrays && !matches!(done.results, Results::Other(_)) {
        let list = done.results.list();
        if let Some(numbers) = Numbers::new(&list) {
            return numbers.into_bound_py_any(py);
        }
        return Ok(PyList::empty(py).into_any());
    }
    let listed = listed(py, &ready.given, done, site)?;
    if !keep && matches!(ready.given.shape.kind, Kind::Result { .. }) && !ready.given.whole {
        for (row, item) in listed.iter().enumerate() {
            if item.is_instance(crate::errors::err_class(py)?)? {
                drop(item.setattr("row", row));
                return Err(PyErr::from_value(item));
            }
        }
    }
    Ok(listed.into_any())
}

/// Calls a function with each tuple of a list, in one future of a list of results and exceptions.
pub(crate) fn fork_rows(
    py: Python<'_>,
    function: &Function<Args, Value>,
    ready: &Ready,
    rows: &Bound<'_, PyList>,
) -> PyResult<Future> {
    let params = &ready.params;
    let mut values = Vec::with_capacity(rows.len() * params.all.len());
    for row in rows.iter() {
        let row = row.cast_into::<PyTuple>().map_err(PyErr::from)?;
        if row.len() != params.all.len() {
            let given = row.len();
            return Err(mismatch(py, format!("expected `{}`, but was given {given} arguments", params.signature)));
        }
        for (at, given) in row.iter().enumerate() {
            values.push(params.value(at, &given)?);
        }
    }
    let (result, given, count) = (ready.given.shape.ty.clone(), ready.given.clone(), rows.len());
    let rows = Rows::Values(Arc::new(values), params.all.len());
    let fork = || function.fork_with(move |calls| run(&rows, 0..count, &result, |args| calls.call_values(args)));
    let whole = py.detach(fork);
    let computed = py.detach(|| {
        whole.then(move |whole| {
            let done = whole.value()?.lock().unwrap_or_else(PoisonError::into_inner).take();
            let done = done.ok_or_else(|| Error::failed("the results were taken before"))?;
            let made = in_callback(|py| listed(py, &given, done, None).map(|list| list.into_any().unbind()));
            made.map(|made| Computed(Arc::new(made))).ok_or_else(|| Error::failed("Python has ended"))
        })
    });
    Ok(Future::new(Source::Python(computed)))
}
