//! Columns as arguments, row by row or as lists.

use crate::binding::{Bound, From, Nulls, Param};
use crate::error::{Error, ErrorKind, Misfit, Result};
use crate::read::{self, Cells};
use arrow_array::{Array, ArrayRef};
use purefork::Value;
use purefork::value::{List, Type};
use std::ops::Range;
use std::sync::Arc;

/// What a row gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// Arguments.
    Args,
    /// A null where [`Nulls::Null`] makes the result null.
    Null,
}

/// Some rows whose columns are bound to parameters; from [`Binding::rows`](crate::Binding::rows).
///
/// ```
/// use arrow_array::{ArrayRef, Int64Array};
/// use purefork::{Executor, Value};
/// use purefork_arrow::{Bind, Binding};
/// use std::sync::Arc;
///
/// let exec = Executor::new()?;
/// let math = exec.load_bytes(r#"(module (func (export "double") (param $n i64) (result i64)
///     (i64.shl (local.get $n) (i64.const 1))))"#)?;
/// let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
/// let binding = Binding::by_position(&[numbers.data_type().clone()], math.inspect().function("double")?, &Bind::new())?;
/// let rows = binding.rows_of(&[numbers.clone()], 2)?;
/// let mut args = Vec::new();
/// rows.args(1, &mut args)?;
/// assert_eq!(args, [Value::I64(2)]);
/// # use arrow_array::Array;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Rows {
    params: Vec<Source>,
    nulls: Nulls,
    len: usize,
}

struct Source {
    name: Arc<str>,
    ty: Type,
    from: Prepared,
}

enum Prepared {
    Column(Box<dyn Cells>),
    Fixed(Value),
}

impl Rows {
    pub(crate) fn new(bound: &Bound, columns: &[ArrayRef], len: usize) -> Result<Rows> {
        let prepare = |param: &Param| {
            let from = match &param.from {
                From::Fixed(value) => Prepared::Fixed(value.clone()),
                From::Column(at) => {
                    let error = |message: String| {
                        Error::new(
                            ErrorKind::Binding,
                            format!(
                                "column {at}, for the parameter `{}` of `{}`: {message}",
                                param.name, bound.function
                            ),
                        )
                    };
                    let Some(column) = columns.get(*at) else {
                        return Err(error(format!("there are {} columns", columns.len())));
                    };
                    if column.len() != len {
                        return Err(error(format!("it has {} rows, but there are {len}", column.len())));
                    }
                    let cells = read::cells(column, &param.ty);
                    Prepared::Column(cells.map_err(|misfit| error(misfit.to_string()))?)
                }
            };
            Ok(Source { name: param.name.clone(), ty: param.ty.clone(), from })
        };
        let params = bound.params.iter().map(prepare).collect::<Result<_>>()?;
        Ok(Rows { params, nulls: bound.nulls, len })
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// About how many bytes some rows take as arguments. Of variable length it is the length; the rest is an estimate.
    pub fn bytes(&self, rows: Range<usize>) -> usize {
        let bytes = |source: &Source| match &source.from {
            Prepared::Column(cells) => cells.bytes(rows.clone()),
            Prepared::Fixed(_) => 0,
        };
        self.params.iter().map(bytes).sum()
    }

    /// Pushes a row's values, one for each parameter. What was pushed before an error, or a null, is taken off again.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Row`]: a value is none of its parameter's, or a null.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    #[inline]
    pub fn args(&self, row: usize, args: &mut Vec<Value>) -> Result<Given> {
        let before = args.len();
        for source in &self.params {
            let value = match &source.from {
                Prepared::Fixed(value) => value.clone(),
                Prepared::Column(cells) if cells.is_null(row) => {
                    args.truncate(before);
                    return match self.nulls {
                        Nulls::Null => Ok(Given::Null),
                        Nulls::Fail => Err(self.null(row, source)),
                    };
                }
                Prepared::Column(cells) => match cells.get(row) {
                    Ok(value) => value,
                    Err(misfit) => {
                        args.truncate(before);
                        return Err(self.misfit(row, source, &misfit));
                    }
                },
            };
            args.push(value);
        }
        Ok(Given::Args)
    }

    /// Pushes a list of the rows' values for each parameter that has a column; of numbers, in one copy. Gives `false`, and has pushed
    /// nothing, if a row has a null or does not fit: then [`Rows::args`] tells of each.
    ///
    /// # Panics
    ///
    /// If there are no such rows.
    pub fn lists(&self, rows: Range<usize>, args: &mut Vec<Value>) -> bool {
        let before = args.len();
        for source in &self.params {
            let value = match &source.from {
                Prepared::Fixed(value) => value.clone(),
                Prepared::Column(cells) => match cells.list(rows.clone()) {
                    Ok(list) => Value::List(list),
                    Err(_) => {
                        args.truncate(before);
                        return false;
                    }
                },
            };
            args.push(value);
        }
        true
    }

    /// Lists of those of the rows that fit and have no null, and what becomes of each.
    pub(crate) fn some_lists(&self, rows: Range<usize>, args: &mut Vec<Value>) -> Vec<Result<Given>> {
        let mut lists: Vec<Vec<Value>> = self.params.iter().map(|_| Vec::new()).collect();
        let mut row_args = Vec::new();
        let given = rows.map(|row| {
            let given = self.args(row, &mut row_args);
            for (list, value) in lists.iter_mut().zip(row_args.drain(..)) {
                list.push(value);
            }
            given
        });
        let given = given.collect();
        args.extend(self.params.iter().zip(lists).map(|(source, list)| match &source.from {
            Prepared::Fixed(value) => value.clone(),
            Prepared::Column(_) => Value::List(List::from(list)),
        }));
        given
    }

    /// The rows from `start` on that one job or batch takes: up to `rows`, and about `bytes` at the most unless one row has more.
    ///
    /// # Panics
    ///
    /// If there is no row `start`.
    pub fn piece(&self, start: usize, rows: usize, bytes: usize) -> Range<usize> {
        let mut count = rows.min(self.len - start).max(1);
        while count > 1 {
            let size = self.bytes(start..start + count);
            if size <= bytes {
                break;
            }
            // In proportion, but by no less than half, so that it ends.
            let fits = (count as u128 * bytes as u128 / size as u128) as usize;
            count = fits.clamp(1, count / 2 + count % 2).min(count - 1).max(1);
        }
        start..start + count
    }

    #[cold]
    fn null(&self, row: usize, source: &Source) -> Error {
        let Source { name, ty, .. } = source;
        let message = format!("the column for `{name}` is null, but {} has none", ty.brief());
        Error::new(ErrorKind::Row, message)
            .with_help("make the parameter an option, or have the results of such rows be null")
            .at_row(row as u64)
    }

    #[cold]
    fn misfit(&self, row: usize, source: &Source, misfit: &Misfit) -> Error {
        Error::new(ErrorKind::Row, format!("the column for `{}`: {misfit}", source.name)).at_row(row as u64)
    }
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rows({})", self.len)
    }
}
