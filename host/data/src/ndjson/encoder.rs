//! Results to lines.

use super::line::members;
use crate::error::{Result, RowError};
use crate::format::{Encoded, Encoder, Outcome, Rows};
use crate::json::{MOST_TEXT, write, write_string};
use crate::table::Table;
use purefork::Value;
use std::sync::Arc;

struct NdjsonEncoder {
    table: Arc<Table>,
    text: Vec<u8>,
    /// Where the row begins that is being written.
    row: usize,
    cells: Vec<Value>,
}

pub(super) fn encoder(table: Arc<Table>) -> Box<dyn Encoder> {
    Box::new(NdjsonEncoder { table, text: Vec::new(), row: 0, cells: Vec::new() })
}

impl Encoder for NdjsonEncoder {
    fn push(&mut self, rows: &mut dyn Rows, row: usize, outcome: Outcome<'_>) -> Result<(), RowError> {
        self.begin_row(rows, row, outcome.is_unread())?;
        let written = self.outcome(&outcome);
        self.end(written.is_ok());
        written
    }

    fn begin(&mut self, rows: &mut dyn Rows, row: usize) -> Result<Option<(&mut Vec<u8>, usize)>, RowError> {
        self.begin_row(rows, row, false)?;
        Ok(Some((&mut self.text, MOST_TEXT)))
    }

    fn end(&mut self, whole: bool) {
        match whole {
            true if self.table.into.is_some() => self.text.extend_from_slice(b"}\n"),
            true => self.text.push(b'\n'),
            false => self.text.truncate(self.row),
        }
    }

    fn bytes(&self) -> usize {
        self.text.len()
    }

    fn take_back(&mut self, mark: usize) {
        self.text.truncate(mark);
    }

    fn finish(self: Box<Self>) -> Result<Encoded> {
        Ok(Encoded::Bytes(self.text))
    }
}

impl NdjsonEncoder {
    /// Writes what is before the result.
    fn begin_row(&mut self, rows: &mut dyn Rows, row: usize, unread: bool) -> Result<(), RowError> {
        self.row = self.text.len();
        let Some(into) = &self.table.into else { return Ok(()) };
        self.text.push(b'{');
        match rows.object(row) {
            Some(object) if !unread => {
                let members = object[1..object.len() - 1].trim_ascii();
                self.text.extend_from_slice(members);
            }
            // It may be no JSON, or have a field already of the name that its error is to have.
            Some(object) if let Some(members) = members(std::str::from_utf8(object).unwrap_or_default()) => {
                for (at, (name, value)) in members.iter().filter(|(name, _)| name != into).enumerate() {
                    if at != 0 {
                        self.text.push(b',');
                    }
                    write_string(name, &mut self.text);
                    self.text.push(b':');
                    self.text.extend_from_slice(value.get().as_bytes());
                }
            }
            _ => {
                self.cells.clear();
                let mut read = Ok(());
                match unread {
                    true => rows.remains(row, &mut self.cells),
                    false => read = rows.cells(row, &mut self.cells),
                }
                for (at, (column, cell)) in self.table.columns.iter().zip(&self.cells).enumerate() {
                    if at != 0 {
                        self.text.push(b',');
                    }
                    write_string(&column.name, &mut self.text);
                    self.text.push(b':');
                    read = read.and_then(|()| write(cell, &mut self.text));
                }
                read.inspect_err(|_| self.text.truncate(self.row))?;
            }
        }
        if self.text.len() > self.row + 1 {
            self.text.push(b',');
        }
        write_string(into, &mut self.text);
        self.text.push(b':');
        Ok(())
    }

    fn outcome(&mut self, outcome: &Outcome<'_>) -> Result<(), RowError> {
        match outcome {
            Outcome::Null => self.text.extend_from_slice(b"null"),
            Outcome::Value(_) if self.table.result.is_none() => self.text.extend_from_slice(b"null"),
            Outcome::Value(value) => return write(value, &mut self.text),
            Outcome::Failed(error) => {
                self.text.extend_from_slice(b"{\"error\":{\"kind\":");
                write_string(&error.kind, &mut self.text);
                self.text.extend_from_slice(b",\"message\":");
                write_string(&error.to_string(), &mut self.text);
                self.text.extend_from_slice(b"}}");
            }
        }
        Ok(())
    }
}
