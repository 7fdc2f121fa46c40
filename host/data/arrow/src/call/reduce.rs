//! A column → one value.

use crate::error::{Error, ErrorKind, Result};
use crate::read;
use arrow_array::{Array, ArrayRef};
use purefork::inspect::InspectedFunction;
use purefork::{Args, Function, Value};

/// Folds a column to one value with a function that takes two values of a type and gives one, and should be associative; on all threads, in
/// the same order on any number of them: see [`Function::reduce`]. Nulls are left out, as SQL's aggregates leave them out; `None` of no
/// values.
///
/// ```
/// use arrow_array::{ArrayRef, Int64Array};
/// use purefork::{Args, Executor, Value};
/// use purefork_arrow::reduce;
/// use std::sync::Arc;
///
/// let exec = Executor::new()?;
/// let math = exec.load_bytes(r#"(module (func (export "add") (param $a i64) (param $b i64) (result i64)
///     (i64.add (local.get $a) (local.get $b))))"#)?;
/// let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(41)]));
/// let sum = reduce(&math.function::<Args, Value>("add")?, math.inspect().function("add")?, &numbers)?;
/// assert_eq!(sum, Some(Value::I64(42)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::Binding`], if the function is none of that form or the column is none of the type; the first error of a row or a call.
#[track_caller]
pub fn reduce(
    function: &Function<Args, Value>,
    inspected: &InspectedFunction,
    column: &ArrayRef,
) -> Result<Option<Value>> {
    let ty = match (inspected.params.as_slice(), inspected.results.as_slice()) {
        ([left, right], [result]) if left.ty == right.ty && left.ty == *result => &left.ty,
        _ => {
            return Err(Error::new(
                ErrorKind::Binding,
                format!(
                    "expected a function that takes two values of a type and gives one, but `{inspected}` does not"
                ),
            ));
        }
    };
    let cells = read::cells(column, ty).map_err(|misfit| {
        let message = format!("a column of {} cannot be folded by `{inspected}`: {misfit}", column.data_type());
        Error::new(ErrorKind::Binding, message).with_help("cast the column, or change the function's type")
    })?;
    // The first value that does not fit ends the values; what was folded until then is dropped.
    let mut misfit = None;
    let values = (0..column.len()).filter(|&row| !cells.is_null(row)).map_while(|row| {
        let value = cells.get(row).map_err(|why| {
            misfit = Some(Error::new(ErrorKind::Row, format!("the column: {why}")).at_row(row as u64));
        });
        value.ok()
    });
    let folded = function.reduce(values)?;
    misfit.map_or(Ok(folded), Err)
}
