//! A list of numbers as Python sees it: a read-only buffer, which numpy views without a copy.

use crate::buffers;
use purefork::Value;
use purefork::value::List;
use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::{PyBufferError, PyIndexError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PySlice};
use std::ffi::{CStr, c_int};

/// A list of numbers that a function has given: a read-only sequence, and a buffer.
///
/// `numpy.asarray(numbers)` and `memoryview(numbers)` view it without a copy; `tolist()` is a list of Python's own numbers.
#[pyclass(frozen, module = "purefork")]
pub(crate) struct Numbers {
    list: List,
    /// As `struct` names the type of its numbers.
    format: &'static CStr,
    item: isize,
    /// What a view's `shape` and `strides` point to: it has one dimension.
    shape: [isize; 1],
    strides: [isize; 1],
}

macro_rules! each_type {
    ($do:ident) => {
        $do!(f32 => c"f", f64 => c"d", i8 => c"b", u8 => c"B", i16 => c"h", u16 => c"H", i32 => c"i", u32 => c"I", i64 => c"q", u64 => c"Q", bool => c"?")
    };
}

impl Numbers {
    /// The list, if it is held as numbers.
    pub(crate) fn new(list: &List) -> Option<Numbers> {
        macro_rules! of {
            ($($rust:ty => $format:literal),*) => {$(
                if let Some(slice) = list.as_slice::<$rust>() {
                    let (item, len) = (size_of::<$rust>() as isize, slice.len() as isize);
                    return Some(Numbers { list: list.clone(), format: $format, item, shape: [len], strides: [item] });
                }
            )*};
        }
        each_type!(of);
        None
    }

    /// Where its numbers lie. They stay there for as long as this is there.
    fn address(&self) -> *const u8 {
        self.list.as_bytes().map_or(std::ptr::null(), |(_, bytes)| bytes.as_ptr())
    }

    pub(crate) fn list(&self) -> &List {
        &self.list
    }

    fn at<'py>(&self, py: Python<'py>, at: usize) -> PyResult<Bound<'py, PyAny>> {
        let number = self.list.get(at).unwrap_or(Value::Bool(false));
        crate::to_python::scalar(py, &number)
    }
}

#[pymethods]
impl Numbers {
    fn __len__(&self) -> usize {
        self.list.len()
    }

