//! Lists, and maps, which are lists of pairs.

use super::record::NamedFlags;
use super::{Cells, Nulls, cells, unfit};
use crate::error::Misfit;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_buffer::ScalarBuffer;
use arrow_schema::DataType;
use purefork::Value;
use purefork::value::{List, Type};
use std::ops::Range;
use std::sync::Arc;

/// Where the elements of each row lie.
enum Place {
    Small(ScalarBuffer<i32>),
    Large(ScalarBuffer<i64>),
    SmallView(ScalarBuffer<i32>, ScalarBuffer<i32>),
    LargeView(ScalarBuffer<i64>, ScalarBuffer<i64>),
    Fixed(usize),
}

/// An offset or a size: of arrays that were checked, it is none below zero.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn at(offset: impl Into<i64>) -> usize {
    offset.into() as usize
}

impl Place {
    fn of(&self, row: usize) -> Range<usize> {
        match self {
            Place::Small(offsets) => at(offsets[row])..at(offsets[row + 1]),
            Place::Large(offsets) => at(offsets[row])..at(offsets[row + 1]),
            Place::SmallView(offsets, sizes) => at(offsets[row])..at(offsets[row]) + at(sizes[row]),
            Place::LargeView(offsets, sizes) => at(offsets[row])..at(offsets[row]) + at(sizes[row]),
            Place::Fixed(size) => row * size..(row + 1) * size,
        }
    }
}

struct Lists {
    place: Place,
    elements: Box<dyn Cells>,
    nulls: Nulls,
}

pub(super) fn lists(array: &ArrayRef, ty: &Type) -> Result<Box<dyn Cells>, Misfit> {
    if let Type::Flags(names) = ty {
        let lists = lists(array, &Type::list(Type::String))?;
        return Ok(Box::new(NamedFlags { names: names.clone(), lists }));
    }
    let Type::List(element) = ty else {
        return Err(unfit("a list", ty, "a list"));
    };
    let (place, elements) = match array.data_type() {
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            (Place::Large(list.offsets().inner().clone()), list.values().clone())
        }
        DataType::ListView(_) => {
            let list = array.as_list_view::<i32>();
            (Place::SmallView(list.offsets().clone(), list.sizes().clone()), list.values().clone())
        }
        DataType::LargeListView(_) => {
            let list = array.as_list_view::<i64>();
            (Place::LargeView(list.offsets().clone(), list.sizes().clone()), list.values().clone())
        }
        DataType::FixedSizeList(..) => {
            let list = array.as_fixed_size_list();
            (Place::Fixed(at(list.value_length())), list.values().clone())
        }
        DataType::Map(..) => {
            let map = array.as_map();
            (Place::Small(map.offsets().inner().clone()), Arc::new(map.entries().clone()) as ArrayRef)
        }
        _ => {
            let list = array.as_list::<i32>();
            (Place::Small(list.offsets().inner().clone()), list.values().clone())
        }
    };
    let elements = cells(&elements, element).map_err(|misfit| misfit.at("[]"))?;
    Ok(Box::new(Lists { place, elements, nulls: Nulls::of(array) }))
}

impl Cells for Lists {
    fn is_null(&self, row: usize) -> bool {
        self.nulls.is_null(row)
    }

    fn has_no_nulls(&self) -> bool {
        self.nulls.is_none()
    }

    fn get(&self, row: usize) -> Result<Value, Misfit> {
        self.elements.list(self.place.of(row)).map(Value::List)
    }

    fn list(&self, rows: Range<usize>) -> Result<List, Misfit> {
        self.nulls.none_in(&rows)?;
        let lists = rows.clone().map(|row| self.get(row).map_err(|misfit| super::at_index(misfit, row - rows.start)));
        Ok(List::from(lists.collect::<Result<Vec<Value>, Misfit>>()?))
    }

    fn bytes(&self, rows: Range<usize>) -> usize {
        8 * rows.len()
            + match &self.place {
                Place::SmallView(..) | Place::LargeView(..) => {
                    rows.map(|row| self.elements.bytes(self.place.of(row))).sum::<usize>()
                }
                _ if rows.is_empty() => 0,
                place => self.elements.bytes(place.of(rows.start).start..place.of(rows.end - 1).end),
            }
    }
}
