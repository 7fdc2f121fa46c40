//! A column of Arrow that calls have given.

use crate::capsules::{array_capsule, schema_capsule, stream_capsule};
use crate::errors::mismatch;
use crate::future::Given;
use arrow_array::{Array, ArrayRef, new_empty_array};
use arrow_schema::{DataType, Field};
use arrow_select::concat::concat;
use purefork::Value;
use purefork::value::Type;
use purefork_arrow::Values;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyList, PyTuple};
use std::sync::Arc;

/// The most bytes of a chunk: text and bytes are counted in 31 bits.
const CHUNK: usize = 1 << 30;

/// The results of many calls, as a column of Arrow: any library that takes those takes it, without a copy.
///
/// `pyarrow.array(column)`, `polars.Series(column)`; `to_pylist()` is a list of Python's own objects.
#[pyclass(frozen, module = "purefork")]
pub(crate) struct Column {
    field: Field,
    chunks: Vec<ArrayRef>,
    /// What its values are, for Python.
    ty: Type,
    given: Arc<Given>,
}

impl Column {
    /// Of pieces that are of one type.
    pub(crate) fn new(
        py: Python<'_>,
        pieces: &[ArrayRef],
        data_type: &DataType,
        ty: Type,
        given: Arc<Given>,
    ) -> PyResult<Column> {
        let mut chunks = Vec::new();
        let mut rest = pieces;
        while !rest.is_empty() {
            let mut bytes = 0;
            let count = rest.iter().take_while(|piece| {
                bytes += piece.get_array_memory_size();
                bytes <= CHUNK
            });
            let (chunk, more) = rest.split_at(count.count().max(1));
            rest = more;
            chunks.push(match chunk {
                [one] => one.clone(),
                several => {
                    let several: Vec<&dyn Array> = several.iter().map(AsRef::as_ref).collect();
                    let whole = py.detach(|| concat(&several));
                    whole.map_err(|error| mismatch(py, format!("the results are too large for a column: {error}")))?
                }
            });
        }
        if chunks.is_empty() {
            chunks.push(new_empty_array(data_type));
        }
        Ok(Column { field: Field::new("", data_type.clone(), true), chunks, ty, given })
    }

    /// All rows as one array.
    fn whole(&self, py: Python<'_>) -> PyResult<ArrayRef> {
        if let [one] = &*self.chunks {
            return Ok(one.clone());
        }
        let several: Vec<&dyn Array> = self.chunks.iter().map(AsRef::as_ref).collect();
        py.detach(|| concat(&several)).map_err(|error| {
            mismatch(
                py,
                format!("the column is too large for one array: {error}. Take its `chunks`, or it as a stream"),
            )
        })
    }

    fn value<'py>(&self, py: Python<'py>, value: Option<&Value>) -> PyResult<Bound<'py, PyAny>> {
        match (value, self.given.opened()) {
            (Some(value), Some(shape)) => shape.to_python(py, value),
            _ => Ok(py.None().into_bound(py)),
        }
    }
}

#[pymethods]
impl Column {
    fn __len__(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.len()).sum()
    }

    /// Its rows as Python's objects; `None` for those that are null.
    fn to_pylist<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let mut items = Vec::with_capacity(self.__len__());
        for chunk in &self.chunks {
            let wrong = |error: purefork_arrow::Error| mismatch(py, error.to_string());
            let values = Values::new(chunk, &self.ty).map_err(wrong)?;
            for row in 0..values.len() {
                items.push(self.value(py, values.get(row).map_err(wrong)?.as_ref())?);
            }
        }
        PyList::new(py, items)
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(self.to_pylist(py)?.try_iter()?.into_any())
    }

    /// Arrow's name of its type.
    #[getter]
    fn r#type(&self) -> String {
        self.field.data_type().to_string()
    }

    /// How many rows are null.
    #[getter]
    fn null_count(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.logical_null_count()).sum()
    }

    /// The same column in parts, each one array.
    #[getter]
    fn chunks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let part = |chunk: &ArrayRef| Column {
            field: self.field.clone(),
            chunks: vec![chunk.clone()],
            ty: self.ty.clone(),
            given: self.given.clone(),
        };
        let parts = self.chunks.iter().map(|chunk| Py::new(py, part(chunk)));
        PyTuple::new(py, parts.collect::<PyResult<Vec<_>>>()?)
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        schema_capsule(py, &self.field)
    }

    /// The type that is asked for may be left aside, by the interface.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        drop(requested_schema);
        Ok((schema_capsule(py, &self.field)?, array_capsule(py, &self.whole(py)?)?))
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        drop(requested_schema);
        stream_capsule(py, &self.field, self.chunks.clone())
    }

    fn __repr__(&self) -> String {
        let rows = self.__len__();
        format!("<purefork.Column of {}: {rows} row{}>", self.field.data_type(), if rows == 1 { "" } else { "s" })
    }
}
