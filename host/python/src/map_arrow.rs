//! Many calls of a function with columns of Arrow: they are read where they lie, and the results become a column.
//!
//! Columns may be streams, which are taken as threads have room, and may be cut into arrays each in its own way: calls are made with the rows
//! that all have an array for. All that comes from others comes without the GIL, since they may take it.

use crate::column::Column;
use crate::columns::{self, Results};
use crate::errors::{mismatch, of_kind, raised};
use crate::function::Ready;
use crate::shape::Kind;
use crate::site::Site;
use crate::source::Source;
use crate::typed_columns;
use crate::waiting::settle;
use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, Float32Array, Float64Array, Int32Array, Int64Array, NullArray, UInt32Array, UInt64Array,
};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Fields, Schema};
use purefork::bulk::Calls;
use purefork::inspect::InspectedFunction;
use purefork::value::{List, Type};
use purefork::{Args, ErrorKind, Value};
use purefork_arrow::{Bind, Binding, Error, Given, Nulls, ResultBuilder, Rows, Values, Variants};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::collections::VecDeque;
use std::num::NonZero;
use std::ops::Range;
use std::sync::{Arc, PoisonError};

/// The most rows, and about the most bytes of arguments, that a thread takes at a time.
const ROWS: usize = 4096;
const BYTES: usize = 1 << 20;

/// What is asked of a run.
pub(crate) struct Options<'a, 'py> {
    /// Whether a row that fails has a null, and the others go on.
    pub(crate) keep: bool,
    pub(crate) nulls: Nulls,
    /// Whether the only column is a table, whose columns are the parameters of their names; where nobody knows, its type says so.
    pub(crate) table: Option<bool>,
    pub(crate) progress: Option<&'a Bound<'py, PyAny>>,
    /// The line of Python that forks.
    pub(crate) site: Option<&'a Site>,
}

/// Why a row failed.
#[derive(Clone)]
enum Why {
    /// Its call did, or its values do not fit.
    Error(Error),
    /// Its call returned an `err`.
    Err(Value),
}

/// What became of a piece: results, and what failed, with the number of its row in the piece's arrays.
#[derive(Clone)]
struct Done {
    results: ArrayRef,
    failures: Vec<(usize, Why)>,
}

/// How a piece is made.
struct Plan {
    /// The types of the parameters, if numbers are passed without a value made of each.
    typed: Option<Vec<Type>>,
    binding: Binding,
    result: Type,
    /// Whether the `ok` of a `result` is the row's value, and its `err` a failure.
    opens: bool,
    keep: bool,
}

impl Plan {
    fn run(&self, calls: &mut Calls<'_, Args, Value>, rows: &Rows, range: Range<usize>) -> Result<Done, Error> {
        let mut results = ResultBuilder::new(&self.result, Variants::Structure)?;
        let (mut failures, mut args) = (Vec::new(), Vec::new());
        for row in range {
            let why = match rows.args(row, &mut args) {
                Ok(Given::Null) => {
                    results.push_null();
                    continue;
                }
                Ok(Given::Args) => match calls.call_values(&mut args) {
                    Ok(value) => match self.opened(value) {
                        Ok(value) => results.push(&value).err().map(Why::Error),
                        Err(why) => Some(why),
                    },
                    // A call that was given up is no result of the row.
                    Err(error) if error.kind() == ErrorKind::Cancelled => return Err(error.into()),
                    Err(error) => Some(Why::Error(error.into())),
                },
                Err(error) => Some(Why::Error(error)),
            };
            args.clear();
            let Some(why) = why else { continue };
            failures.push((row, why));
            if !self.keep {
                break;
            }
            results.push_null();
        }
        Ok(Done { results: results.finish()?, failures })
    }

    /// The columns of the parameters as lists of numbers, if none has a null or another number.
    fn lists(&self, arrays: &[ArrayRef], count: usize) -> Option<Arc<Vec<List>>> {
        let columns = self.typed.as_ref()?.iter().zip(self.binding.columns());
        let lists = columns.map(|(ty, &at)| {
            let list = Values::new(arrays.get(at)?, ty).ok()?.list(0..count).ok()?;
            // Those of dictionaries and decimals are made one by one, as values.
            list.as_bytes().is_some().then_some(list)
        });
        Some(Arc::new(lists.collect::<Option<_>>()?))
    }

    fn opened(&self, value: Value) -> Result<Value, Why> {
        match value {
            Value::Result(Ok(value)) if self.opens => Ok(value.map_or_else(Value::unit, Arc::unwrap_or_clone)),
            Value::Result(Err(_)) if self.opens => Err(Why::Err(value)),
            value => Ok(value),
        }
    }
}

