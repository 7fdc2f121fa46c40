//! Objects that the garbage collector does not look at.

use pyo3::PyClass;
use pyo3::prelude::*;

/// Has the garbage collector never look at an object.
#[inline]
pub(crate) fn untracked<T: PyClass>(object: &Bound<'_, T>) {
    // SAFETY: the interpreter is attached, and it is an object of a type that is collected, as all of PyO3's are. Its end allows for one that is not
    // tracked.
    unsafe { pyo3::ffi::PyObject_GC_UnTrack(object.as_ptr().cast()) };
}
