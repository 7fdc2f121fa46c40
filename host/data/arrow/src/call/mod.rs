//! Calls with the rows of columns, on all threads.

mod array;
mod map;
mod piece;
mod reduce;

pub use array::call_array;
#[cfg(feature = "files")]
pub(crate) use map::replacing;
pub use map::{MapBatches, map_batches};
pub use reduce::reduce;

use std::num::NonZero;

/// What becomes of a row that fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Errors {
    /// It ends the whole.
    #[default]
    Stop,
    /// Its result is null, and the others go on.
    Null,
}

/// How calls are made; by [`Calling::new`], and changed by its methods.
#[derive(Clone, Debug)]
pub struct Calling {
    errors: Errors,
    rows: usize,
    bytes: usize,
    into: Option<String>,
    name: String,
}

impl Default for Calling {
    fn default() -> Calling {
        Calling { errors: Errors::Stop, rows: 8192, bytes: 1 << 20, into: None, name: "result".to_owned() }
    }
}

impl Calling {
    /// Pieces of up to 8,192 rows and 1 MiB; the first row that fails ends the whole; results take the place of the columns.
    pub fn new() -> Calling {
        Calling::default()
    }

    /// What becomes of rows that fail.
    pub fn errors(mut self, errors: Errors) -> Calling {
        self.errors = errors;
        self
    }

    /// How many rows one thread takes at a time; in batches, how many rows a call gets at the most.
    pub fn rows(mut self, rows: NonZero<usize>) -> Calling {
        self.rows = rows.get();
        self
    }

    /// How many bytes of arguments one thread takes at a time, about; in batches, a call. One row may have more.
    pub fn bytes(mut self, bytes: NonZero<usize>) -> Calling {
        self.bytes = bytes.get();
        self
    }

    /// Has [`map_batches`] add the results to the columns, under a name, in place of replacing them.
    pub fn into(mut self, column: impl Into<String>) -> Calling {
        self.into = Some(column.into());
        self
    }

    /// How [`map_batches`] names the column of results that are no record and take the place of the columns.
    pub fn name(mut self, column: impl Into<String>) -> Calling {
        self.name = column.into();
        self
    }
}

/// How many pieces are under way at a time: enough for every thread to have one and find another.
fn most_pieces() -> usize {
    2 * std::thread::available_parallelism().map_or(2, NonZero::get) + 1
}
