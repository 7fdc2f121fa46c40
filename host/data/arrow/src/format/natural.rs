//! The types of WIT that columns are shown by, where text is written.

use crate::error::Misfit;
use arrow_schema::{DataType, Field};
use purefork::value::{Name, Type};
use std::sync::Arc;

/// The deepest that columns may nest to be shown.
const MAX_DEPTH: usize = 64;

/// The type of a column's values: an option, if there may be nulls.
pub(super) fn of_field(field: &Field) -> Result<Type, Misfit> {
    within(field, 0)
}

fn within(field: &Field, depth: usize) -> Result<Type, Misfit> {
    let ty = of_data(field.data_type(), depth)?;
    let nullable = field.is_nullable() && !matches!(ty, Type::Option(_));
    Ok(if nullable { Type::option(ty) } else { ty })
}

fn of_data(data: &DataType, depth: usize) -> Result<Type, Misfit> {
    if depth > MAX_DEPTH {
        return Err(Misfit::new(format!("its types nest more than {MAX_DEPTH} levels deep")));
    }
    Ok(match data {
        DataType::Null => Type::option(Type::Bool),
        DataType::Boolean => Type::Bool,
        DataType::Int8 => Type::S8,
        DataType::Int16 => Type::S16,
        DataType::Int32 => Type::S32,
        DataType::Int64 => Type::S64,
        DataType::UInt8 => Type::U8,
        DataType::UInt16 => Type::U16,
        DataType::UInt32 => Type::U32,
        DataType::UInt64 => Type::U64,
        DataType::Float16 | DataType::Float32 => Type::F32,
        DataType::Float64 => Type::F64,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            Type::list(Type::U8)
        }
        DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Date32
        | DataType::Date64
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Timestamp(..)
        | DataType::Duration(_)
        | DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => Type::String,
        DataType::List(element)
        | DataType::LargeList(element)
        | DataType::ListView(element)
        | DataType::LargeListView(element)
        | DataType::FixedSizeList(element, _)
        | DataType::Map(element, _) => Type::list(within(element, depth + 1)?),
        DataType::Struct(fields) => {
            let fields = fields.iter().map(|field| Ok((Name::from(field.name().as_str()), within(field, depth + 1)?)));
            Type::Record(fields.collect::<Result<Arc<[_]>, Misfit>>()?)
        }
        DataType::Union(fields, _) => {
            let cases = fields.iter().map(|(_, field)| {
                let payload = match field.data_type() {
                    DataType::Null => None,
                    data => Some(of_data(data, depth + 1)?),
                };
                Ok((Name::from(field.name().as_str()), payload))
            });
            // A union has no nulls of its own, but its cases may have.
            Type::option(Type::Variant(cases.collect::<Result<Arc<[_]>, Misfit>>()?))
        }
        DataType::Dictionary(_, values) => of_data(values, depth + 1)?,
        DataType::RunEndEncoded(_, values) => within(values, depth + 1)?,
        DataType::Interval(_) => return Err(Misfit::new("an interval has no form here")),
    })
}
