//! Columns of Arrow from other libraries of this process, and to them: by Arrow's C data interface, in the capsules that its interface for Python
//! defines. Nothing is copied.
//!
//! Who gives a column promises that nobody writes to it, and that it is what its schema says: so every consumer takes it. What a producer may
//! get wrong without breaking memory is looked at: a capsule of another kind, or one that was used before.

use crate::errors::mismatch;
use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi, from_ffi_and_data_type};
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{Array, ArrayRef, make_array};
use arrow_schema::{DataType, Field};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

const SCHEMA: &CStr = c"arrow_schema";
const ARRAY: &CStr = c"arrow_array";
const STREAM: &CStr = c"arrow_array_stream";

/// A column that comes in: its type, and its arrays one after another.
pub(crate) struct Incoming {
    pub(crate) data_type: DataType,
    arrays: Arrays,
}

enum Arrays {
    One(Option<ArrayRef>),
    Stream(FFI_ArrowArrayStream),
}

/// Whether an object gives itself as a column of Arrow.
pub(crate) fn is_column(given: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = given.py();
    Ok(given.hasattr(intern!(py, "__arrow_c_array__"))? || given.hasattr(intern!(py, "__arrow_c_stream__"))?)
}

impl Incoming {
    /// The column that an object gives itself as; none if it is none.
    ///
    /// # Errors
    ///
    /// What the object raises, and `ArgumentMismatch` for what is no column.
    pub(crate) fn of(given: &Bound<'_, PyAny>) -> PyResult<Option<Incoming>> {
        let py = given.py();
        if let Some(method) = given.getattr_opt(intern!(py, "__arrow_c_array__"))? {
            let (schema, array): (Bound<'_, PyAny>, Bound<'_, PyAny>) = method.call0()?.extract()?;
            let (at_schema, at_array) = (pointer(&schema, SCHEMA)?, pointer(&array, ARRAY)?);
            // SAFETY: by their names, the capsules, which are still there, hold these structures, which are well-formed; that they are moved
            // out is what they are for.
            let (schema, array) =
                unsafe { (FFI_ArrowSchema::from_raw(at_schema.as_ptr()), FFI_ArrowArray::from_raw(at_array.as_ptr())) };
            if schema.release.is_none() || array.is_released() {
                return Err(used(py));
            }
            let array = guarded(|| {
                // SAFETY: the producer promises that the array is what its schema says.
                unsafe { from_ffi(array, &schema) }.map(make_array).map_err(|error| error.to_string())
            });
            let array = array.map_err(|why| unfit(py, &why))?;
            return Ok(Some(Incoming { data_type: array.data_type().clone(), arrays: Arrays::One(Some(array)) }));
        }
        let Some(method) = given.getattr_opt(intern!(py, "__arrow_c_stream__"))? else { return Ok(None) };
        // What is moved out of it lies in the capsule until then.
        let capsule = method.call0()?;
        let stream = pointer::<FFI_ArrowArrayStream>(&capsule, STREAM)?;
        // SAFETY: as above.
        let mut stream = unsafe { FFI_ArrowArrayStream::from_raw(stream.as_ptr()) };
        if stream.release.is_none() {
            return Err(used(py));
        }
        let data_type = py.detach(|| guarded(|| data_type(&mut stream))).map_err(|why| unfit(py, &why))?;
        Ok(Some(Incoming { data_type, arrays: Arrays::Stream(stream) }))
    }

    /// The next array; none at the end. To be called without the GIL: who gives the arrays may have to take it.
    ///
    /// # Errors
    ///
    /// Why there is no further one.
    pub(crate) fn next(&mut self) -> Result<Option<ArrayRef>, String> {
        let stream = match &mut self.arrays {
            Arrays::One(array) => return Ok(array.take()),
            Arrays::Stream(stream) => stream,
        };
        let Some(get_next) = stream.get_next else { return Err("the stream has no arrays to give".to_owned()) };
        let mut array = FFI_ArrowArray::empty();
        // SAFETY: the stream has not been released, and the array is one to be written to.
        if unsafe { get_next(stream, &raw mut array) } != 0 {
            return Err(last_error(stream));
        }
        if array.is_released() {
            return Ok(None);
        }
        let data_type = self.data_type.clone();
        let array = guarded(|| {
            // SAFETY: the producer promises that its arrays are what the stream's schema says.
            unsafe { from_ffi_and_data_type(array, data_type) }.map(make_array).map_err(|error| error.to_string())
        });
        array.map(Some)
    }
}

/// What a capsule of that name points to.
fn pointer<T>(capsule: &Bound<'_, PyAny>, name: &CStr) -> PyResult<NonNull<T>> {
    let capsule = capsule.cast::<PyCapsule>().map_err(PyErr::from)?;
    let pointer: NonNull<T> = capsule.pointer_checked(Some(name))?.cast();
    match pointer.is_aligned() {
        true => Ok(pointer),
        false => Err(unfit(capsule.py(), "its capsule points to no such structure")),
    }
}

