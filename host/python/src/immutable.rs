//! Memory of Python's that nobody can write to: it is read where it lies.
//!
//! A buffer that calls itself read-only may be a view of one that is not: so says `numpy` of an array whose flag was taken away. What is
//! not copied lies in `bytes` or in a [`Numbers`], at the end of the chain of views; it is found by its address, whatever a view says.

use crate::numbers::Numbers;
use purefork::value::{Element, List};
use pyo3::buffer::PyUntypedBuffer;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyMemoryView};
use std::ops::Range;
use zerocopy::{FromBytes, Immutable};

/// From how many bytes on memory is shared: to hold on to its owner costs as much as to copy less.
const SHARED: usize = 4096;

/// The most views on the way to the owner.
const VIEWS: usize = 8;

/// Who has the memory.
enum Owner {
    Bytes(PyBackedBytes),
    Numbers(List),
}

impl Owner {
    fn bytes(&self) -> &[u8] {
        match self {
            Owner::Bytes(bytes) => bytes,
            Owner::Numbers(list) => list.as_bytes().map_or(&[], |(_, bytes)| bytes),
        }
    }
}

/// A part of an owner's memory.
struct Part {
    owner: Owner,
    range: Range<usize>,
}

impl<T: FromBytes + Immutable> AsRef<[T]> for Part {
    fn as_ref(&self) -> &[T] {
        let bytes = self.owner.bytes().get(self.range.clone()).unwrap_or_default();
        // That it is aligned was seen before it was taken.
        <[T]>::ref_from_bytes(bytes).unwrap_or_default()
    }
}

/// The bytes as a list: of many, themselves.
pub(crate) fn bytes(given: &Bound<'_, PyBytes>) -> List {
    match given.as_bytes() {
        few if few.len() < SHARED => List::from(few.to_vec()),
        _ => List::from_owner::<u8>(PyBackedBytes::from(given.clone())),
    }
}

/// The numbers of a buffer without a copy, if they lie in memory that nobody can write to, one after another and aligned; none if they have
/// to be copied.
pub(crate) fn numbers<T: Element + FromBytes + Immutable>(py: Python<'_>, buffer: &PyUntypedBuffer) -> Option<List> {
    if buffer.len_bytes() < SHARED || !buffer.readonly() || !buffer.is_c_contiguous() {
        return None;
    }
    let start = buffer.buf_ptr() as usize;
    let mut given = buffer.obj(py)?.clone();
    for _ in 0..VIEWS {
        let owner = if let Ok(bytes) = given.cast::<PyBytes>() {
            Owner::Bytes(PyBackedBytes::from(bytes.clone()))
        } else if let Ok(numbers) = given.cast::<Numbers>() {
            Owner::Numbers(numbers.get().list().clone())
        } else {
            let view = given.is_instance_of::<PyMemoryView>();
            // An array of numpy has a `base`.
            given = given.getattr(if view { intern!(py, "obj") } else { intern!(py, "base") }).ok()?;
            continue;
        };
        let memory = owner.bytes();
        let from = start.checked_sub(memory.as_ptr() as usize)?;
        let range = from..from.checked_add(buffer.len_bytes())?;
        <[T]>::ref_from_bytes(memory.get(range.clone())?).ok()?;
        return Some(List::from_owner::<T>(Part { owner, range }));
    }
    None
}
