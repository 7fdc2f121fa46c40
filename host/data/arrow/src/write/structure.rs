//! Records, tuples and options.

use super::bytes::refused;
use super::{Column, Validity, Variants, column, part, wrong};
use crate::error::Misfit;
use arrow_array::{ArrayRef, StructArray};
use arrow_schema::{DataType, Field, Fields};
use purefork::Value;
use purefork::value::{Name, Type};
use std::sync::Arc;

/// A structure in the making.
struct Structure {
    fields: Fields,
    columns: Vec<Box<dyn Column>>,
    validity: Validity,
}

impl Structure {
    fn new<'a>(parts: impl Iterator<Item = (String, &'a Type)>, variants: Variants) -> Result<Structure, Misfit> {
        let (mut fields, mut columns) = (Vec::new(), Vec::new());
        for (name, ty) in parts {
            let column = column(ty, variants).map_err(|misfit| misfit.at(&format!(".{name}")))?;
            fields.push(part(&name, ty, column.data_type()));
            columns.push(column);
        }
        Ok(Structure { fields: fields.into(), columns, validity: Validity::default() })
    }

    /// Adds a value for each field.
    fn push<'a>(&mut self, values: impl Iterator<Item = &'a Value>) -> Result<(), Misfit> {
        let len = self.validity.len;
        for ((field, column), value) in self.fields.iter().zip(&mut self.columns).zip(values) {
            if let Err(misfit) = column.push(value) {
                let misfit = misfit.at(&format!(".{}", field.name()));
                self.columns.iter_mut().for_each(|column| column.truncate(len));
                return Err(misfit);
            }
        }
        self.validity.push(true);
        Ok(())
    }

    fn push_null(&mut self) {
        self.columns.iter_mut().for_each(|column| column.push_null());
        self.validity.push(false);
    }

    fn truncate(&mut self, len: usize) {
        self.columns.iter_mut().for_each(|column| column.truncate(len));
        self.validity.truncate(len);
    }

    fn bytes(&self) -> usize {
        self.columns.iter().map(|column| column.bytes()).sum()
    }

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        let len = self.validity.len;
        let columns = self.columns.iter_mut().map(|column| column.finish()).collect::<Result<Vec<_>, _>>()?;
        let structure = StructArray::try_new_with_length(self.fields.clone(), columns, self.validity.finish(), len);
        Ok(Arc::new(structure.map_err(refused)?))
    }
}

macro_rules! delegate {
    () => {
        fn data_type(&self) -> DataType {
            DataType::Struct(self.0.fields.clone())
        }

        fn push_null(&mut self) {
            self.0.push_null();
        }

        fn truncate(&mut self, len: usize) {
            self.0.truncate(len);
        }

        fn len(&self) -> usize {
            self.0.validity.len
        }

        fn bytes(&self) -> usize {
            self.0.bytes()
        }

        fn finish(&mut self) -> Result<ArrayRef, Misfit> {
            self.0.finish()
        }
    };
}

struct Record(Structure, Arc<[(Name, Type)]>);

pub(super) fn record(fields: &Arc<[(Name, Type)]>, variants: Variants) -> Result<Box<dyn Column>, Misfit> {
    let parts = fields.iter().map(|(name, ty)| (name.to_string(), ty));
    Ok(Box::new(Record(Structure::new(parts, variants)?, fields.clone())))
}

impl Column for Record {
    fn push(&mut self, value: &Value) -> Result<(), Misfit> {
        let Value::Record(given) = value else {
            return Err(wrong("a record", value));
        };
        let fields = self.1.clone();
        if fields.len() != given.len() {
            return Err(wrong("a record of the type", value));
        }
        // A guest's are in the order of the type.
        if fields.iter().zip(given.iter()).all(|((name, _), (given, _))| name == given) {
            return self.0.push(given.iter().map(|(_, value)| value));
        }
        let found = fields.iter().map(|(name, _)| value.field(name)).collect::<Option<Vec<_>>>();
        self.0.push(found.ok_or_else(|| wrong("a record of the type", value))?.into_iter())
    }

    delegate!();
}

struct Tuple(Structure);

pub(super) fn tuple(types: &[Type], variants: Variants) -> Result<Box<dyn Column>, Misfit> {
    let parts = types.iter().enumerate().map(|(at, ty)| (format!("f{at}"), ty));
    Ok(Box::new(Tuple(Structure::new(parts, variants)?)))
}

impl Column for Tuple {
    fn push(&mut self, value: &Value) -> Result<(), Misfit> {
        match value {
            Value::Tuple(given) if given.len() == self.0.columns.len() => self.0.push(given.iter()),
            value => Err(wrong(&format!("a tuple of {} values", self.0.columns.len()), value)),
        }
    }

    delegate!();
}

/// An option: the null of what is in it. Of an option of an option, the outer one is a structure.
pub(super) fn option(some: &Type, variants: Variants) -> Result<Box<dyn Column>, Misfit> {
    let column = if matches!(some, Type::Option(_)) {
        let inner = column(some, variants).map_err(|misfit| misfit.at(".some"))?;
        let fields = Fields::from(vec![Field::new("some", inner.data_type(), true)]);
        Box::new(Some(Structure { fields, columns: vec![inner], validity: Validity::default() }))
    } else {
        column(some, variants).map_err(|misfit| misfit.at(".some"))?
    };
    Ok(Box::new(Optional(column)))
}

struct Some(Structure);

impl Column for Some {
    fn push(&mut self, value: &Value) -> Result<(), Misfit> {
        self.0.push(std::iter::once(value))
    }

    delegate!();
}

struct Optional(Box<dyn Column>);

impl Column for Optional {
    fn data_type(&self) -> DataType {
        self.0.data_type()
    }

    fn push(&mut self, value: &Value) -> Result<(), Misfit> {
        match value {
            Value::Option(None) => {
                self.0.push_null();
                Ok(())
            }
            Value::Option(Option::Some(value)) => self.0.push(value),
            value => Err(wrong("an option", value)),
        }
    }

    fn push_null(&mut self) {
        self.0.push_null();
    }

    fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn bytes(&self) -> usize {
        self.0.bytes()
    }

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        self.0.finish()
    }
}
