//! Buffers of Python as lists of numbers: the buffer protocol, and what numpy makes of whatever else has an array.

use crate::from_arrow;
use crate::from_python::Misfit;
use crate::immutable;
use purefork::value::{List, Type};
use pyo3::buffer::{Element, PyBuffer, PyUntypedBuffer};
use pyo3::exceptions::PyBufferError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};
use zerocopy::{FromBytes, Immutable};

/// The numbers of a buffer or an array, or the values of a column of Arrow; none if the object is none of these.
///
/// Memory that nobody can write to is shared. Other memory is copied, since it may change while a call reads it; what it is copied to is the
/// call's.
pub(crate) fn numbers(element: &Type, given: &Bound<'_, PyAny>) -> Result<Option<List>, Misfit> {
    if given.is_instance_of::<PyList>() || given.is_instance_of::<PyTuple>() || given.is_instance_of::<PyString>() {
        return Ok(None);
    }
    if given.is_instance_of::<PyDict>() {
        return Ok(None);
    }
    match PyUntypedBuffer::get(given) {
        Ok(buffer) => of_buffer(given.py(), element, &buffer).map(Some),
        // It has a buffer, of a form that nobody can read: of no dimension, say.
        Err(error) if error.is_instance_of::<PyBufferError>(given.py()) => Err(Misfit::new(format!(
            "expected a buffer of 1 dimension, but was given one that cannot be read: {error}"
        ))),
        // A column of Arrow, or a tensor of PyTorch or of JAX: never one by one.
        Err(_) => match from_arrow::list(element, given)? {
            Some(list) => Ok(Some(list)),
            None => match array(given) {
                Some(array) => of_buffer(given.py(), element, &PyUntypedBuffer::get(&array?)?).map(Some),
                None => Ok(None),
            },
        },
    }
}

/// What an object's `__array__` gives, if it has one.
fn array<'py>(given: &Bound<'py, PyAny>) -> Option<PyResult<Bound<'py, PyAny>>> {
    let py = given.py();
    if let Ok(method) = given.getattr(pyo3::intern!(py, "__array__")) {
        return Some(method.call0());
    }
    if given.hasattr(pyo3::intern!(py, "__array_interface__")).unwrap_or(false) {
        return Some(py.import("numpy").and_then(|numpy| numpy.getattr("asarray")?.call1((given,))));
    }
    if given.hasattr(pyo3::intern!(py, "__dlpack__")).unwrap_or(false) {
        return Some(py.import("numpy").and_then(|numpy| numpy.getattr("from_dlpack")?.call1((given,))));
    }
    None
}

/// What a buffer holds, as WIT names it.
pub(crate) fn held(buffer: &PyUntypedBuffer) -> Option<Type> {
    let format = buffer.format().to_bytes();
    let (format, standard) = match format {
        [b'@', format] | [format] => (*format, false),
        [b'=', format] => (*format, true),
        [b'<', format] if cfg!(target_endian = "little") => (*format, true),
        _ => return None,
    };
    let long = if standard { 4 } else { size_of::<std::ffi::c_long>() };
    Some(match format {
        b'?' => Type::Bool,
        b'b' => Type::S8,
        b'B' | b'c' => Type::U8,
        b'h' => Type::S16,
        b'H' => Type::U16,
        b'i' => Type::S32,
        b'I' => Type::U32,
        b'l' if long == 4 => Type::S32,
        b'L' if long == 4 => Type::U32,
        b'l' | b'q' | b'n' => Type::S64,
        b'L' | b'Q' | b'N' => Type::U64,
        b'f' => Type::F32,
        b'd' => Type::F64,
        _ => return None,
    })
}

fn of_buffer(py: Python<'_>, element: &Type, buffer: &PyUntypedBuffer) -> Result<List, Misfit> {
    if buffer.dimensions() != 1 {
        let dimensions = buffer.dimensions();
        return Err(Misfit::new(format!("expected a buffer of 1 dimension, but was given one of {dimensions}")));
    }
    let Some(held) = held(buffer) else {
        let format = buffer.format().to_string_lossy().into_owned();
        let why = match format.as_bytes() {
            [b'>' | b'!', _] => {
                ": its bytes are in the other order; give `array.astype(array.dtype.newbyteorder('='))`"
            }
            _ => "",
        };
        return Err(Misfit::new(format!("expected numbers, but was given a buffer of format `{format}`{why}")));
    };
    let same = match (element, &held) {
        (Type::I32, Type::S32 | Type::U32) | (Type::I64, Type::S64 | Type::U64) => true,
        (element, held) => element == held,
    };
    match (element, same) {
        (Type::Bool, true) => bools(py, buffer),
        (Type::U8, true) => held_as::<u8>(py, buffer),
        (Type::S8, true) => held_as::<i8>(py, buffer),
        (Type::U16, true) => held_as::<u16>(py, buffer),
        (Type::S16, true) => held_as::<i16>(py, buffer),
        (Type::U32, true) => held_as::<u32>(py, buffer),
        (Type::S32 | Type::I32, true) => match held {
            Type::U32 => {
                Ok(List::from(vector::<u32>(py, buffer)?.into_iter().map(u32::cast_signed).collect::<Vec<_>>()))
            }
            _ => held_as::<i32>(py, buffer),
        },
        (Type::U64, true) => held_as::<u64>(py, buffer),
        (Type::S64 | Type::I64, true) => match held {
            Type::U64 => {
                Ok(List::from(vector::<u64>(py, buffer)?.into_iter().map(u64::cast_signed).collect::<Vec<_>>()))
            }
            _ => held_as::<i64>(py, buffer),
        },
        (Type::F32, true) => held_as::<f32>(py, buffer),
        (Type::F64, true) => held_as::<f64>(py, buffer),
        _ => converted(py, element, &held, buffer),
    }
}

