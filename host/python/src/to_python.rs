//! Values as Python's objects.

use crate::errors;
use crate::numbers::Numbers;
use crate::shape::{Kind, Shape};
use purefork::Value;
use purefork::value::List;
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyList, PyTuple};
use std::sync::Arc;

/// A number, a `bool`, a `char`, a text or a vector.
#[inline]
pub(crate) fn scalar<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::I32(n) => n.into_bound_py_any(py),
        Value::I64(n) => n.into_bound_py_any(py),
        Value::F32(n) => n.into_bound_py_any(py),
        Value::F64(n) => n.into_bound_py_any(py),
        Value::Bool(n) => n.into_bound_py_any(py),
        Value::I8(n) => n.into_bound_py_any(py),
        Value::U8(n) => n.into_bound_py_any(py),
        Value::I16(n) => n.into_bound_py_any(py),
        Value::U16(n) => n.into_bound_py_any(py),
        Value::U32(n) => n.into_bound_py_any(py),
        Value::U64(n) => n.into_bound_py_any(py),
        Value::Char(n) => n.into_bound_py_any(py),
        Value::String(text) => text.into_bound_py_any(py),
        Value::V128(bytes) => Ok(PyBytes::new(py, bytes).into_any()),
        other => Err(unexpected(other)),
    }
}

#[cold]
fn unexpected(value: &Value) -> PyErr {
    PyTypeError::new_err(format!("a value that is not of its type: {value}"))
}

static OK: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static SOME: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static TENSOR: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

impl Shape {
    /// A value as a Python object.
    #[inline]
    pub(crate) fn to_python<'py>(&self, py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
        match &self.kind {
            Kind::Plain => scalar(py, value),
            _ => self.object(py, value),
        }
    }

    fn object<'py>(&self, py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
        let payload = |shape: Option<&Shape>, value: &Option<Arc<Value>>| match (shape, value) {
            (Some(shape), Some(value)) => shape.to_python(py, value),
            _ => Ok(py.None().into_bound(py)),
        };
        match (&self.kind, value) {
            (Kind::List(element), Value::List(list)) => of_list(py, element, list),
            (Kind::Tuple(shapes), Value::Tuple(values)) if shapes.len() == values.len() => {
                if shapes.is_empty() {
                    return Ok(py.None().into_bound(py));
                }
                let members = shapes.iter().zip(values.iter()).map(|(shape, value)| shape.to_python(py, value));
                Ok(PyTuple::new(py, members.collect::<PyResult<Vec<_>>>()?)?.into_any())
            }
            (Kind::Record { class, fields }, Value::Record(values)) if fields.len() == values.len() => {
                let values =
                    fields.iter().zip(values.iter()).map(|(field, (_, value))| field.shape.to_python(py, value));
                class.bind(py).call1(PyTuple::new(py, values.collect::<PyResult<Vec<_>>>()?)?)
            }
            (Kind::Variant { cases, .. }, Value::Variant(name, value)) => {
                let case = cases.iter().find(|case| case.name == *name).ok_or_else(|| unexpected(&Value::unit()))?;
                match (&case.payload, value) {
                    (Some(shape), Some(value)) => case.class.bind(py).call1((shape.to_python(py, value)?,)),
                    _ => case.class.bind(py).call0(),
                }
            }
            (Kind::Enum { members, .. }, Value::Enum(name)) => {
                let member = members.iter().find(|(known, _)| known == name).ok_or_else(|| unexpected(value))?;
                Ok(member.1.bind(py).clone())
            }
            (Kind::Flags { class, members }, Value::Flags(names)) => {
                let bits =
                    members.iter().filter(|(known, ..)| names.contains(known)).fold(0, |bits, (.., bit)| bits | bit);
                class.bind(py).call1((bits,))
            }
            (Kind::Option { some, nested }, Value::Option(value)) => match value {
                None => Ok(py.None().into_bound(py)),
                Some(value) if *nested => {
                    SOME.import(py, "purefork._types", "Some")?.call1((some.to_python(py, value)?,))
                }
                Some(value) => some.to_python(py, value),
            },
            (Kind::Result { ok, .. }, Value::Result(Ok(value))) => {
                OK.import(py, "purefork._types", "Ok")?.call1((payload(ok.as_deref(), value)?,))
            }
            (Kind::Result { err, .. }, Value::Result(Err(value))) => {
                errors::err_class(py)?.call1((payload(err.as_deref(), value)?,))
            }
            (Kind::Tensor, Value::Record(fields)) => {
                let [(_, Value::List(dimensions)), (_, Value::Enum(ty)), (_, Value::List(data))] = &**fields else {
                    return Err(unexpected(value));
                };
                let shape = PyTuple::new(py, dimensions.as_slice::<u32>().unwrap_or_default())?;
                let data = Numbers::new(data).into_bound_py_any(py)?;
                TENSOR.import(py, "purefork._types", "Tensor")?.call1((shape, &**ty, data))
            }
            _ => Err(unexpected(value)),
        }
    }

    /// What a call gives: of a function whose result is a `result`, what is in it, or its error raised; unless both are asked for as they are.
    pub(crate) fn given<'py>(&self, py: Python<'py>, value: &Value, whole: bool) -> PyResult<Bound<'py, PyAny>> {
        match (&self.kind, value) {
            (Kind::Plain, value) => scalar(py, value),
            (Kind::Result { ok, .. }, Value::Result(Ok(value))) if !whole => match (ok, value) {
                (Some(shape), Some(value)) => shape.to_python(py, value),
                _ => Ok(py.None().into_bound(py)),
            },
            (Kind::Result { .. }, Value::Result(Err(_))) if !whole => {
                Err(PyErr::from_value(self.to_python(py, value)?))
            }
            _ => self.to_python(py, value),
        }
    }
}

fn of_list<'py>(py: Python<'py>, element: &Shape, list: &List) -> PyResult<Bound<'py, PyAny>> {
    if let Some(bytes) = list.as_slice::<u8>() {
        return Ok(PyBytes::new(py, bytes).into_any());
    }
    if let Some(flags) = list.as_slice::<bool>() {
        return Ok(PyList::new(py, flags)?.into_any());
    }
    if let Some(numbers) = Numbers::new(list) {
        return numbers.into_bound_py_any(py);
    }
    let items = list.iter().map(|value| element.to_python(py, &value)).collect::<PyResult<Vec<_>>>()?;
    Ok(PyList::new(py, items)?.into_any())
}
