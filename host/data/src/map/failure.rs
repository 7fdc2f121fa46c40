//! A row that failed, with its place.

use crate::error::RowError;
use crate::format::{Place, Rows};
use crate::json::write_string;
use std::fmt;
use std::sync::Arc;

/// A row that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The input, as messages call it.
    pub file: Arc<str>,
    /// The row, from 1, within its input.
    pub row: u64,
    /// Where it is.
    pub place: Place,
    /// What is wrong.
    pub error: RowError,
    /// The library's error, if the call failed.
    pub cause: Option<purefork::Error>,
}

impl Failure {
    pub(super) fn new(
        file: &Arc<str>,
        rows: &dyn Rows,
        row: usize,
        error: RowError,
        cause: Option<purefork::Error>,
    ) -> Failure {
        Failure { file: file.clone(), row: rows.first() + row as u64 + 1, place: rows.place(row), error, cause }
    }

    /// Appends a line of JSON that tells all, with the row itself.
    pub(super) fn write(&self, raw: &[u8], to: &mut Vec<u8>) {
        to.extend_from_slice(b"{\"file\":");
        write_string(&self.file, to);
        number(to, "row", Some(self.row));
        number(to, "line", self.place.line);
        number(to, "byte", self.place.byte);
        to.extend_from_slice(b",\"column\":");
        match &self.error.column {
            Some(column) => write_string(column, to),
            None => to.extend_from_slice(b"null"),
        }
        to.extend_from_slice(b",\"kind\":");
        write_string(&self.error.kind, to);
        to.extend_from_slice(b",\"message\":");
        write_string(&self.error.message, to);
        to.extend_from_slice(b",\"raw\":");
        write_string(&String::from_utf8_lossy(raw), to);
        to.extend_from_slice(b"}\n");
    }
}

fn number(to: &mut Vec<u8>, name: &str, number: Option<u64>) {
    let number = number.map_or("null".to_owned(), |number| number.to_string());
    to.extend_from_slice(format!(",\"{name}\":{number}").as_bytes());
}

impl fmt::Display for Failure {
    /// `row 12 of `in.ndjson` (line 13): `age`: expected u8, …`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {} of `{}`", self.row, self.file)?;
        if let Some(line) = self.place.line.filter(|line| *line != self.row) {
            write!(f, " (line {line})")?;
        }
        write!(f, ": {}", self.error)
    }
}
