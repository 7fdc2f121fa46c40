//! Where Python has forked.

use pyo3::ffi;
use pyo3::prelude::*;

/// A line of Python: the code that ran, and where in it. The code, not the frame: that would keep all local variables alive.
pub(crate) struct Site {
    code: Py<PyAny>,
    line: i32,
}

impl Site {
    /// The line that Python is at; none where no Python runs.
    #[inline]
    pub(crate) fn here(py: Python<'_>) -> Option<Site> {
        // SAFETY: the interpreter is attached. The frame is borrowed, and is the running one, so that it outlives these calls; its code is a
        // new reference, which is given to `Bound`.
        let (code, line) = unsafe {
            let frame = ffi::PyEval_GetFrame();
            if frame.is_null() {
                return None;
            }
            let code = Bound::from_owned_ptr(py, ffi::PyFrame_GetCode(frame).cast());
            (code, ffi::PyFrame_GetLineNumber(frame))
        };
        Some(Site { code: code.unbind(), line })
    }

    /// The line that a frame is at.
    pub(crate) fn of(frame: &Bound<'_, PyAny>) -> PyResult<Site> {
        Ok(Site { code: frame.getattr("f_code")?.unbind(), line: frame.getattr("f_lineno")?.extract()? })
    }

    /// The file, the line and the function.
    pub(crate) fn told(&self, py: Python<'_>) -> Option<(String, i32, String)> {
        let name = |attribute: &str| self.code.getattr(py, attribute).ok()?.extract::<String>(py).ok();
        Some((name("co_filename")?, self.line, name("co_qualname").or_else(|| name("co_name"))?))
    }
}