/// What is wrong with what comes in.
enum Broken {
    /// Its producer failed.
    Stream(String),
    Lengths(String),
    Error(Error),
}

/// Rows on their way to threads.
struct Feed {
    sources: Vec<Source>,
    /// Whether the only source is one of tables.
    table: bool,
    /// The arrays that pieces are cut from: the rows, the next of them, and the number of the first.
    current: Option<(Arc<Rows>, usize, u64)>,
    taken: u64,
}

impl Feed {
    /// The next rows that all sources have an array for.
    fn arrays(&mut self) -> Result<Option<(Vec<ArrayRef>, usize)>, Broken> {
        let mut left = Vec::with_capacity(self.sources.len());
        for source in &mut self.sources {
            left.push(source.left().map_err(Broken::Stream)?);
        }
        let count = left.iter().flatten().min().copied();
        let Some(count) = count else { return Ok(None) };
        if let Some(short) = left.iter().position(Option::is_none) {
            let long = left.iter().position(Option::is_some).unwrap_or_default();
            let (short, long) = (&self.sources[short], &self.sources[long]);
            return Err(Broken::Lengths(format!(
                "expected columns of one length, but `{}` has {} rows, and `{}` more",
                short.name, short.taken, long.name
            )));
        }
        let arrays = self.sources.iter_mut().filter_map(|source| source.take(count)).collect::<Vec<_>>();
        if !self.table {
            return Ok(Some((arrays, count)));
        }
        match arrays.first().and_then(|table| table.as_struct_opt()) {
            Some(table) if table.null_count() > 0 => Err(Broken::Stream(
                "expected a table, but was given a column of structures, some of which are null".to_owned(),
            )),
            Some(table) => Ok(Some((table.columns().to_vec(), count))),
            None => Ok(None),
        }
    }

    /// The next rows that threads are given; none at the end.
    fn next(&mut self, plan: &Plan) -> Result<Option<Next>, Broken> {
        loop {
            if let Some((rows, start, first)) = &mut self.current
                && *start < rows.len()
            {
                let range = rows.piece(*start, ROWS, BYTES);
                *start = range.end;
                return Ok(Some(Next::Rows(rows.clone(), range, *first)));
            }
            let Some((arrays, count)) = self.arrays()? else { return Ok(None) };
            let first = self.taken;
            self.taken += count as u64;
            if let Some(lists) = plan.lists(&arrays, count) {
                return Ok(Some(Next::Lists(lists, count, first)));
            }
            let rows = plan.binding.rows_of(&arrays, count).map_err(Broken::Error)?;
            self.current = Some((Arc::new(rows), 0, first));
        }
    }
}

/// Rows for threads, with the number of the first row of their arrays.
enum Next {
    Rows(Arc<Rows>, Range<usize>, u64),
    Lists(Arc<Vec<List>>, usize, u64),
}

enum Piece {
    Rows(purefork::Future<Arc<Result<Done, Error>>>),
    /// Of numbers alone.
    Numbers(columns::Piece),
}

impl Piece {
    fn cancel(&self) {
        match self {
            Piece::Rows(piece) => piece.cancel(),
            Piece::Numbers(piece) => piece.cancel(),
        };
    }

    /// What became of it. `start`: the number of its first row.
    fn done(&self, py: Python<'_>, start: usize, site: Option<&Site>) -> PyResult<Done> {
        match self {
            Piece::Rows(piece) => {
                settle(py, piece, None)?;
                let done = piece.value().map_err(|error| raised(py, &error, site))?;
                done.as_ref().clone().map_err(|error| told(py, &error, site))
            }
            Piece::Numbers(piece) => {
                settle(py, piece, None)?;
                let done = piece.value().map_err(|error| raised(py, &error, site))?;
                let done = done.lock().unwrap_or_else(PoisonError::into_inner).take();
                let Some(columns::Done { results, errors }) = done else {
                    return Err(of_kind(py, ErrorKind::Failed, "the results were taken before".to_owned()));
                };
                if let Some((_, error)) = errors.iter().find(|(_, error)| error.kind() == ErrorKind::Cancelled) {
                    return Err(raised(py, error, site));
                }
                let results = array(results, start, &errors);
                let failures = errors.into_iter().map(|(row, error)| (row, Why::Error(error.into())));
                Ok(Done { results, failures: failures.collect() })
            }
        }
    }
}

