//! Arrays → values.
//!
//! What is needed of an array is looked up once, when its [`Cells`] are made. An empty array of a type tells whether that
//! type can be read at all, so that what is promised when columns are bound is what is done when rows are read.

mod binary;
mod decimal;
mod index;
mod list;
mod number;
mod record;
mod text;
mod time;
mod variant;

use crate::error::Misfit;
use arrow_array::{Array, ArrayRef, new_empty_array};
use arrow_schema::DataType;
use purefork::Value;
use purefork::value::{List, Type};
use std::ops::Range;
use std::sync::Arc;

/// The most values of a list that is not held as numbers: each takes some 24 bytes of the host's memory.
const MOST_VALUES: usize = 1 << 24;

/// A column as values of one type of WIT.
pub(crate) trait Cells: Send + Sync {
    /// Whether there is no value at the row.
    fn is_null(&self, row: usize) -> bool;

    /// Whether no row is without a value.
    fn has_no_nulls(&self) -> bool;

    /// The value at the row, which is not null.
    fn get(&self, row: usize) -> Result<Value, Misfit>;

    /// The values of the rows as a list. Of runs and of nulls there can be any number in a few bytes.
    fn list(&self, rows: Range<usize>) -> Result<List, Misfit> {
        if rows.len() > MOST_VALUES {
            let count = rows.len();
            return Err(Misfit::new(format!(
                "a list of {count} values is too long: up to {MOST_VALUES} are passed, if they are no numbers"
            )));
        }
        let values = rows.clone().map(|row| cell(self, row).map_err(|misfit| at_index(misfit, row - rows.start)));
        Ok(List::from(values.collect::<Result<Vec<Value>, Misfit>>()?))
    }

    /// About how many bytes the rows take in a guest.
    fn bytes(&self, rows: Range<usize>) -> usize;
}

/// The value at the row, if there is one.
pub(crate) fn cell<C: Cells + ?Sized>(cells: &C, row: usize) -> Result<Value, Misfit> {
    if cells.is_null(row) {
        return Err(Misfit::new("expected a value, but there is a null"));
    }
    cells.get(row)
}

fn at_index(misfit: Misfit, index: usize) -> Misfit {
    misfit.at(&format!("[{index}]"))
}

/// An array as values of a type.
///
/// # Errors
///
/// Why arrays of its type are none of the type's values.
pub(crate) fn cells(array: &ArrayRef, ty: &Type) -> Result<Box<dyn Cells>, Misfit> {
    if let Type::Option(some) = ty
        && !matches!(array.data_type(), DataType::Null)
    {
        return Ok(Box::new(Optional(optional(array, some)?)));
    }
    match array.data_type() {
        DataType::Null if matches!(ty, Type::Option(_)) => Ok(Box::new(Optional(Box::new(AllNull)))),
        DataType::Null => Ok(Box::new(AllNull)),
        DataType::Dictionary(..) => index::dictionary(array, ty),
        DataType::RunEndEncoded(..) => index::runs(array, ty),
        DataType::Union(..) => variant::union(array, ty),
        DataType::Struct(_) => match ty {
            Type::Variant(_) | Type::Result(_) => variant::structure(array, ty),
            Type::Flags(names) => record::flags(array, names),
            _ => record::structure(array, ty),
        },
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::ListView(_)
        | DataType::LargeListView(_)
        | DataType::FixedSizeList(..)
        | DataType::Map(..) => list::lists(array, ty),
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float16
        | DataType::Float32
        | DataType::Float64 => number::numbers(array, ty),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => text::texts(array, ty),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            binary::binaries(array, ty)
        }
        DataType::Date32
        | DataType::Date64
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Timestamp(..)
        | DataType::Duration(_) => time::times(array, ty),
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            decimal::decimals(array, ty)
        }
        DataType::Interval(_) => Err(unfit("an interval", ty, "a duration, or its parts in columns of their own")),
    }
}

/// Whether columns of the type can be read as values of a WIT type.
pub(crate) fn check(data: &DataType, ty: &Type) -> Result<(), Misfit> {
    cells(&new_empty_array(data), ty).map(|_| ())
}

/// Why one cannot be the other, and what could.
fn unfit(what: &str, ty: &Type, instead: &str) -> Misfit {
    Misfit::new(format!("{what} is no {}; it can be {instead}", ty.brief()))
}

/// What the values of an option are when there is one.
fn optional(array: &ArrayRef, some: &Type) -> Result<Box<dyn Cells>, Misfit> {
    // Of options in options, only a structure tells the outer none from the inner one.
    if let (Type::Option(_), DataType::Struct(fields)) = (some, array.data_type())
        && fields.len() == 1
        && fields[0].name() == "some"
    {
        return record::nested_option(array, some);
    }
    cells(array, some)
}

struct Optional(Box<dyn Cells>);

impl Cells for Optional {
    fn is_null(&self, _row: usize) -> bool {
        false
    }

    fn has_no_nulls(&self) -> bool {
        true
    }

    fn get(&self, row: usize) -> Result<Value, Misfit> {
        if self.0.is_null(row) {
            return Ok(Value::Option(None));
        }
        Ok(Value::Option(Some(Arc::new(self.0.get(row)?))))
    }

    fn bytes(&self, rows: Range<usize>) -> usize {
        rows.len() * 4 + self.0.bytes(rows)
    }
}

struct AllNull;

impl Cells for AllNull {
    fn is_null(&self, _row: usize) -> bool {
        true
    }

    fn has_no_nulls(&self) -> bool {
        false
    }

    fn get(&self, _row: usize) -> Result<Value, Misfit> {
        Err(Misfit::new("expected a value, but there is a null"))
    }

    fn bytes(&self, _rows: Range<usize>) -> usize {
        0
    }
}

/// Which rows are null, of an array whose own buffer says so.
struct Nulls(Option<arrow_buffer::NullBuffer>);

impl Nulls {
    fn of(array: &dyn Array) -> Nulls {
        Nulls(array.nulls().filter(|nulls| nulls.null_count() > 0).cloned())
    }

    fn is_null(&self, row: usize) -> bool {
        self.0.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// That all rows have a value.
    fn none_in(&self, rows: &Range<usize>) -> Result<(), Misfit> {
        if let Some(nulls) = &self.0
            && let Some(row) = rows.clone().find(|&row| nulls.is_null(row))
        {
            return Err(at_index(Misfit::new("expected a value, but there is a null"), row - rows.start));
        }
        Ok(())
    }
}