/// A copy of the numbers.
fn vector<T: Element + FromBytes>(py: Python<'_>, buffer: &PyUntypedBuffer) -> PyResult<Vec<T>> {
    if buffer.buf_ptr().cast::<T>().is_aligned() {
        let typed: &PyBuffer<T> = buffer.as_typed()?;
        return typed.to_vec(py);
    }
    // Numbers that lie across words, as a view of bytes from the second on: bytes first, of which PyO3 makes none.
    let bytes = copied(py, buffer)?;
    let numbers = bytes.chunks_exact(size_of::<T>()).map(T::read_from_bytes).collect::<Result<Vec<T>, _>>();
    numbers.map_err(|_| PyBufferError::new_err("expected as many bytes as the numbers have"))
}

/// A copy of the bytes, one after another.
fn copied(py: Python<'_>, buffer: &PyUntypedBuffer) -> PyResult<Vec<u8>> {
    let owner = buffer.obj(py).ok_or_else(|| PyBufferError::new_err("the buffer has no owner"))?;
    py.import("builtins")?.getattr("memoryview")?.call1((owner,))?.call_method0("tobytes")?.extract()
}

/// The numbers as they are.
fn held_as<T>(py: Python<'_>, buffer: &PyUntypedBuffer) -> Result<List, Misfit>
where
    T: Element + purefork::value::Element + FromBytes + Immutable,
    List: From<Vec<T>>,
{
    match immutable::numbers::<T>(py, buffer) {
        Some(shared) => Ok(shared),
        None => Ok(List::from(vector::<T>(py, buffer)?)),
    }
}

/// PyO3 has no buffers of `bool`: these are bytes of 0 and 1, and a copy of them as bytes is asked for.
fn bools(py: Python<'_>, buffer: &PyUntypedBuffer) -> Result<List, Misfit> {
    Ok(List::from(copied(py, buffer)?.into_iter().map(|byte| byte != 0).collect::<Vec<bool>>()))
}

/// Numbers of another type, each of which has to be one of this.
fn converted(py: Python<'_>, element: &Type, held: &Type, buffer: &PyUntypedBuffer) -> Result<List, Misfit> {
    macro_rules! integers {
        ($from:ty) => {
            each(element, vector::<$from>(py, buffer)?.into_iter().map(|n| Number::Whole(i128::from(n))))
        };
    }
    let list = match held {
        Type::U8 => integers!(u8),
        Type::S8 => integers!(i8),
        Type::U16 => integers!(u16),
        Type::S16 => integers!(i16),
        Type::U32 => integers!(u32),
        Type::S32 => integers!(i32),
        Type::U64 => integers!(u64),
        Type::S64 => integers!(i64),
        Type::F32 => each(element, vector::<f32>(py, buffer)?.into_iter().map(|n| Number::Float(f64::from(n)))),
        Type::F64 => each(element, vector::<f64>(py, buffer)?.into_iter().map(Number::Float)),
        _ => None,
    };
    list.unwrap_or_else(|| Err(Misfit::new(format!("expected numbers of {element}, but was given a buffer of {held}"))))
}

#[derive(Clone, Copy)]
enum Number {
    Whole(i128),
    Float(f64),
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Number::Whole(n) => write!(f, "{n}"),
            Number::Float(n) => write!(f, "{n:?}"),
        }
    }
}

impl Number {
    fn whole(self) -> Option<i128> {
        match self {
            Number::Whole(n) => Some(n),
            Number::Float(_) => None,
        }
    }

    /// As a float, if that is exact for a whole number. Floats are rounded to shorter ones, as everywhere in Python.
    fn double(self) -> Option<f64> {
        match self {
            #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
            Number::Whole(n) => Some(n as f64).filter(|float| *float as i128 == n),
            Number::Float(n) => Some(n),
        }
    }

    fn single(self) -> Option<f32> {
        #[allow(clippy::cast_possible_truncation)]
        let single = self.double()? as f32;
        match self {
            Number::Whole(_) if f64::from(single) != self.double()? => None,
            Number::Float(n) if n.is_finite() && !single.is_finite() => None,
            _ => Some(single),
        }
    }
}

/// The numbers as those of a type; none if the type is none of numbers.
fn each(element: &Type, numbers: impl Iterator<Item = Number>) -> Option<Result<List, Misfit>> {
    fn all<T>(
        element: &Type,
        numbers: impl Iterator<Item = Number>,
        one: impl Fn(Number) -> Option<T>,
    ) -> Result<List, Misfit>
    where
        List: From<Vec<T>>,
    {
        let wrong = |at: usize, number: Number| {
            let expected = element.whole_numbers().unwrap_or("a number that it holds exactly");
            Misfit::new(format!("expected {element}, {expected}, but was given {number}")).at(&format!("[{at}]"))
        };
        let numbers = numbers.enumerate().map(|(at, number)| one(number).ok_or_else(|| wrong(at, number)));
        Ok(List::from(numbers.collect::<Result<Vec<T>, Misfit>>()?))
    }
    macro_rules! whole {
        ($rust:ty) => {
            all(element, numbers, |n| <$rust>::try_from(n.whole()?).ok())
        };
    }
    Some(match element {
        Type::U8 => whole!(u8),
        Type::S8 => whole!(i8),
        Type::U16 => whole!(u16),
        Type::S16 => whole!(i16),
        Type::U32 => whole!(u32),
        Type::S32 | Type::I32 => whole!(i32),
        Type::U64 => whole!(u64),
        Type::S64 | Type::I64 => whole!(i64),
        Type::F32 => all(element, numbers, Number::single),
        Type::F64 => all(element, numbers, Number::double),
        _ => return None,
    })
}