/// Numbers as an array, null in the places of those that failed.
fn array(results: Results, start: usize, errors: &[(usize, purefork::Error)]) -> ArrayRef {
    let nulls = |len: usize| {
        let mut valid = vec![true; len];
        errors.iter().for_each(|(row, _)| valid[row - start] = false);
        (!errors.is_empty()).then(|| NullBuffer::from(valid))
    };
    macro_rules! number {
        ($numbers:expr, $array:ident) => {{
            let nulls = nulls($numbers.len());
            Arc::new($array::new($numbers.into(), nulls))
        }};
    }
    match results {
        Results::I32(all) => number!(all, Int32Array),
        Results::I64(all) => number!(all, Int64Array),
        Results::U32(all) => number!(all, UInt32Array),
        Results::U64(all) => number!(all, UInt64Array),
        Results::F32(all) => number!(all, Float32Array),
        Results::F64(all) => number!(all, Float64Array),
        // None of numbers is called so.
        Results::Other(all) => Arc::new(NullArray::new(all.len())),
    }
}

/// A piece that is under way.
struct Under {
    piece: Piece,
    /// The number of its first row in its arrays.
    start: usize,
    rows: usize,
    /// The number of the first row of its arrays.
    first: u64,
    /// What its rows lie in, so that it is this thread that gives it back: who gave it may need the GIL for that.
    _holds: Arc<dyn Send + Sync>,
}

/// Calls a function with each row of the columns. Gives the results, and an exception for each row that failed and was kept.
pub(crate) fn map<'py>(
    py: Python<'py>,
    names: (&purefork::Module, &InspectedFunction),
    ready: &Ready,
    columns: &Bound<'py, PyTuple>,
    options: &Options<'_, 'py>,
) -> PyResult<(Column, Vec<Bound<'py, PyAny>>)> {
    let inspected = names.1;
    let mut feed = feed(py, inspected, ready, columns, options.table)?;
    let bind = Bind::new().nulls(options.nulls).variants(Variants::Structure);
    let binding = match (feed.table, feed.sources.first().map(Source::data_type)) {
        (true, Some(DataType::Struct(fields))) => Binding::by_name(&Schema::new(fields), inspected, &bind),
        _ => {
            let types: Vec<DataType> = feed.sources.iter().map(Source::data_type).collect();
            Binding::by_position(&types, inspected, &bind)
        }
    };
    let binding = binding.map_err(|error| told(py, &error, None))?;
    let opened = ready.given.opened();
    let result = opened.map_or_else(|| Type::tuple([]), |shape| shape.ty.clone());
    let opens = matches!(ready.given.shape.kind, Kind::Result { .. }) && !ready.given.whole;
    let data_type = match ResultBuilder::new(&result, Variants::Structure) {
        Ok(builder) => builder.data_type(),
        Err(error) => return Err(told(py, &error, None)),
    };
    let types: Vec<&Type> = inspected.params.iter().map(|param| &param.ty).collect();
    let typed = typed_columns::takes(&types, &result).then(|| types.into_iter().cloned().collect());
    let plan = Arc::new(Plan { typed, binding, result: result.clone(), opens, keep: options.keep });

    let mut under = VecDeque::new();
    let mut all = All { results: Vec::new(), failures: Vec::new() };
    let run = run(py, names, &plan, (&mut feed, &mut under, &mut all), ready, options);
    if let Err(error) = run {
        py.detach(|| {
            under.iter().rev().for_each(|under| {
                under.piece.cancel();
            })
        });
        return Err(error);
    }
    // What is left of streams is given back by the thread that took it.
    drop(feed);
    let column = Column::new(py, &all.results, &data_type, result, ready.given.clone())?;
    Ok((column, all.failures))
}

/// What has come out.
struct All<'py> {
    results: Vec<ArrayRef>,
    failures: Vec<Bound<'py, PyAny>>,
}

