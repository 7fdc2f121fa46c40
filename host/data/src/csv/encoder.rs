//! Results to records.

use super::cell::text;
use super::record::Fields;
use super::rows::CsvRows;
use crate::error::{Error, Result, RowError, Stage};
use crate::format::{Encoded, Encoder, Outcome, Rows};
use crate::table::Table;
use purefork::Value;
use purefork::value::Type;
use std::sync::Arc;

/// How results become records.
pub(super) struct Layout {
    delimiter: u8,
    /// How many of the columns are the input's.
    kept: usize,
    /// How many of them are the result's.
    made: usize,
    /// Whether a result is a record, a column a field.
    record: bool,
    into: bool,
}

impl Layout {
    /// The layout, and the header row.
    pub(super) fn new(table: &Table, delimiter: u8) -> Result<(Layout, Vec<u8>)> {
        let result = match &table.result {
            Some(Type::Option(some)) => Some(&**some),
            result => result.as_ref(),
        };
        let made: Vec<String> = match (result, &table.into) {
            (Some(Type::Record(fields)), None) => fields.iter().map(|(name, _)| name.to_string()).collect(),
            (Some(Type::Record(fields)), Some(into)) => {
                fields.iter().map(|(name, _)| format!("{into}.{name}")).collect()
            }
            (_, None) => vec![table.function.clone()],
            (_, Some(into)) => vec![into.clone()],
        };
        if let Some(twice) = made.iter().find(|name| table.columns.iter().any(|column| column.name == **name)) {
            return Err(Error::new(Stage::Usage, format!("the input has a column `{twice}` already"))
                .with_help("choose another name, `--into NAME`"));
        }
        let kept = table.columns.len();
        let record = matches!(result, Some(Type::Record(_)));
        let layout = Layout { delimiter, kept, made: made.len(), record, into: table.into.is_some() };
        let mut header = Vec::new();
        if !table.headless && !table.resumed {
            let names = table.columns.iter().map(|column| &column.name).chain(&made);
            let mut record = Record::new(&mut header, delimiter);
            names.for_each(|name| record.field(name.as_bytes()));
            record.end();
        }
        Ok((layout, header))
    }
}

/// A record that is being written.
struct Record<'a> {
    to: &'a mut Vec<u8>,
    delimiter: u8,
    fields: usize,
    start: usize,
}

impl<'a> Record<'a> {
    fn new(to: &'a mut Vec<u8>, delimiter: u8) -> Record<'a> {
        Record { start: to.len(), to, delimiter, fields: 0 }
    }

    fn field(&mut self, text: &[u8]) {
        if self.fields > 0 {
            self.to.push(self.delimiter);
        }
        self.fields += 1;
        if !text.iter().any(|byte| matches!(byte, b'"' | b'\r' | b'\n') || *byte == self.delimiter) {
            self.to.extend_from_slice(text);
            return;
        }
        self.to.push(b'"');
        for byte in text {
            if *byte == b'"' {
                self.to.push(b'"');
            }
            self.to.push(*byte);
        }
        self.to.push(b'"');
    }

    fn end(self) {
        // A blank line is no row to whoever reads it.
        if self.to.len() == self.start {
            self.to.extend_from_slice(b"\"\"");
        }
        self.to.push(b'\n');
    }
}

struct CsvEncoder {
    layout: Arc<Layout>,
    text: Vec<u8>,
    fields: Fields,
    cells: Vec<Value>,
    cell: Vec<u8>,
}

pub(super) fn encoder(layout: Arc<Layout>) -> Box<dyn Encoder> {
    Box::new(CsvEncoder { layout, text: Vec::new(), fields: Fields::default(), cells: Vec::new(), cell: Vec::new() })
}

impl Encoder for CsvEncoder {
    fn push(&mut self, rows: &mut dyn Rows, row: usize, outcome: Outcome<'_>) -> Result<(), RowError> {
        let start = self.text.len();
        self.record(rows, row, outcome).inspect_err(|_| self.text.truncate(start))
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

impl CsvEncoder {
    fn record(&mut self, rows: &mut dyn Rows, row: usize, outcome: Outcome<'_>) -> Result<(), RowError> {
        let Layout { delimiter, kept, made, record: is_record, into } = *self.layout;
        let csv = rows.as_any().is::<CsvRows>();
        self.cells.clear();
        if into && !csv {
            match outcome.is_unread() {
                true => rows.remains(row, &mut self.cells),
                false => rows.cells(row, &mut self.cells)?,
            }
        }
        let mut record = Record::new(&mut self.text, delimiter);
        if into && let Some(rows) = rows.as_any().downcast_ref::<CsvRows>() {
            rows.read(row, &mut self.fields);
            // A row that has other fields than the header has keeps as many.
            for at in 0..kept {
                record.field(self.fields.get(at).unwrap_or_default());
            }
        } else if into {
            for at in 0..kept {
                self.cell.clear();
                if let Some(value) = self.cells.get(at) {
                    text(value, &mut self.cell)?;
                }
                record.field(&self.cell);
            }
        }
        let value = match outcome {
            Outcome::Value(Value::Option(Some(value))) if is_record => Some(Arc::unwrap_or_clone(value)),
            Outcome::Value(Value::Option(None)) => None,
            Outcome::Value(value) => Some(value),
            Outcome::Null | Outcome::Failed(_) => None,
        };
        let mut put = |value: &Value| {
            self.cell.clear();
            if *value != Value::unit() {
                text(value, &mut self.cell)?;
            }
            record.field(&self.cell);
            Ok(())
        };
        match value {
            Some(Value::Record(fields)) if is_record => fields.iter().try_for_each(|(_, value)| put(value))?,
            Some(value) if made == 1 => put(&value)?,
            _ => (0..made).for_each(|_| record.field(&[])),
        }
        record.end();
        Ok(())
    }
}
