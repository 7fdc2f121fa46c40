//! Arrays whose rows point at values: dictionaries, and runs.

use super::{Cells, cells, unfit};
use crate::error::Misfit;
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, RunArray};
use arrow_buffer::RunEndBuffer;
use arrow_schema::DataType;
use purefork::Value;
use purefork::value::Type;
use std::ops::Range;

/// Rows that point at values.
struct Dictionary {
    /// For each row the value it has; a number that no value has where it is null.
    keys: Vec<usize>,
    values: Box<dyn Cells>,
    /// The values, made once, if there are no more of them than rows.
    made: Vec<Option<Value>>,
    has_nulls: bool,
}

const NULL: usize = usize::MAX;

pub(super) fn dictionary(array: &ArrayRef, ty: &Type) -> Result<Box<dyn Cells>, Misfit> {
    let Some(dictionary) = array.as_any_dictionary_opt() else {
        return Err(unfit(&array.data_type().to_string(), ty, "nothing here"));
    };
    let values = cells(dictionary.values(), ty)?;
    let count = dictionary.values().len();
    // Of no values, all rows are null, and none can be counted on to have a key in range.
    let mut keys = if count == 0 { vec![NULL; array.len()] } else { dictionary.normalized_keys() };
    for (row, key) in keys.iter_mut().enumerate() {
        if *key != NULL && (dictionary.keys().is_null(row) || values.is_null(*key)) {
            *key = NULL;
        }
    }
    let has_nulls = keys.contains(&NULL);
    let made = if count <= array.len() {
        (0..count).map(|at| if values.is_null(at) { None } else { values.get(at).ok() }).collect()
    } else {
        Vec::new()
    };
    Ok(Box::new(Dictionary { keys, values, made, has_nulls }))
}

impl Cells for Dictionary {
    fn is_null(&self, row: usize) -> bool {
        self.keys[row] == NULL
    }

    fn has_no_nulls(&self) -> bool {
        !self.has_nulls
    }

    fn get(&self, row: usize) -> Result<Value, Misfit> {
        let key = self.keys[row];
        match self.made.get(key) {
            Some(Some(value)) => Ok(value.clone()),
            _ => self.values.get(key),
        }
    }

    fn bytes(&self, rows: Range<usize>) -> usize {
        let bytes = |&key: &usize| if key == NULL { 0 } else { self.values.bytes(key..key + 1) };
        self.keys[rows].iter().map(bytes).sum()
    }
}

/// Rows of which equal ones that follow each other are held once.
struct Runs<E: ArrowNativeType> {
    ends: RunEndBuffer<E>,
    values: Box<dyn Cells>,
}

use arrow_buffer::ArrowNativeType;

pub(super) fn runs(array: &ArrayRef, ty: &Type) -> Result<Box<dyn Cells>, Misfit> {
    fn of<R: RunEndIndexType>(array: &RunArray<R>, ty: &Type) -> Result<Box<dyn Cells>, Misfit> {
        Ok(Box::new(Runs { ends: array.run_ends().clone(), values: cells(array.values(), ty)? }))
    }
    match array.data_type() {
        DataType::RunEndEncoded(ends, _) => match ends.data_type() {
            DataType::Int16 => of(array.as_run::<Int16Type>(), ty),
            DataType::Int32 => of(array.as_run::<Int32Type>(), ty),
            _ => of(array.as_run::<Int64Type>(), ty),
        },
        other => Err(unfit(&other.to_string(), ty, "nothing here")),
    }
}

impl<E: ArrowNativeType> Cells for Runs<E> {
    fn is_null(&self, row: usize) -> bool {
        self.values.is_null(self.ends.get_physical_index(row))
    }

    fn has_no_nulls(&self) -> bool {
        self.values.has_no_nulls()
    }

    fn get(&self, row: usize) -> Result<Value, Misfit> {
        self.values.get(self.ends.get_physical_index(row))
    }

    fn bytes(&self, rows: Range<usize>) -> usize {
        let bytes = |row| {
            let at = self.ends.get_physical_index(row);
            self.values.bytes(at..at + 1)
        };
        rows.map(bytes).sum()
    }
}
