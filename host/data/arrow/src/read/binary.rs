//! Bytes.

use super::text::{As, span};
use super::{Cells, Nulls, unfit};
use crate::error::Misfit;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BinaryArray, BinaryViewArray, FixedSizeBinaryArray, LargeBinaryArray};
use arrow_schema::DataType;
use purefork::Value;
use purefork::value::{List, Type};
use std::ops::Range;

enum Bytes {
    Small(BinaryArray),
    Large(LargeBinaryArray),
    View(BinaryViewArray),
    Fixed(FixedSizeBinaryArray),
}

enum Given {
    Bytes,
    Vector,
    /// Files of older writers do not say that their bytes are text.
    Text(As),
}

struct Binaries {
    array: Bytes,
    nulls: Nulls,
    given: Given,
}

pub(super) fn binaries(array: &ArrayRef, ty: &Type) -> Result<Box<dyn Cells>, Misfit> {
    let given = match (As::of(ty), array.data_type()) {
        (Some(As::Bytes), _) => Given::Bytes,
        (Some(text), _) => Given::Text(text),
        (None, DataType::FixedSizeBinary(16)) if *ty == Type::V128 => Given::Vector,
        (None, _) => return Err(unfit("binary", ty, "list<u8>, or, if it is text, a string")),
    };
    let nulls = Nulls::of(array);
    let array = match array.data_type() {
        DataType::LargeBinary => Bytes::Large(array.as_binary::<i64>().clone()),
        DataType::BinaryView => Bytes::View(array.as_binary_view().clone()),
        DataType::FixedSizeBinary(_) => Bytes::Fixed(array.as_fixed_size_binary().clone()),
        _ => Bytes::Small(array.as_binary::<i32>().clone()),
    };
    Ok(Box::new(Binaries { array, nulls, given }))
}

impl Cells for Binaries {
    fn is_null(&self, row: usize) -> bool {
        self.nulls.is_null(row)
    }

    fn has_no_nulls(&self) -> bool {
        self.nulls.is_none()
    }

    fn get(&self, row: usize) -> Result<Value, Misfit> {
        let bytes = match &self.array {
            Bytes::Small(array) => array.value(row),
            Bytes::Large(array) => array.value(row),
            Bytes::View(array) => array.value(row),
            Bytes::Fixed(array) => array.value(row),
        };
        match &self.given {
            Given::Bytes => Ok(Value::List(List::from(bytes.to_vec()))),
            Given::Vector => match bytes.try_into() {
                Ok(bytes) => Ok(Value::V128(bytes)),
                Err(_) => Err(Misfit::new(format!("expected 16 bytes, but there are {}", bytes.len()))),
            },
            Given::Text(text) => match std::str::from_utf8(bytes) {
                Ok(bytes) => text.value(bytes),
                Err(error) => Err(Misfit::new(format!(
                    "expected text in UTF-8, but the bytes are none from byte {} on",
                    error.valid_up_to()
                ))),
            },
        }
    }

    fn bytes(&self, rows: Range<usize>) -> usize {
        8 * rows.len()
            + match &self.array {
                Bytes::Small(array) => span(array.value_offsets(), rows),
                Bytes::Large(array) => span(array.value_offsets(), rows),
                Bytes::View(array) => array.views()[rows].iter().map(|view| *view as u32 as usize).sum(),
                Bytes::Fixed(array) => rows.len() * usize::try_from(array.value_length()).unwrap_or(0),
            }
    }
}