fn data_type(stream: &mut FFI_ArrowArrayStream) -> Result<DataType, String> {
    let Some(get_schema) = stream.get_schema else { return Err("the stream has no schema".to_owned()) };
    let mut schema = FFI_ArrowSchema::empty();
    // SAFETY: the stream has not been released, and the schema is one to be written to.
    if unsafe { get_schema(stream, &raw mut schema) } != 0 {
        return Err(last_error(stream));
    }
    if schema.release.is_none() {
        return Err("the stream gave no schema".to_owned());
    }
    DataType::try_from(&schema).map_err(|error| error.to_string())
}

fn last_error(stream: &mut FFI_ArrowArrayStream) -> String {
    // SAFETY: the stream has not been released; the text is its own until its next call, and ends with a zero.
    let text = stream.get_last_error.and_then(|get| unsafe {
        let text = get(stream);
        (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
    });
    text.unwrap_or_else(|| "the stream says nothing of why".to_owned())
}

/// What arrow asserts of a structure becomes an error.
fn guarded<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err("it is none that Arrow defines".to_owned()))
}

#[cold]
fn used(py: Python<'_>) -> PyErr {
    unfit(py, "its capsule was used before, and can be used once")
}

#[cold]
fn unfit(py: Python<'_>, why: &str) -> PyErr {
    mismatch(py, format!("expected a column of Arrow, but what was given cannot be read: {why}"))
}

/// The type of a column, for others.
pub(crate) fn schema_capsule<'py>(py: Python<'py>, field: &Field) -> PyResult<Bound<'py, PyCapsule>> {
    let schema = FFI_ArrowSchema::try_from(field).map_err(|error| unfit(py, &error.to_string()))?;
    PyCapsule::new_with_value(py, schema, SCHEMA)
}

/// An array, for others.
pub(crate) fn array_capsule<'py>(py: Python<'py>, array: &ArrayRef) -> PyResult<Bound<'py, PyCapsule>> {
    PyCapsule::new_with_value(py, FFI_ArrowArray::new(&array.to_data()), ARRAY)
}

/// Arrays one after another, for others.
pub(crate) fn stream_capsule<'py>(
    py: Python<'py>,
    field: &Field,
    arrays: Vec<ArrayRef>,
) -> PyResult<Bound<'py, PyCapsule>> {
    let outgoing = Outgoing { field: field.clone(), arrays: arrays.into_iter() };
    let stream = FFI_ArrowArrayStream {
        get_schema: Some(get_schema),
        get_next: Some(get_next),
        get_last_error: Some(get_last_error),
        release: Some(release),
        private_data: Box::into_raw(Box::new(outgoing)).cast(),
    };
    PyCapsule::new_with_value(py, stream, STREAM)
}

/// What a stream for others has left.
struct Outgoing {
    field: Field,
    arrays: std::vec::IntoIter<ArrayRef>,
}

/// What the structure of a stream of this file points to.
///
/// # Safety
///
/// The stream is one that `stream_capsule` made, and was not released.
unsafe fn outgoing<'a>(stream: *mut FFI_ArrowArrayStream) -> &'a mut Outgoing {
    // SAFETY: by the caller; nobody else uses it during a call, as the interface asks of consumers.
    unsafe { &mut *(*stream).private_data.cast::<Outgoing>() }
}

unsafe extern "C" fn get_schema(stream: *mut FFI_ArrowArrayStream, to: *mut FFI_ArrowSchema) -> c_int {
    // SAFETY: a consumer calls this with a stream of this file that it has not released, and a place to write to.
    match FFI_ArrowSchema::try_from(unsafe { &outgoing(stream).field }) {
        Ok(schema) => {
            // SAFETY: as above.
            unsafe { to.write(schema) };
            0
        }
        // An error number, EINVAL: that the type can be told was seen when the column was made.
        Err(_) => 22,
    }
}

unsafe extern "C" fn get_next(stream: *mut FFI_ArrowArrayStream, to: *mut FFI_ArrowArray) -> c_int {
    // SAFETY: as in `get_schema`.
    let next = unsafe { outgoing(stream) }.arrays.next();
    let array = next.map_or_else(FFI_ArrowArray::empty, |array| FFI_ArrowArray::new(&array.to_data()));
    // SAFETY: as in `get_schema`.
    unsafe { to.write(array) };
    0
}

unsafe extern "C" fn get_last_error(_: *mut FFI_ArrowArrayStream) -> *const c_char {
    std::ptr::null()
}

unsafe extern "C" fn release(stream: *mut FFI_ArrowArrayStream) {
    // SAFETY: as in `get_schema`; what was made by `stream_capsule` is dropped once, as the stream is told to be released here.
    unsafe {
        let data = std::mem::replace(&mut (*stream).private_data, std::ptr::null_mut::<c_void>());
        (*stream).release = None;
        drop(Box::from_raw(data.cast::<Outgoing>()));
    }
}
