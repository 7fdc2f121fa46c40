//! purefork's errors as Python's exceptions, which `purefork._errors` defines.

use crate::site::Site;
use purefork::error::ForkSite;
use purefork::{Error, ErrorKind};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static ERR: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// The exception of an error, with the line of Python that has forked the call, if it is known.
#[cold]
pub(crate) fn raised(py: Python<'_>, error: &Error, site: Option<&Site>) -> PyErr {
    made(py, error, site).unwrap_or_else(|failed| failed)
}

fn made(py: Python<'_>, error: &Error, site: Option<&Site>) -> PyResult<PyErr> {
    let parts = PyDict::new(py);
    parts.set_item("kind", error.kind().name())?;
    parts.set_item("message", error.message())?;
    parts.set_item("help", error.help())?;
    let reasons: Vec<String> = error.reasons().iter().map(ToString::to_string).collect();
    parts.set_item("reasons", reasons)?;
    let frames: Vec<_> = error.backtrace().iter().map(|frame| (frame.function.as_str(), frame.offset)).collect();
    parts.set_item("backtrace", frames)?;
    // The place of the outermost is one in this crate; Python's own stands in `site`.
    let place = |site: &ForkSite| match site {
        ForkSite::Guest { number, .. } => Some(*number),
        _ => None,
    };
    let chain: Vec<_> = error.chain().iter().map(|frame| (frame.function.as_str(), place(&frame.site))).collect();
    parts.set_item("chain", chain)?;
    parts.set_item("omitted", error.omitted())?;
    parts.set_item("catchable", error.is_catchable())?;
    parts.set_item("site", site.and_then(|site| site.told(py)))?;
    let exception = MAKE.import(py, "purefork._errors", "make")?.call((), Some(&parts))?;
    Ok(PyErr::from_value(exception))
}

/// The class `Err`: of a `result` that is one, as an exception and as a value.
pub(crate) fn err_class(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    ERR.import(py, "purefork._errors", "Err")
}

/// The exception of arguments that do not fit.
#[cold]
pub(crate) fn mismatch(py: Python<'_>, message: String) -> PyErr {
    of_kind(py, ErrorKind::ArgumentMismatch, message)
}

/// The exception of an error of one's own.
#[cold]
pub(crate) fn of_kind(py: Python<'_>, kind: ErrorKind, message: String) -> PyErr {
    let made = || {
        let parts = PyDict::new(py);
        parts.set_item("kind", kind.name())?;
        parts.set_item("message", &message)?;
        MAKE.import(py, "purefork._errors", "make")?.call((), Some(&parts)).map(PyErr::from_value)
    };
    made().unwrap_or_else(|_: PyErr| PyRuntimeError::new_err(message))
}
