//! Unions, and structures of which one field has a value: variants and results.

use super::{Cells, Nulls, cells, unfit};
use crate::error::{Misfit, shown};
use crate::names::same;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_buffer::ScalarBuffer;
use arrow_schema::DataType;
use purefork::Value;
use purefork::value::{Name, Type};
use std::ops::Range;
use std::sync::Arc;

/// A case as it is in a column.
struct Case {
    name: Name,
    /// The payload's column; of a case without a payload, as an option of it, whatever it is.
    payload: Option<Box<dyn Cells>>,
    /// Whether the case's own column says that there is a value.
    present: Box<dyn Cells>,
}

/// Names of cases, and the types of their payloads.
type Cases = Vec<(Name, Option<Type>)>;

/// Whether it is a `result`, and its cases with their payloads.
fn cases_of(ty: &Type) -> Option<(bool, Cases)> {
    match ty {
        Type::Variant(cases) => Some((false, cases.to_vec())),
        Type::Result(types) => Some((true, vec![("ok".into(), types.0.clone()), ("err".into(), types.1.clone())])),
        _ => None,
    }
}

fn case(array: &ArrayRef, cases: &[(Name, Option<Type>)], field: &str) -> Result<Case, Misfit> {
    let Some((name, ty)) = cases.iter().find(|(name, _)| same(name, field)) else {
        let known: Vec<_> = cases.iter().take(8).map(|(name, _)| format!("`{name}`")).collect();
        return Err(Misfit::new(format!("there is no case `{}`; there are {}", shown(field), known.join(", "))));
    };
    let at = |misfit: Misfit| misfit.at(&format!(".{name}"));
    Ok(match ty {
        Some(Type::Option(some)) => {
            let nested = Type::option(Type::Option(some.clone()));
            let plain = || cells(array, &Type::Option(some.clone()));
            let is_nested = matches!(array.data_type(), DataType::Struct(fields) if fields.len() == 1
                && fields[0].name() == "some");
            if is_nested {
                Case {
                    name: name.clone(),
                    payload: Some(super::optional(array, &Type::Option(some.clone())).map_err(at)?),
                    present: cells(array, &nested).map(|_| presence(array)).map_err(at)?,
                }
            } else {
                Case { name: name.clone(), payload: Some(plain().map_err(at)?), present: Box::new(Always) }
            }
        }
        Some(ty) => Case {
            name: name.clone(),
            payload: Some(cells(array, ty).map_err(at)?),
            present: cells(array, ty).map_err(at)?,
        },
        None => match array.data_type() {
            DataType::Null => Case { name: name.clone(), payload: None, present: Box::new(Always) },
            DataType::Boolean => Case { name: name.clone(), payload: None, present: presence(array) },
            other => {
                let message = format!("the case has no value, but its column is one of {other}");
                return Err(at(Misfit::new(message)));
            }
        },
    })
}

/// Whether the array has a value at a row; there is nothing to get.
fn presence(array: &ArrayRef) -> Box<dyn Cells> {
    Box::new(Presence(Nulls::of(array)))
}

struct Presence(Nulls);

impl Cells for Presence {
    fn is_null(&self, row: usize) -> bool {
        self.0.is_null(row)
    }

    fn has_no_nulls(&self) -> bool {
        self.0.is_none()
    }

    fn get(&self, _row: usize) -> Result<Value, Misfit> {
        Ok(Value::unit())
    }

    fn bytes(&self, _rows: Range<usize>) -> usize {
        0
    }
}

struct Always;

impl Cells for Always {
    fn is_null(&self, _row: usize) -> bool {
        false
    }

    fn has_no_nulls(&self) -> bool {
        true
    }

    fn get(&self, _row: usize) -> Result<Value, Misfit> {
        Ok(Value::unit())
    }

    fn bytes(&self, _rows: Range<usize>) -> usize {
        0
    }
}

fn value(is_result: bool, case: &Case, at: usize) -> Result<Value, Misfit> {
    let payload = match &case.payload {
        None => None,
        Some(cells) => {
            Some(Arc::new(super::cell(&**cells, at).map_err(|misfit| misfit.at(&format!(".{}", case.name)))?))
        }
    };
    Ok(match (is_result, &*case.name) {
        (true, "ok") => Value::Result(Ok(payload)),
        (true, _) => Value::Result(Err(payload)),
        (false, _) => Value::Variant(case.name.clone(), payload),
    })
}

