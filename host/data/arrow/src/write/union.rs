//! Variants and results, as unions or as structures of which one field has a value.

use super::bytes::refused;
use super::{Column, Validity, Variants, column, wrong};
use crate::error::Misfit;
use arrow_array::{ArrayRef, StructArray, UnionArray};
use arrow_schema::{DataType, Field, UnionFields, UnionMode};
use purefork::Value;
use purefork::value::{Name, Type};
use std::sync::Arc;

/// A case, whose column is that of an option of its payload, so that a null in it is none of the payload's. Of a case
/// without a payload it says `true`.
struct Case {
    name: Name,
    has_payload: bool,
    column: Box<dyn Column>,
}

fn cases<'a>(cases: impl Iterator<Item = (Name, Option<&'a Type>)>, variants: Variants) -> Result<Vec<Case>, Misfit> {
    let cases = cases.map(|(name, payload)| {
        let ty = Type::option(payload.cloned().unwrap_or(Type::Bool));
        let column = column(&ty, variants).map_err(|misfit| misfit.at(&format!(".{name}")))?;
        Ok(Case { name, has_payload: payload.is_some(), column })
    });
    cases.collect()
}

pub(super) fn variant(given: &[(Name, Option<Type>)], variants: Variants) -> Result<Box<dyn Column>, Misfit> {
    new(cases(given.iter().map(|(name, ty)| (name.clone(), ty.as_ref())), variants)?, variants)
}

pub(super) fn result(types: &(Option<Type>, Option<Type>), variants: Variants) -> Result<Box<dyn Column>, Misfit> {
    let given = [("ok".into(), types.0.as_ref()), ("err".into(), types.1.as_ref())];
    new(cases(given.into_iter(), variants)?, variants)
}

fn new(cases: Vec<Case>, variants: Variants) -> Result<Box<dyn Column>, Misfit> {
    match (variants, cases.len()) {
        (Variants::Structure, _) => Ok(Box::new(Structure { cases, validity: Validity::default() })),
        (Variants::Union, 1..=128) => Ok(Box::new(Union { cases, ids: Vec::new(), offsets: Vec::new() })),
        (Variants::Union, count) => {
            Err(Misfit::new(format!("a union has up to 128 cases, but the variant has {count}")))
        }
    }
}

/// Which case a value is, and what its column holds for it.
fn case_of(cases: &[Case], value: &Value) -> Option<(usize, Value)> {
    let (name, payload): (&str, _) = match value {
        Value::Variant(name, payload) => (name, payload),
        Value::Result(Ok(payload)) => ("ok", payload),
        Value::Result(Err(payload)) => ("err", payload),
        _ => return None,
    };
    let at = cases.iter().position(|case| *case.name == *name)?;
    let held = match (cases[at].has_payload, payload) {
        (true, Some(payload)) => Value::Option(Some(payload.clone())),
        (false, None) => Value::Option(Some(Arc::new(Value::Bool(true)))),
        _ => return None,
    };
    Some((at, held))
}

struct Union {
    cases: Vec<Case>,
    ids: Vec<i8>,
    offsets: Vec<i32>,
}

impl Union {
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
    fn fields(&self) -> UnionFields {
        let fields = self.cases.iter().map(|case| Field::new(&*case.name, case.column.data_type(), true));
        // There are up to 128 cases.
        (0..self.cases.len()).map(|id| id as i8).zip(fields.map(Arc::new)).collect()
    }

    fn add(&mut self, at: usize) {
        // What a case has of is no more than the rows, which the offsets of a union count in 31 bits.
        self.ids.push(i8::try_from(at).unwrap_or(i8::MAX));
        self.offsets.push(i32::try_from(self.cases[at].column.len()).unwrap_or(i32::MAX));
    }
}

impl Column for Union {
    fn data_type(&self) -> DataType {
        DataType::Union(self.fields(), UnionMode::Dense)
    }

    fn push(&mut self, value: &Value) -> Result<(), Misfit> {
        let Some((at, held)) = case_of(&self.cases, value) else {
            return Err(wrong("a case of the variant", value));
        };
        self.add(at);
        let name = &self.cases[at].name.clone();
        self.cases[at].column.push(&held).map_err(|misfit| {
            self.ids.pop();
            self.offsets.pop();
            misfit.at(&format!(".{name}"))
        })
    }

    fn push_null(&mut self) {
        self.add(0);
        self.cases[0].column.push_null();
    }

    fn truncate(&mut self, len: usize) {
        self.ids.truncate(len);
        self.offsets.truncate(len);
        for (at, case) in self.cases.iter_mut().enumerate() {
            let left = self.ids.iter().filter(|&&id| usize::from(id.unsigned_abs()) == at).count();
            case.column.truncate(left);
        }
    }

    fn len(&self) -> usize {
        self.ids.len()
    }

    fn bytes(&self) -> usize {
        5 * self.ids.len() + self.cases.iter().map(|case| case.column.bytes()).sum::<usize>()
    }

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        let fields = self.fields();
        let (ids, offsets) = (std::mem::take(&mut self.ids), std::mem::take(&mut self.offsets));
        let children = self.cases.iter_mut().map(|case| case.column.finish()).collect::<Result<Vec<_>, _>>()?;
        let union = UnionArray::try_new(fields, ids.into(), Some(offsets.into()), children);
        Ok(Arc::new(union.map_err(refused)?))
    }
}

struct Structure {
    cases: Vec<Case>,
    validity: Validity,
}

impl Column for Structure {
    fn data_type(&self) -> DataType {
        let fields = self.cases.iter().map(|case| Field::new(&*case.name, case.column.data_type(), true));
        DataType::Struct(fields.collect())
    }

    fn push(&mut self, value: &Value) -> Result<(), Misfit> {
        let Some((given, held)) = case_of(&self.cases, value) else {
            return Err(wrong("a case of the variant", value));
        };
        let case = &mut self.cases[given];
        case.column.push(&held).map_err(|misfit| misfit.at(&format!(".{}", case.name)))?;
        for (at, case) in self.cases.iter_mut().enumerate() {
            if at != given {
                case.column.push_null();
            }
        }
        self.validity.push(true);
        Ok(())
    }

    fn push_null(&mut self) {
        self.cases.iter_mut().for_each(|case| case.column.push_null());
        self.validity.push(false);
    }

    fn truncate(&mut self, len: usize) {
        self.cases.iter_mut().for_each(|case| case.column.truncate(len));
        self.validity.truncate(len);
    }

    fn len(&self) -> usize {
        self.validity.len
    }

    fn bytes(&self) -> usize {
        self.cases.iter().map(|case| case.column.bytes()).sum()
    }

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        let DataType::Struct(fields) = self.data_type() else {
            return Err(Misfit::new("expected a structure"));
        };
        let len = self.validity.len;
        let columns = self.cases.iter_mut().map(|case| case.column.finish()).collect::<Result<Vec<_>, _>>()?;
        let structure = StructArray::try_new_with_length(fields, columns, self.validity.finish(), len);
        Ok(Arc::new(structure.map_err(refused)?))
    }
}