fn run<'py>(
    py: Python<'py>,
    (module, inspected): (&purefork::Module, &InspectedFunction),
    plan: &Arc<Plan>,
    (feed, under, all): (&mut Feed, &mut VecDeque<Under>, &mut All<'py>),
    ready: &Ready,
    &Options { progress, site, .. }: &Options<'_, 'py>,
) -> PyResult<()> {
    let function = ready.function.as_ref().map_err(|error| raised(py, error, None))?;
    // Every thread has a piece and finds another.
    let most = 2 * std::thread::available_parallelism().map_or(2, NonZero::get) + 1;
    loop {
        while under.len() < most {
            let begun = py.detach(|| {
                match feed.next(plan)? {
                    None => return Ok(false),
                    Some(Next::Rows(rows, range, first)) => {
                        let (plan, start, count, holds) = (plan.clone(), range.start, range.len(), rows.clone());
                        let piece = function.fork_with(move |calls| Arc::new(plan.run(calls, &rows, range)));
                        under.push_back(Under { piece: Piece::Rows(piece), start, rows: count, first, _holds: holds });
                    }
                    Some(Next::Lists(lists, count, first)) => {
                        let pieces = typed_columns::start(module, &inspected.exact, &lists, count, &plan.result);
                        let pieces = pieces
                            .ok_or_else(|| Broken::Stream("the numbers are others than the function's".to_owned()))?;
                        let size = columns::size(count);
                        under.extend(pieces.into_iter().enumerate().map(|(at, piece)| {
                            let start = at * size;
                            Under {
                                piece: Piece::Numbers(piece),
                                start,
                                rows: size.min(count - start),
                                first,
                                _holds: lists.clone(),
                            }
                        }));
                    }
                }
                Ok(true)
            });
            match begun {
                Ok(true) => {}
                Ok(false) => break,
                Err(Broken::Lengths(text)) => return Err(mismatch(py, text)),
                Err(Broken::Stream(text)) => return Err(of_kind(py, ErrorKind::Failed, text)),
                Err(Broken::Error(error)) => return Err(told(py, &error, None)),
            }
        }
        let Some(Under { piece, start, rows, first, .. }) = under.front() else { return Ok(()) };
        let done = piece.done(py, *start, site)?;
        for (row, why) in &done.failures {
            let exception = match why {
                Why::Error(error) => told(py, error, site),
                Why::Err(value) => PyErr::from_value(ready.given.shape.to_python(py, value)?),
            };
            // One that takes no attributes is as good without.
            drop(exception.value(py).setattr("row", first + *row as u64));
            if !plan.keep {
                return Err(exception);
            }
            all.failures.push(exception.into_value(py).into_bound(py).into_any());
        }
        all.results.push(done.results);
        if let Some(progress) = progress {
            progress.call1((*rows,))?;
        }
        under.pop_front();
    }
}

/// The columns as what rows are taken from.
fn feed(
    py: Python<'_>,
    inspected: &InspectedFunction,
    ready: &Ready,
    columns: &Bound<'_, PyTuple>,
    table: Option<bool>,
) -> PyResult<Feed> {
    let params = &ready.params.all;
    let mut sources = Vec::with_capacity(columns.len());
    for (at, given) in columns.iter().enumerate() {
        let name = params.get(at).map_or_else(|| at.to_string(), |param| param.name.clone());
        sources.push(Source::new(name, &given, params.get(at), |misfit| ready.params.misfit(py, at, misfit))?);
    }
    let fields = match sources.first().map(Source::data_type) {
        Some(DataType::Struct(fields)) if sources.len() == 1 => Some(fields),
        _ => None,
    };
    let table = match (table, &fields) {
        (Some(true), None) => return Err(mismatch(py, "expected a table, but was given a column".to_owned())),
        (Some(table), _) => table,
        (None, Some(fields)) => is_table(inspected, fields),
        (None, None) => false,
    };
    if columns.is_empty() || (!table && columns.len() != params.len()) {
        let (given, signature) = (columns.len(), &ready.params.signature);
        return Err(mismatch(
            py,
            format!("expected a column for each parameter of `{signature}`, but was given {given}"),
        ));
    }
    Ok(Feed { sources, table, current: None, taken: 0 })
}

/// Whether structures that nobody calls a table are rows of one: unless the function's only parameter can be a structure.
fn is_table(inspected: &InspectedFunction, fields: &Fields) -> bool {
    match &*inspected.params {
        [param] => {
            let ty = match &param.ty {
                Type::Option(some) => some,
                ty => ty,
            };
            let structure =
                matches!(ty, Type::Record(_) | Type::Tuple(_) | Type::Variant(_) | Type::Result(_) | Type::Flags(_));
            !structure || fields.iter().any(|field| crate::from_python::same(&param.name, field.name()))
        }
        _ => true,
    }
}

/// An error as an exception: of a call, what it failed with.
#[cold]
fn told(py: Python<'_>, error: &Error, site: Option<&Site>) -> PyErr {
    if let Some(call) = error.call() {
        return raised(py, call, site);
    }
    let exception = mismatch(py, error.message().to_owned());
    drop(exception.value(py).setattr("help", error.help()));
    if let Some(row) = error.row() {
        drop(exception.value(py).setattr("row", row));
    }
    exception
}
