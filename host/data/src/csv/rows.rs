//! Records as rows.

use super::cell;
use super::record::Fields;
use crate::error::RowError;
use crate::format::{Given, Place, Rows};
use crate::mark::Mark;
use crate::table::{Column, Nulls};
use crate::text::{Block, Part, utf8};
use purefork::Value;
use purefork::value::Type;
use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;

/// Which column each parameter is.
pub(super) struct Binding {
    pub(super) params: Vec<Column>,
    /// None for an option that has no column.
    pub(super) at: Vec<Option<usize>>,
    pub(super) columns: Vec<Column>,
    pub(super) headless: bool,
    pub(super) strict: bool,
    /// Whether a record is passed on: then it has no more fields than there are columns.
    pub(super) passed_on: bool,
    pub(super) nulls: Nulls,
    pub(super) delimiter: u8,
}

pub(super) struct CsvRows {
    part: Part,
    binding: Arc<Binding>,
    fields: Fields,
}

impl CsvRows {
    pub(super) fn boxed(block: Block, binding: Arc<Binding>) -> Box<dyn Rows> {
        Box::new(CsvRows { part: Part::whole(block), binding, fields: Fields::default() })
    }

    /// Reads a record's fields, whatever is in them.
    pub(super) fn read(&self, row: usize, fields: &mut Fields) {
        fields.read(self.part.row(row), self.binding.delimiter);
    }

    /// Reads a record's fields, as many as there are to be.
    fn checked(&mut self, row: usize) -> Result<(), RowError> {
        let mut fields = std::mem::take(&mut self.fields);
        let closed = fields.read(self.part.row(row), self.binding.delimiter);
        let Binding { headless, strict, passed_on, columns, params, .. } = &*self.binding;
        let (wanted, given) = (columns.len(), fields.len());
        self.fields = fields;
        if !closed {
            return Err(RowError::row("a quote is not closed: the file may be cut off"));
        }
        let s = if wanted == 1 { "" } else { "s" };
        if *headless {
            let least = params.iter().rposition(|param| !matches!(param.ty, Type::Option(_))).map_or(0, |at| at + 1);
            if given < least || (*strict || *passed_on) && given > wanted {
                return Err(RowError::row(format!("expected {wanted} field{s}, but there are {given}")));
            }
        } else if given != wanted {
            return Err(RowError::row(format!("expected {wanted} field{s}, as in the header, but there are {given}")));
        }
        Ok(())
    }

    /// A field as a value; none if it is empty, and that is none.
    fn value(&self, at: usize, ty: &Type) -> Result<Option<Value>, RowError> {
        let Some(field) = self.fields.get(at) else { return Ok(None) };
        let text = utf8(field).map_err(|error| RowError { at: None, ..error })?;
        cell::read(text, ty, self.binding.strict).map_err(RowError::row)
    }
}

impl Rows for CsvRows {
    fn len(&self) -> usize {
        self.part.len()
    }

    fn first(&self) -> u64 {
        self.part.first()
    }

    fn bytes(&self) -> usize {
        self.part.bytes()
    }

    fn end(&self) -> Option<Mark> {
        self.part.end()
    }

    fn digest(&self) -> Option<String> {
        Some(self.part.digest())
    }

    fn split(&mut self, at: usize) -> Option<Box<dyn Rows>> {
        let (part, binding) = (self.part.split(at), self.binding.clone());
        Some(Box::new(CsvRows { part, binding, fields: Fields::default() }))
    }

    fn args(&mut self, row: usize, args: &mut Vec<Value>) -> Result<Given, RowError> {
        self.checked(row)?;
        let binding = self.binding.clone();
        let mut null = false;
        for (param, at) in binding.params.iter().zip(&binding.at) {
            let in_column = |error: RowError| error.in_column(param.name.clone());
            let value = match at {
                Some(at) => self.value(*at, &param.ty).map_err(in_column)?,
                None => None,
            };
            match value {
                Some(value) => args.push(value),
                None if matches!(param.ty, Type::Option(_)) => args.push(Value::Option(None)),
                None if binding.nulls == Nulls::Null => null = true,
                None => return Err(in_column(RowError::row("it is empty"))),
            }
        }
        Ok(if null { Given::Null } else { Given::Args })
    }

    fn cells(&mut self, row: usize, cells: &mut Vec<Value>) -> Result<(), RowError> {
        self.checked(row)?;
        let binding = self.binding.clone();
        for (at, column) in binding.columns.iter().enumerate() {
            let in_column = |error: RowError| error.in_column(column.name.clone());
            let value = self.value(at, &column.ty).map_err(in_column)?;
            cells.push(value.unwrap_or(Value::Option(None)));
        }
        Ok(())
    }

    fn remains(&mut self, row: usize, cells: &mut Vec<Value>) {
        let mut fields = std::mem::take(&mut self.fields);
        self.read(row, &mut fields);
        self.fields = fields;
        let binding = self.binding.clone();
        for (at, column) in binding.columns.iter().enumerate() {
            let text = || self.fields.get(at).map(|field| Value::from(&*String::from_utf8_lossy(field)));
            cells.push(self.value(at, &column.ty).unwrap_or_else(|_| text()).unwrap_or(Value::Option(None)));
        }
    }

    fn raw(&self, row: usize) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.part.row(row))
    }

    fn place(&self, row: usize) -> Place {
        self.part.place(row)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