struct Union {
    is_result: bool,
    type_ids: ScalarBuffer<i8>,
    /// Where in its case's column a row's value is; if it is not at the row itself.
    offsets: Option<ScalarBuffer<i32>>,
    /// By their type id.
    cases: Vec<Option<Case>>,
}

pub(super) fn union(array: &ArrayRef, ty: &Type) -> Result<Box<dyn Cells>, Misfit> {
    let DataType::Union(fields, _) = array.data_type() else {
        return Err(unfit(&array.data_type().to_string(), ty, "nothing here"));
    };
    let Some((is_result, known)) = cases_of(ty) else {
        return Err(unfit("a union", ty, "a variant or a result"));
    };
    let union = array.as_union();
    let mut cases = Vec::new();
    for (id, field) in fields.iter() {
        let at = usize::from(id.unsigned_abs());
        if cases.len() <= at {
            cases.resize_with(at + 1, || None);
        }
        cases[at] = Some(case(union.child(id), &known, field.name())?);
    }
    let (type_ids, offsets) = (union.type_ids().clone(), union.offsets().cloned());
    Ok(Box::new(Union { is_result, type_ids, offsets, cases }))
}

impl Union {
    fn at(&self, row: usize) -> (Option<&Case>, usize) {
        let case = self.cases.get(usize::from(self.type_ids[row].unsigned_abs())).and_then(Option::as_ref);
        let at = match &self.offsets {
            Some(offsets) => usize::try_from(offsets[row]).unwrap_or(0),
            None => row,
        };
        (case, at)
    }
}

impl Cells for Union {
    fn is_null(&self, row: usize) -> bool {
        let (case, at) = self.at(row);
        case.is_none_or(|case| case.present.is_null(at))
    }

    fn has_no_nulls(&self) -> bool {
        self.cases.iter().flatten().all(|case| case.present.has_no_nulls())
    }

    fn get(&self, row: usize) -> Result<Value, Misfit> {
        let (case, at) = self.at(row);
        match case {
            Some(case) => value(self.is_result, case, at),
            None => Err(Misfit::new("the union has no case of the row's number")),
        }
    }

    fn bytes(&self, rows: Range<usize>) -> usize {
        let bytes = |row| match self.at(row) {
            (Some(Case { payload: Some(payload), .. }), at) => 8 + payload.bytes(at..at + 1),
            _ => 8,
        };
        rows.map(bytes).sum()
    }
}

struct Structure {
    is_result: bool,
    cases: Vec<Case>,
    nulls: Nulls,
}

/// A structure with a field for each case; the one that is not null is the value's.
pub(super) fn structure(array: &ArrayRef, ty: &Type) -> Result<Box<dyn Cells>, Misfit> {
    let Some((is_result, known)) = cases_of(ty) else {
        return Err(unfit("a structure", ty, "a record or a tuple"));
    };
    let structure = array.as_struct();
    let cases = structure.fields().iter().zip(structure.columns());
    let cases = cases.map(|(field, column)| {
        let mut case = case(column, &known, field.name())?;
        // In a structure, only a value says that the case is it.
        if !matches!(column.data_type(), DataType::Null) && case.present.has_no_nulls() {
            case.present = presence(column);
        }
        Ok(case)
    });
    Ok(Box::new(Structure { is_result, cases: cases.collect::<Result<_, Misfit>>()?, nulls: Nulls::of(array) }))
}

impl Cells for Structure {
    fn is_null(&self, row: usize) -> bool {
        self.nulls.is_null(row)
    }

    fn has_no_nulls(&self) -> bool {
        self.nulls.is_none()
    }

    fn get(&self, row: usize) -> Result<Value, Misfit> {
        let mut given = self.cases.iter().filter(|case| !case.present.is_null(row));
        match (given.next(), given.next()) {
            (Some(case), None) => value(self.is_result, case, row),
            (None, _) => Err(Misfit::new("expected one case with a value, but all are null")),
            (Some(one), Some(other)) => Err(Misfit::new(format!(
                "expected one case with a value, but both `{}` and `{}` have one",
                one.name, other.name
            ))),
        }
    }

    fn bytes(&self, rows: Range<usize>) -> usize {
        8 * rows.len()
            + self.cases.iter().flat_map(|case| &case.payload).map(|payload| payload.bytes(rows.clone())).sum::<usize>()
    }
}
