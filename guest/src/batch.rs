//! What the batch form of a function needs: columns of one length, and which row has failed.

use std::fmt::Display;

/// Ends the call if a column is not as long as the first one; each with its name.
pub fn same_length(first: (&str, usize), other: (&str, usize)) {
    if first.1 != other.1 {
        columns_of_different_lengths(first, other);
    }
}

/// A message does not leave the sandbox, but the name of the function that trapped does: it is the first of the trap's places.
#[cfg(target_arch = "wasm32")]
#[cold]
#[inline(never)]
fn columns_of_different_lengths(_: (&str, usize), _: (&str, usize)) -> ! {
    core::arch::wasm32::unreachable()
}

#[cfg(not(target_arch = "wasm32"))]
#[cold]
fn columns_of_different_lengths((first, rows): (&str, usize), (other, found): (&str, usize)) -> ! {
    panic!("columns of different lengths: `{first}` has {rows} rows, `{other}` has {found}")
}

/// The results of all rows, or the number of the first that has none, from 0, and why.
///
/// # Errors
///
/// That of the first row that has one.
pub fn rows<T, E: Display>(rows: impl Iterator<Item = Result<T, E>>) -> Result<Vec<T>, String> {
    let mut results = Vec::with_capacity(rows.size_hint().0);
    for (row, result) in rows.enumerate() {
        match result {
            Ok(result) => results.push(result),
            Err(error) => return Err(format!("row {row}: {error}")),
        }
    }
    Ok(results)
}
