//! One interpreter of a process: what is shared here is one interpreter's objects.

use pyo3::exceptions::PyImportError;
use pyo3::ffi;
use pyo3::prelude::*;
use std::sync::atomic::{AtomicI64, Ordering};

/// The interpreter that has imported the package.
static FIRST: AtomicI64 = AtomicI64::new(-1);

/// Refuses to be imported by a second interpreter.
pub(crate) fn only_one(_: Python<'_>) -> PyResult<()> {
    // SAFETY: the interpreter is attached, so there is a current one; its number is read, and nothing is kept.
    let this = unsafe { ffi::PyInterpreterState_GetID(ffi::PyInterpreterState_Get()) };
    match FIRST.compare_exchange(-1, this, Ordering::SeqCst, Ordering::SeqCst) {
        Err(first) if first != this => Err(PyImportError::new_err(
            "purefork cannot be imported by a sub-interpreter: another interpreter of this process has imported it. Use threads, which run at the \
             same time as calls run without the interpreter's lock, or processes",
        )),
        _ => Ok(()),
    }
}
