//! Lists, and flags, which are lists of names.

use super::bytes::{full, refused};
use super::{Column, Validity, Variants, column, part, wrong};
use crate::error::Misfit;
use arrow_array::{ArrayRef, ListArray};
use arrow_buffer::{ArrowNativeType, OffsetBuffer};
use arrow_schema::{DataType, Field, FieldRef};
use purefork::Value;
use purefork::value::{Name, Type};
use std::sync::Arc;

/// Where the elements of each list end.
struct Ends(Vec<i32>);

impl Ends {
    fn push(&mut self, len: usize) -> Result<(), Misfit> {
        self.0.push(i32::try_from(len).map_err(|_| full(len))?);
        Ok(())
    }

    fn last(&self) -> usize {
        self.0.last().copied().unwrap_or(0).as_usize()
    }
}

struct Lists {
    field: FieldRef,
    elements: Box<dyn Column>,
    ends: Ends,
    validity: Validity,
}

pub(super) fn lists(element: &Type, variants: Variants) -> Result<Box<dyn Column>, Misfit> {
    let elements = column(element, variants).map_err(|misfit| misfit.at("[]"))?;
    let field = Arc::new(part(Field::LIST_FIELD_DEFAULT_NAME, element, elements.data_type()));
    Ok(Box::new(Lists { field, elements, ends: Ends(vec![0]), validity: Validity::default() }))
}

impl Column for Lists {
    fn data_type(&self) -> DataType {
        DataType::List(self.field.clone())
    }

    fn push(&mut self, value: &Value) -> Result<(), Misfit> {
        let Value::List(list) = value else {
            return Err(wrong("a list", value));
        };
        let added = match self.elements.len().saturating_add(list.len()) {
            len if i32::try_from(len).is_err() => Err(full(len)),
            _ => self.elements.extend(list.clone()),
        };
        let added = added.and_then(|()| self.ends.push(self.elements.len()));
        if added.is_err() {
            self.elements.truncate(self.ends.last());
            return added;
        }
        self.validity.push(true);
        Ok(())
    }

    fn push_null(&mut self) {
        let last = self.ends.0.last().copied().unwrap_or(0);
        self.ends.0.push(last);
        self.validity.push(false);
    }

    fn truncate(&mut self, len: usize) {
        self.ends.0.truncate(len + 1);
        self.elements.truncate(self.ends.last());
        self.validity.truncate(len);
    }

    fn len(&self) -> usize {
        self.ends.0.len() - 1
    }

    fn bytes(&self) -> usize {
        4 * self.ends.0.len() + self.elements.bytes()
    }

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        let ends = std::mem::replace(&mut self.ends.0, vec![0]);
        let (offsets, nulls) = (OffsetBuffer::new(ends.into()), self.validity.finish());
        Ok(Arc::new(ListArray::try_new(self.field.clone(), offsets, self.elements.finish()?, nulls).map_err(refused)?))
    }
}

/// The flags that are set, as a list of their names.
pub(super) struct Flags {
    names: Arc<[Name]>,
    lists: Lists,
}

impl Flags {
    pub(super) fn new(names: &Arc<[Name]>) -> Flags {
        let elements: Box<dyn Column> = Box::new(super::bytes::Texts::default());
        let field = Arc::new(Field::new(Field::LIST_FIELD_DEFAULT_NAME, DataType::Utf8, false));
        let lists = Lists { field, elements, ends: Ends(vec![0]), validity: Validity::default() };
        Flags { names: names.clone(), lists }
    }
}

impl Column for Flags {
    fn data_type(&self) -> DataType {
        self.lists.data_type()
    }

    fn push(&mut self, value: &Value) -> Result<(), Misfit> {
        let Value::Flags(set) = value else {
            return Err(wrong("flags", value));
        };
        if set.iter().any(|flag| !self.names.contains(flag)) {
            return Err(wrong("flags of the type", value));
        }
        let names: Vec<Value> = set.iter().map(|name| Value::String(name.clone())).collect();
        self.lists.push(&Value::List(names.into()))
    }

    fn push_null(&mut self) {
        self.lists.push_null();
    }

    fn truncate(&mut self, len: usize) {
        self.lists.truncate(len);
    }

    fn len(&self) -> usize {
        self.lists.len()
    }

    fn bytes(&self) -> usize {
        self.lists.bytes()
    }

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        self.lists.finish()
    }
}
