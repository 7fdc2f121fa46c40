//! A column as values.

use crate::error::{Error, ErrorKind, Misfit, Result};
use crate::read::{self, Cells};
use arrow_array::{Array, ArrayRef};
use purefork::Value;
use purefork::value::{List, Type};
use std::ops::Range;

/// A column read as values of one type of WIT: one by one, or as a list of them, which is what a function takes that takes a whole column.
///
/// ```
/// use arrow_array::{ArrayRef, Int64Array};
/// use purefork::Value;
/// use purefork::value::Type;
/// use purefork_arrow::Values;
/// use std::sync::Arc;
///
/// let column: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
/// let values = Values::new(&column, &Type::S64)?;
/// assert_eq!((values.get(0)?, values.get(1)?), (Some(Value::I64(1)), None));
/// assert_eq!(values.list(0..1)?.len(), 1);
/// # Ok::<(), purefork_arrow::Error>(())
/// ```
pub struct Values {
    cells: Box<dyn Cells>,
    len: usize,
}

impl Values {
    /// Prepares a column to be read as values of a type.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Binding`], if no column of its type can be read so.
    pub fn new(column: &ArrayRef, ty: &Type) -> Result<Values> {
        let cells = read::cells(column, ty).map_err(|misfit| {
            let message = format!("a column of {} cannot be read as {}: {misfit}", column.data_type(), ty.brief());
            Error::new(ErrorKind::Binding, message)
        })?;
        Ok(Values { cells, len: column.len() })
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The value of a row; none where it is null.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Row`]: the value is none of the type.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    pub fn get(&self, row: usize) -> Result<Option<Value>> {
        match self.cells.is_null(row) {
            true => Ok(None),
            false => self.cells.get(row).map(Some).map_err(|misfit| wrong(&misfit).at_row(row as u64)),
        }
    }

    /// The values of some rows as a list. Numbers are not copied, if they are many and the column has them as they are passed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Row`]: a value is none of the type, or is null.
    ///
    /// # Panics
    ///
    /// If there are no such rows.
    pub fn list(&self, rows: Range<usize>) -> Result<List> {
        self.cells.list(rows).map_err(|misfit| wrong(&misfit))
    }
}

impl std::fmt::Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Values({})", self.len)
    }
}

#[cold]
fn wrong(misfit: &Misfit) -> Error {
    Error::new(ErrorKind::Row, misfit.to_string())
}
