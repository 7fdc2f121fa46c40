//! Text, bytes, and names of cases.

use super::{Column, Validity, wrong};
use crate::error::Misfit;
use arrow_array::types::{ArrowDictionaryKeyType, Int8Type, Int16Type, Int32Type};
use arrow_array::{ArrayRef, BinaryArray, DictionaryArray, FixedSizeBinaryArray, PrimitiveArray, StringArray};
use arrow_buffer::{ArrowNativeType, Buffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType};
use purefork::Value;
use purefork::value::Name;
use std::collections::HashMap;
use std::sync::Arc;

/// Values of any number of bytes.
struct Spans {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<i32>,
    validity: Validity,
}

impl Default for Spans {
    fn default() -> Spans {
        Spans { bytes: Vec::new(), ends: vec![0], validity: Validity::default() }
    }
}

impl Spans {
    fn push(&mut self, bytes: &[u8]) -> Result<(), Misfit> {
        let end = self.bytes.len().saturating_add(bytes.len());
        let end = i32::try_from(end).map_err(|_| full(end))?;
        self.bytes.extend_from_slice(bytes);
        self.ends.push(end);
        self.validity.push(true);
        Ok(())
    }

    fn push_null(&mut self) {
        self.ends.push(self.ends.last().copied().unwrap_or(0));
        self.validity.push(false);
    }

    fn truncate(&mut self, len: usize) {
        self.ends.truncate(len + 1);
        self.bytes.truncate(self.ends.last().copied().unwrap_or(0).as_usize());
        self.validity.truncate(len);
    }

    fn len(&self) -> usize {
        self.ends.len() - 1
    }

    fn size(&self) -> usize {
        self.bytes.len() + 4 * self.ends.len()
    }

    fn finish(&mut self) -> (OffsetBuffer<i32>, Buffer, Option<arrow_buffer::NullBuffer>) {
        let bytes = Buffer::from_vec(std::mem::take(&mut self.bytes));
        let ends = std::mem::replace(&mut self.ends, vec![0]);
        (OffsetBuffer::new(ends.into()), bytes, self.validity.finish())
    }
}

/// That an array's offsets cannot count as much.
pub(super) fn full(count: usize) -> Misfit {
    Misfit::new(format!(
        "an array holds {} bytes or elements, but they would be {count}: take smaller batches",
        i32::MAX
    ))
}

pub(super) fn refused(error: ArrowError) -> Misfit {
    Misfit::new(error.to_string())
}

macro_rules! delegate {
    ($spans:tt) => {
        fn push_null(&mut self) {
            self.$spans.push_null();
        }

        fn truncate(&mut self, len: usize) {
            self.$spans.truncate(len);
        }

        fn len(&self) -> usize {
            self.$spans.len()
        }

        fn bytes(&self) -> usize {
            self.$spans.size()
        }
    };
}

#[derive(Default)]
pub(super) struct Texts(Spans);

impl Column for Texts {
    fn data_type(&self) -> DataType {
        DataType::Utf8
    }

    fn push(&mut self, value: &Value) -> Result<(), Misfit> {
        match value {
            Value::String(text) => self.0.push(text.as_bytes()),
            Value::Char(char) => self.0.push(char.encode_utf8(&mut [0; 4]).as_bytes()),
            value => Err(wrong("string", value)),
        }
    }

    delegate!(0);

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        let (offsets, bytes, nulls) = self.0.finish();
        Ok(Arc::new(StringArray::try_new(offsets, bytes, nulls).map_err(refused)?))
    }
}

#[derive(Default)]
pub(super) struct Binaries(Spans);

impl Column for Binaries {
    fn data_type(&self) -> DataType {
        DataType::Binary
    }

    fn push(&mut self, value: &Value) -> Result<(), Misfit> {
        let Value::List(list) = value else {
            return Err(wrong("list<u8>", value));
        };
        if let Some(bytes) = list.as_slice::<u8>() {
            return self.0.push(bytes);
        }
        let bytes = list.iter().map(|value| match value {
            Value::U8(byte) => Ok(byte),
            value => Err(wrong("u8", &value)),
        });
        self.0.push(&bytes.collect::<Result<Vec<u8>, Misfit>>()?)
    }