    fn __getitem__<'py>(&self, py: Python<'py>, at: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if let Ok(slice) = at.cast::<PySlice>() {
            let range = slice.indices(self.shape[0])?;
            let at = (0..range.slicelength).map(|nth| range.start + nth as isize * range.step);
            let items = at.map(|at| self.at(py, at as usize)).collect::<PyResult<Vec<_>>>()?;
            return Ok(PyList::new(py, items)?.into_any());
        }
        let at: isize = at.extract()?;
        let len = self.shape[0];
        let from_start = if at < 0 { at + len } else { at };
        if !(0..len).contains(&from_start) {
            return Err(PyIndexError::new_err(format!("there are {len} numbers, and none at {at}")));
        }
        self.at(py, from_start as usize)
    }

    /// The numbers as a list.
    fn tolist<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let items = (0..self.list.len()).map(|at| self.at(py, at)).collect::<PyResult<Vec<_>>>()?;
        PyList::new(py, items)
    }

    /// How many of the numbers are this one.
    fn count<'py>(&self, py: Python<'py>, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.tolist(py)?.call_method1(pyo3::intern!(py, "count"), (value,))
    }

    /// Where the number is first, between `start` and `stop`; ValueError if it is not there.
    #[pyo3(signature = (value, start=0, stop=isize::MAX))]
    fn index<'py>(
        &self,
        py: Python<'py>,
        value: &Bound<'py, PyAny>,
        start: isize,
        stop: isize,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.tolist(py)?.call_method1(pyo3::intern!(py, "index"), (value, start, stop))
    }

    fn __reversed__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.tolist(py)?.call_method0(pyo3::intern!(py, "__reversed__"))
    }

    /// Nobody can change it.
    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(self.tolist(py)?.try_iter()?.into_any())
    }

    fn __eq__(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        if let Ok(other) = other.cast::<Numbers>() {
            return Ok(self.list == other.get().list);
        }
        if other.is_instance_of::<PyList>() {
            return self.tolist(py)?.eq(other);
        }
        Ok(false)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        const SHOWN: usize = 10;
        let shown = (0..self.list.len().min(SHOWN)).map(|at| Ok(self.at(py, at)?.repr()?.to_string()));
        let shown = shown.collect::<PyResult<Vec<String>>>()?.join(", ");
        let more = if self.list.len() > SHOWN { format!(", … {} in all", self.list.len()) } else { String::new() };
        Ok(format!("Numbers([{shown}{more}])"))
    }

    /// numpy's way to share memory.
    #[getter]
    fn __array_interface__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let kind = match self.format.to_bytes() {
            b"f" | b"d" => 'f',
            b"?" => 'b',
            [format] if format.is_ascii_lowercase() => 'i',
            _ => 'u',
        };
        let order = if self.item == 1 {
            '|'
        } else if cfg!(target_endian = "little") {
            '<'
        } else {
            '>'
        };
        let interface = PyDict::new(py);
        interface.set_item("version", 3)?;
        interface.set_item("typestr", format!("{order}{kind}{}", self.item))?;
        interface.set_item("shape", (self.shape[0],))?;
        interface.set_item("data", (self.address() as usize, true))?;
        Ok(interface)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyAny>,))> {
        let py = slf.py();
        Ok((py.import("purefork._types")?.getattr("numbers_again")?, (slf.call_method0("_raw")?,)))
    }

    /// The numbers that a buffer holds.
    #[staticmethod]
    fn _of(given: &Bound<'_, PyAny>) -> PyResult<Numbers> {
        let held = PyUntypedBuffer::get(given).ok().and_then(|buffer| buffers::held(&buffer));
        let list = held.and_then(|held| buffers::numbers(&held, given).ok().flatten());
        list.and_then(|list| Numbers::new(&list)).ok_or_else(|| PyTypeError::new_err("expected a buffer of numbers"))
    }

    /// The type of the numbers and their bytes, to be pickled.
    fn _raw<'py>(slf: &Bound<'py, Self>) -> PyResult<(String, Bound<'py, PyAny>)> {
        let bytes = slf.py().import("builtins")?.getattr("bytes")?.call1((slf,))?;
        Ok((slf.get().format.to_string_lossy().into_owned(), bytes))
    }

    // SAFETY: Python calls it with a view to be filled in. What the view points to is this object's, which is frozen, and which the view
    // holds a reference of: the numbers lie in a vector that nobody writes to, and the view is read-only.
    unsafe fn __getbuffer__(slf: &Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        let asked = |flag: c_int| flags & flag == flag;
        if asked(ffi::PyBUF_WRITABLE) {
            return Err(PyBufferError::new_err("the numbers that a function has given are read-only"));
        }
        let this = slf.get();
        let null = std::ptr::null_mut();
        // SAFETY: see above.
        let view = unsafe { &mut *view };
        view.buf = this.address().cast_mut().cast();
        view.len = this.shape[0] * this.item;
        view.itemsize = this.item;
        view.readonly = 1;
        view.ndim = 1;
        view.format = if asked(ffi::PyBUF_FORMAT) { this.format.as_ptr().cast_mut() } else { null };
        view.shape = if asked(ffi::PyBUF_ND) { this.shape.as_ptr().cast_mut() } else { std::ptr::null_mut() };
        view.strides = if asked(ffi::PyBUF_STRIDES) { this.strides.as_ptr().cast_mut() } else { std::ptr::null_mut() };
        view.suboffsets = std::ptr::null_mut();
        view.internal = std::ptr::null_mut();
        view.obj = slf.clone().into_any().into_ptr();
        Ok(())
    }
}
