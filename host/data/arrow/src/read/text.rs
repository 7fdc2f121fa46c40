//! Text.

use super::{Cells, Nulls, unfit};
use crate::error::{Misfit, shown};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, LargeStringArray, StringArray, StringViewArray};
use arrow_schema::DataType;
use purefork::Value;
use purefork::value::{List, Name, Type};
use std::ops::Range;
use std::sync::Arc;

/// What a text is passed as.
pub(super) enum As {
    String,
    Char,
    Bytes,
    Enum(Arc<[Name]>),
}

impl As {
    pub(super) fn of(ty: &Type) -> Option<As> {
        Some(match ty {
            Type::String => As::String,
            Type::Char => As::Char,
            Type::List(element) if **element == Type::U8 => As::Bytes,
            Type::Enum(names) => As::Enum(names.clone()),
            _ => return None,
        })
    }

    pub(super) fn value(&self, text: &str) -> Result<Value, Misfit> {
        Ok(match self {
            As::String => Value::from(text),
            As::Bytes => Value::List(List::from(text.as_bytes().to_vec())),
            As::Char => {
                let mut chars = text.chars();
                match (chars.next(), chars.next()) {
                    (Some(char), None) => Value::Char(char),
                    _ => {
                        return Err(Misfit::new(format!(
                            "expected one character, but the text is \"{}\"",
                            shown(text)
                        )));
                    }
                }
            }
            As::Enum(names) => match names.iter().find(|name| ***name == *text) {
                Some(name) => Value::Enum(name.clone()),
                None => {
                    let names = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                    let names = shown_list(&names);
                    return Err(Misfit::new(format!("expected one of {names}, but the text is \"{}\"", shown(text))));
                }
            },
        })
    }
}

/// A list for a message, cut where it is long.
fn shown_list(list: &str) -> String {
    const MOST: usize = 200;
    if list.chars().count() <= MOST { list.to_owned() } else { list.chars().take(MOST).chain(['…']).collect() }
}

/// Texts in any of Arrow's forms.
enum Array3 {
    Small(StringArray),
    Large(LargeStringArray),
    View(StringViewArray),
}

struct Texts {
    array: Array3,
    nulls: Nulls,
    given: As,
}

pub(super) fn texts(array: &ArrayRef, ty: &Type) -> Result<Box<dyn Cells>, Misfit> {
    let Some(given) = As::of(ty) else {
        return Err(unfit("a text", ty, "a string, a char, an enum or list<u8>"));
    };
    let nulls = Nulls::of(array);
    let array = match array.data_type() {
        DataType::LargeUtf8 => Array3::Large(array.as_string::<i64>().clone()),
        DataType::Utf8View => Array3::View(array.as_string_view().clone()),
        _ => Array3::Small(array.as_string::<i32>().clone()),
    };
    Ok(Box::new(Texts { array, nulls, given }))
}

impl Cells for Texts {
    fn is_null(&self, row: usize) -> bool {
        self.nulls.is_null(row)
    }

    fn has_no_nulls(&self) -> bool {
        self.nulls.is_none()
    }

    fn get(&self, row: usize) -> Result<Value, Misfit> {
        self.given.value(match &self.array {
            Array3::Small(array) => array.value(row),
            Array3::Large(array) => array.value(row),
            Array3::View(array) => array.value(row),
        })
    }

    fn bytes(&self, rows: Range<usize>) -> usize {
        8 * rows.len()
            + match &self.array {
                Array3::Small(array) => span(array.value_offsets(), rows),
                Array3::Large(array) => span(array.value_offsets(), rows),
                Array3::View(array) => array.views()[rows].iter().map(|view| *view as u32 as usize).sum(),
            }
    }
}

/// What lies between the offsets of some rows.
pub(super) fn span<O: arrow_array::OffsetSizeTrait>(offsets: &[O], rows: Range<usize>) -> usize {
    offsets[rows.end].as_usize().saturating_sub(offsets[rows.start].as_usize())
}
