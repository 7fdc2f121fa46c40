//! Structures: records, tuples, flags.

use super::{Cells, Nulls, cell, cells, unfit};
use crate::error::{Misfit, shown};
use crate::names::same;
use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, StructArray};
use purefork::Value;
use purefork::value::{Name, Type};
use std::ops::Range;
use std::sync::Arc;

struct Record {
    /// A record's fields. What is not in the structure is an option, and none.
    fields: Vec<(Name, Option<Box<dyn Cells>>)>,
    nulls: Nulls,
}

struct Tuple {
    members: Vec<Box<dyn Cells>>,
    nulls: Nulls,
}

pub(super) fn structure(array: &ArrayRef, ty: &Type) -> Result<Box<dyn Cells>, Misfit> {
    let structure = array.as_struct();
    let nulls = Nulls::of(array);
    match ty {
        Type::Record(fields) => {
            let fields = fields.iter().map(|(name, ty)| Ok((name.clone(), field(structure, name, ty)?)));
            Ok(Box::new(Record { fields: fields.collect::<Result<_, Misfit>>()?, nulls }))
        }
        Type::Tuple(types) => {
            if types.len() != structure.num_columns() {
                let message = format!("a structure of {} fields is no {}", structure.num_columns(), ty.brief());
                return Err(Misfit::new(message));
            }
            let members = types.iter().zip(structure.columns()).enumerate();
            let members =
                members.map(|(at, (ty, column))| cells(column, ty).map_err(|misfit| misfit.at(&format!(".{at}"))));
            Ok(Box::new(Tuple { members: members.collect::<Result<_, Misfit>>()?, nulls }))
        }
        _ => Err(unfit("a structure", ty, "a record or a tuple")),
    }
}

/// The column of a record's field. What the structure has beside those fields is not looked at.
fn field(structure: &StructArray, name: &Name, ty: &Type) -> Result<Option<Box<dyn Cells>>, Misfit> {
    let mut found = structure.fields().iter().zip(structure.columns()).filter(|(field, _)| same(field.name(), name));
    match (found.next(), found.next()) {
        (Some((_, column)), None) => cells(column, ty).map(Some).map_err(|misfit| misfit.at(&format!(".{name}"))),
        (Some(_), Some(_)) => Err(Misfit::new(format!("the structure has the field `{name}` twice"))),
        (None, _) if matches!(ty, Type::Option(_)) => Ok(None),
        (None, _) => {
            let known: Vec<_> =
                structure.fields().iter().take(8).map(|field| format!("`{}`", shown(field.name()))).collect();
            Err(Misfit::new(format!("the structure has no field `{name}`; it has {}", known.join(", "))))
        }
    }
}

impl Cells for Record {
    fn is_null(&self, row: usize) -> bool {
        self.nulls.is_null(row)
    }

    fn has_no_nulls(&self) -> bool {
        self.nulls.is_none()
    }

    fn get(&self, row: usize) -> Result<Value, Misfit> {
        let fields = self.fields.iter().map(|(name, cells)| {
            let value = match cells {
                Some(cells) => cell(&**cells, row).map_err(|misfit| misfit.at(&format!(".{name}")))?,
                None => Value::Option(None),
            };
            Ok((name.clone(), value))
        });
        Ok(Value::Record(fields.collect::<Result<_, Misfit>>()?))
    }

    fn bytes(&self, rows: Range<usize>) -> usize {
        self.fields.iter().flat_map(|(_, cells)| cells).map(|cells| cells.bytes(rows.clone())).sum()
    }
}

impl Cells for Tuple {
    fn is_null(&self, row: usize) -> bool {
        self.nulls.is_null(row)
    }

    fn has_no_nulls(&self) -> bool {
        self.nulls.is_none()
    }

