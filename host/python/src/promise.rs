//! A future that Python completes.

use crate::errors::raised;
use crate::future::{Computed, Future, Source};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use std::sync::Arc;

/// The writing half of a future: `promise.future` is complete once `set` or `fail` was called, once. With it, work of the host's joins a graph
/// of forks.
#[pyclass(frozen, module = "purefork")]
pub(crate) struct Promise {
    promise: purefork::Promise<Computed>,
    future: Py<Future>,
}

#[pymethods]
impl Promise {
    #[new]
    fn new(py: Python<'_>) -> PyResult<Promise> {
        let (promise, future) = purefork::promise();
        Ok(Promise { promise, future: Py::new(py, Future::new(Source::Python(future)))? })
    }

    /// The future.
    #[getter]
    fn future(&self, py: Python<'_>) -> Py<Future> {
        self.future.clone_ref(py)
    }

    /// Completes the future with a value.
    fn set(&self, py: Python<'_>, value: Py<PyAny>) -> PyResult<()> {
        self.complete(py, Ok(value))
    }

    /// Completes the future with an exception.
    fn fail(&self, py: Python<'_>, exception: Bound<'_, PyAny>) -> PyResult<()> {
        if !exception.is_instance_of::<pyo3::exceptions::PyBaseException>() {
            return Err(PyTypeError::new_err("expected an exception"));
        }
        self.complete(py, Err(PyErr::from_value(exception)))
    }
}

impl Promise {
    fn complete(&self, py: Python<'_>, result: Result<Py<PyAny>, PyErr>) -> PyResult<()> {
        let computed = Computed(Arc::new(result));
        py.detach(|| self.promise.set(computed)).map_err(|error| raised(py, &error, None))
    }
}
