//! Results to lines.

use super::line::keys;
use crate::error::{Result, RowError};
use crate::format::{Encoded, Encoder, Outcome, Rows};
use crate::json::{write, write_string};
use crate::table::Table;
use purefork::Value;
use std::sync::Arc;

struct NdjsonEncoder {
    table: Arc<Table>,
    text: Vec<u8>,
    cells: Vec<Value>,
}

pub(super) fn encoder(table: Arc<Table>) -> Box<dyn Encoder> {
    Box::new(NdjsonEncoder { table, text: Vec::new(), cells: Vec::new() })
}

impl Encoder for NdjsonEncoder {
    fn push(&mut self, rows: &mut dyn Rows, row: usize, outcome: Outcome<'_>) -> Result<(), RowError> {
        let table = self.table.clone();
        let Some(into) = &table.into else {
            self.outcome(&outcome);
            self.text.push(b'\n');
            return Ok(());
        };
        let start = self.text.len();
        let read = !matches!(&outcome, Outcome::Failed(error) if error.kind == "Row");
        self.text.push(b'{');
        match rows.object(row) {
            Some(object) if read || takes(object, into) => {
                let members = object[1..object.len() - 1].trim_ascii();
                self.text.extend_from_slice(members);
            }
            _ if read => {
                self.cells.clear();
                if let Err(error) = rows.cells(row, &mut self.cells) {
                    self.text.truncate(start);
                    return Err(error);
                }
                for (at, (column, cell)) in table.columns.iter().zip(&self.cells).enumerate() {
                    if at != 0 {
                        self.text.push(b',');
                    }
                    write_string(&column.name, &mut self.text);
                    self.text.push(b':');
                    write(cell, &mut self.text);
                }
            }
            // What could not be read has no fields.
            _ => {}
        }
        if self.text.len() > start + 1 {
            self.text.push(b',');
        }
        write_string(into, &mut self.text);
        self.text.push(b':');
        self.outcome(&outcome);
        self.text.extend_from_slice(b"}\n");
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Encoded> {
        Ok(Encoded::Bytes(self.text))
    }
}

/// Whether a text is an object that has no such field yet.
fn takes(object: &[u8], field: &str) -> bool {
    let object = std::str::from_utf8(object).unwrap_or_default();
    keys(object, |key| key == field).is_some_and(|(has, _)| !has)
}

impl NdjsonEncoder {
    fn outcome(&mut self, outcome: &Outcome<'_>) {
        match outcome {
            Outcome::Null => self.text.extend_from_slice(b"null"),
            Outcome::Value(_) if self.table.result.is_none() => self.text.extend_from_slice(b"null"),
            Outcome::Value(value) => write(value, &mut self.text),
            Outcome::Failed(error) => {
                self.text.extend_from_slice(b"{\"error\":{\"kind\":");
                write_string(&error.kind, &mut self.text);
                self.text.extend_from_slice(b",\"message\":");
                write_string(&error.to_string(), &mut self.text);
                self.text.extend_from_slice(b"}}");
            }
        }
    }
}