    fn get(&self, row: usize) -> Result<Value, Misfit> {
        let members = self.members.iter().enumerate();
        let members = members.map(|(at, cells)| cell(&**cells, row).map_err(|misfit| misfit.at(&format!(".{at}"))));
        Ok(Value::Tuple(members.collect::<Result<_, Misfit>>()?))
    }

    fn bytes(&self, rows: Range<usize>) -> usize {
        self.members.iter().map(|cells| cells.bytes(rows.clone())).sum()
    }
}

/// The inner option of an option, as a structure's only field `some`.
pub(super) fn nested_option(array: &ArrayRef, some: &Type) -> Result<Box<dyn Cells>, Misfit> {
    let inner = cells(array.as_struct().column(0), some).map_err(|misfit| misfit.at(".some"))?;
    Ok(Box::new(Nested { inner, nulls: Nulls::of(array) }))
}

struct Nested {
    inner: Box<dyn Cells>,
    nulls: Nulls,
}

impl Cells for Nested {
    fn is_null(&self, row: usize) -> bool {
        self.nulls.is_null(row)
    }

    fn has_no_nulls(&self) -> bool {
        self.nulls.is_none()
    }

    fn get(&self, row: usize) -> Result<Value, Misfit> {
        cell(&*self.inner, row).map_err(|misfit| misfit.at(".some"))
    }

    fn bytes(&self, rows: Range<usize>) -> usize {
        self.inner.bytes(rows)
    }
}

/// Flags as a structure of truth values.
pub(super) fn flags(array: &ArrayRef, names: &Arc<[Name]>) -> Result<Box<dyn Cells>, Misfit> {
    let structure = array.as_struct();
    let fields = names.iter().map(|name| {
        let cells = field(structure, name, &Type::Bool)?;
        Ok((name.clone(), cells))
    });
    Ok(Box::new(Flags { fields: fields.collect::<Result<_, Misfit>>()?, nulls: Nulls::of(array) }))
}

struct Flags {
    fields: Vec<(Name, Option<Box<dyn Cells>>)>,
    nulls: Nulls,
}

impl Cells for Flags {
    fn is_null(&self, row: usize) -> bool {
        self.nulls.is_null(row)
    }

    fn has_no_nulls(&self) -> bool {
        self.nulls.is_none()
    }

    fn get(&self, row: usize) -> Result<Value, Misfit> {
        let mut set = Vec::new();
        for (name, cells) in &self.fields {
            if let Some(cells) = cells
                && cell(&**cells, row).map_err(|misfit| misfit.at(&format!(".{name}")))? == Value::Bool(true)
            {
                set.push(name.clone());
            }
        }
        Ok(Value::Flags(set.into()))
    }

    fn bytes(&self, rows: Range<usize>) -> usize {
        rows.len() * self.fields.len()
    }
}

/// Flags as a list of the names of those that are set.
pub(super) struct NamedFlags {
    pub(super) names: Arc<[Name]>,
    /// As `list<string>`.
    pub(super) lists: Box<dyn Cells>,
}

impl Cells for NamedFlags {
    fn is_null(&self, row: usize) -> bool {
        self.lists.is_null(row)
    }

    fn has_no_nulls(&self) -> bool {
        self.lists.has_no_nulls()
    }

    fn get(&self, row: usize) -> Result<Value, Misfit> {
        let Value::List(given) = self.lists.get(row)? else {
            return Err(Misfit::new("expected a list of names"));
        };
        let mut set = vec![false; self.names.len()];
        for value in given.iter() {
            let Value::String(text) = &value else { continue };
            let Some(at) = self.names.iter().position(|name| **name == **text) else {
                return Err(Misfit::new(format!("there is no flag `{}`", shown(text))));
            };
            set[at] = true;
        }
        Ok(Value::Flags(self.names.iter().zip(set).filter(|(_, set)| *set).map(|(name, _)| name.clone()).collect()))
    }

    fn bytes(&self, rows: Range<usize>) -> usize {
        self.lists.bytes(rows)
    }
}
