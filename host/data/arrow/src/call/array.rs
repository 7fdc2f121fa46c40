//! Columns → one column.

use super::piece::Piece;
use super::{Calling, most_pieces};
use crate::binding::Binding;
use crate::error::{Error, ErrorKind, Result};
use arrow_array::{ArrayRef, new_empty_array};
use purefork::{Args, Function, Value};
use std::collections::VecDeque;
use std::sync::Arc;

/// Calls the function with each row of some columns, or with batches of rows if they are bound so, on all threads; gives the results as
/// one column, in the order of the rows.
///
/// Of rows that fail, by [`Errors::Null`](crate::Errors::Null), the errors come beside, in order, with the rows' numbers.
///
/// ```
/// use arrow_array::cast::AsArray;
/// use arrow_array::types::Int64Type;
/// use arrow_array::{Array, ArrayRef, Int64Array};
/// use purefork::{Args, Executor, Value};
/// use purefork_arrow::{Bind, Binding, Calling, call_array};
/// use std::sync::Arc;
///
/// let exec = Executor::new()?;
/// let math = exec.load_bytes(r#"(module (func (export "add") (param $a i64) (param $b i64) (result i64)
///     (i64.add (local.get $a) (local.get $b))))"#)?;
/// let function = math.function::<Args, Value>("add")?;
/// let a: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100_000));
/// let types = [a.data_type().clone(), a.data_type().clone()];
/// let binding = Arc::new(Binding::by_position(&types, math.inspect().function("add")?, &Bind::new())?);
/// let (sums, _) = call_array(&function, &binding, &[a.clone(), a], 100_000, &Calling::new())?;
/// assert_eq!(sums.as_primitive::<Int64Type>().value(99_999), 199_998);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// The first error of a row, by [`Errors::Stop`](crate::Errors::Stop); or columns that are not those that were bound, or results that are
/// too large for one column.
#[track_caller]
pub fn call_array(
    function: &Function<Args, Value>,
    binding: &Arc<Binding>,
    columns: &[ArrayRef],
    rows: usize,
    calling: &Calling,
) -> Result<(ArrayRef, Vec<Error>)> {
    let prepared = Arc::new(binding.rows_of(columns, rows)?);
    // For each thread some, but none that is hardly worth a thread.
    let share = (rows / most_pieces()).max(512).min(calling.rows);
    let (mut pieces, mut arrays, mut errors) = (VecDeque::new(), Vec::new(), Vec::new());
    let mut start = 0;
    loop {
        while start < rows && pieces.len() < most_pieces() {
            let piece = prepared.piece(start, share, calling.bytes);
            start = piece.end;
            pieces.push_back(Piece::spawn(function, binding, &prepared, piece, calling.errors));
        }
        let Some(piece) = pieces.pop_front() else { break };
        let done = piece.join()?;
        arrays.push(done.results);
        errors.extend(done.errors);
    }
    let whole = match arrays.as_slice() {
        [] => new_empty_array(binding.data_type()),
        [one] => one.clone(),
        several => {
            let several: Vec<&dyn arrow_array::Array> = several.iter().map(AsRef::as_ref).collect();
            arrow_select::concat::concat(&several).map_err(|error| {
                Error::new(ErrorKind::Row, format!("the results are too large for one column: {error}"))
                    .with_help("take smaller batches")
            })?
        }
    };
    Ok((whole, errors))
}
