//! Numbers and truth values.

use super::{Column, Validity, wrong};
use crate::error::Misfit;
use arrow_array::{ArrayRef, ArrowPrimitiveType, BooleanArray, PrimitiveArray};
use arrow_buffer::BooleanBuffer;
use arrow_schema::DataType;
use purefork::Value;
use purefork::value::{Element, List, Typed};
use std::sync::Arc;

pub(super) struct Numbers<P: ArrowPrimitiveType> {
    values: Vec<P::Native>,
    validity: Validity,
}

pub(super) fn numbers<P: ArrowPrimitiveType>() -> Box<dyn Column>
where
    P::Native: Element + Typed,
{
    Box::new(Numbers::<P> { values: Vec::new(), validity: Validity::default() })
}

impl<P: ArrowPrimitiveType> Column for Numbers<P>
where
    P::Native: Element + Typed,
{
    fn data_type(&self) -> DataType {
        P::DATA_TYPE
    }

    fn push(&mut self, value: &Value) -> Result<(), Misfit> {
        match P::Native::from_ref(value) {
            Some(number) => {
                self.values.push(number);
                self.validity.push(true);
                Ok(())
            }
            None => Err(wrong(&P::Native::ty().to_string(), value)),
        }
    }

    fn push_null(&mut self) {
        self.values.push(P::Native::default());
        self.validity.push(false);
    }

    fn extend(&mut self, list: List) -> Result<(), Misfit> {
        let count = list.len();
        if self.values.is_empty() && list.as_slice::<P::Native>().is_some() {
            if let Some(values) = list.into_vec() {
                self.values = values;
            }
        } else if let Some(values) = list.as_slice::<P::Native>() {
            self.values.extend_from_slice(values);
        } else {
            for (at, value) in list.iter().enumerate() {
                let number = P::Native::from_ref(&value);
                let number = number.ok_or_else(|| wrong(&P::Native::ty().to_string(), &value));
                self.values.push(number.map_err(|misfit| misfit.at(&format!("[{at}]")))?);
            }
        }
        self.validity.push_valid(count);
        Ok(())
    }

    fn truncate(&mut self, len: usize) {
        self.values.truncate(len);
        self.validity.truncate(len);
    }

    fn len(&self) -> usize {
        self.values.len()
    }

    fn bytes(&self) -> usize {
        size_of_val(self.values.as_slice())
    }

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        let values = std::mem::take(&mut self.values);
        Ok(Arc::new(PrimitiveArray::<P>::new(values.into(), self.validity.finish())))
    }
}

#[derive(Default)]
pub(super) struct Booleans {
    values: Vec<bool>,
    validity: Validity,
}

impl Column for Booleans {
    fn data_type(&self) -> DataType {
        DataType::Boolean
    }

    fn push(&mut self, value: &Value) -> Result<(), Misfit> {
        let Value::Bool(value) = value else {
            return Err(wrong("bool", value));
        };
        self.values.push(*value);
        self.validity.push(true);
        Ok(())
    }

    fn push_null(&mut self) {
        self.values.push(false);
        self.validity.push(false);
    }

    fn truncate(&mut self, len: usize) {
        self.values.truncate(len);
        self.validity.truncate(len);
    }

    fn len(&self) -> usize {
        self.values.len()
    }

    fn bytes(&self) -> usize {
        self.values.len()
    }

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        let values = std::mem::take(&mut self.values);
        Ok(Arc::new(BooleanArray::new(BooleanBuffer::from(values), self.validity.finish())))
    }
}