    delegate!(0);

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        let (offsets, bytes, nulls) = self.0.finish();
        Ok(Arc::new(BinaryArray::try_new(offsets, bytes, nulls).map_err(refused)?))
    }
}

/// Vectors of 128 bits.
#[derive(Default)]
pub(super) struct Vectors {
    bytes: Vec<u8>,
    validity: Validity,
}

impl Column for Vectors {
    fn data_type(&self) -> DataType {
        DataType::FixedSizeBinary(16)
    }

    fn push(&mut self, value: &Value) -> Result<(), Misfit> {
        let Value::V128(bytes) = value else {
            return Err(wrong("v128", value));
        };
        self.bytes.extend_from_slice(bytes);
        self.validity.push(true);
        Ok(())
    }

    fn push_null(&mut self) {
        self.bytes.extend_from_slice(&[0; 16]);
        self.validity.push(false);
    }

    fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len * 16);
        self.validity.truncate(len);
    }

    fn len(&self) -> usize {
        self.bytes.len() / 16
    }

    fn bytes(&self) -> usize {
        self.bytes.len()
    }

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        let bytes = Buffer::from_vec(std::mem::take(&mut self.bytes));
        Ok(Arc::new(FixedSizeBinaryArray::try_new(16, bytes, self.validity.finish()).map_err(refused)?))
    }
}

/// An enum: a dictionary of all its cases, the same in every array.
pub(super) fn enumeration(names: &Arc<[Name]>) -> Result<Box<dyn Column>, Misfit> {
    Ok(match names.len() {
        0..=128 => Box::new(Enum::<Int8Type>::new(names)),
        129..=32_768 => Box::new(Enum::<Int16Type>::new(names)),
        _ => Box::new(Enum::<Int32Type>::new(names)),
    })
}

struct Enum<K: ArrowDictionaryKeyType> {
    cases: HashMap<Name, K::Native>,
    names: ArrayRef,
    keys: Vec<K::Native>,
    validity: Validity,
}

impl<K: ArrowDictionaryKeyType> Enum<K> {
    fn new(names: &Arc<[Name]>) -> Enum<K> {
        let cases = names.iter().enumerate();
        let cases = cases.filter_map(|(at, name)| Some((name.clone(), K::Native::from_usize(at)?))).collect();
        let names = Arc::new(StringArray::from_iter_values(names.iter()));
        Enum { cases, names, keys: Vec::new(), validity: Validity::default() }
    }
}

impl<K: ArrowDictionaryKeyType> Column for Enum<K> {
    fn data_type(&self) -> DataType {
        DataType::Dictionary(Box::new(K::DATA_TYPE), Box::new(DataType::Utf8))
    }

    fn push(&mut self, value: &Value) -> Result<(), Misfit> {
        let key = match value {
            Value::Enum(case) => self.cases.get(case),
            _ => None,
        };
        let Some(key) = key else {
            return Err(wrong("a case of the enum", value));
        };
        self.keys.push(*key);
        self.validity.push(true);
        Ok(())
    }

    fn push_null(&mut self) {
        self.keys.push(K::Native::default());
        self.validity.push(false);
    }

    fn truncate(&mut self, len: usize) {
        self.keys.truncate(len);
        self.validity.truncate(len);
    }

    fn len(&self) -> usize {
        self.keys.len()
    }

    fn bytes(&self) -> usize {
        size_of_val(self.keys.as_slice())
    }

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        let keys = ScalarBuffer::from(std::mem::take(&mut self.keys));
        let keys = PrimitiveArray::<K>::new(keys, self.validity.finish());
        Ok(Arc::new(DictionaryArray::try_new(keys, self.names.clone()).map_err(refused)?))
    }
}
