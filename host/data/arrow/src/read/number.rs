//! Numbers and truth values.
//!
//! A number is passed as another type's only if it is exactly the same number.

use super::{Cells, Nulls, at_index, unfit};
use crate::error::Misfit;
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, BooleanArray, PrimitiveArray};
use arrow_buffer::ScalarBuffer;
use arrow_schema::DataType;
use half::f16;
use purefork::Value;
use purefork::value::{Element, List, Type};
use std::fmt::Debug;
use std::ops::Range;

pub(super) fn numbers(array: &ArrayRef, ty: &Type) -> Result<Box<dyn Cells>, Misfit> {
    macro_rules! of {
        ($($data:ident $arrow:ty, $same:pat => ;)*) => {
            match array.data_type() {
                DataType::Boolean => booleans(array.as_boolean(), ty),
                $(DataType::$data => match ty {
                    $same => Ok(same(array.as_primitive::<$arrow>())),
                    _ => converted(array.as_primitive::<$arrow>(), ty),
                },)*
                DataType::Float16 => converted(array.as_primitive::<Float16Type>(), ty),
                other => Err(unfit(&other.to_string(), ty, "nothing here")),
            }
        };
    }
    of! {
        Int8 Int8Type, Type::S8 => ;
        Int16 Int16Type, Type::S16 => ;
        Int32 Int32Type, Type::S32 | Type::I32 => ;
        Int64 Int64Type, Type::S64 | Type::I64 => ;
        UInt8 UInt8Type, Type::U8 => ;
        UInt16 UInt16Type, Type::U16 => ;
        UInt32 UInt32Type, Type::U32 => ;
        UInt64 UInt64Type, Type::U64 => ;
        Float32 Float32Type, Type::F32 => ;
        Float64 Float64Type, Type::F64 => ;
    }
}

/// Whole numbers of a unit: days, microseconds.
pub(super) fn whole<P: ArrowPrimitiveType>(array: &PrimitiveArray<P>, ty: &Type) -> Option<Box<dyn Cells>>
where
    P::Native: Number,
{
    let nulls = Nulls::of(array);
    is_integer(ty).then(|| Box::new(Converted { values: array.values().clone(), nulls, ty: ty.clone() }) as _)
}

pub(super) fn is_integer(ty: &Type) -> bool {
    use Type::*;
    matches!(ty, I32 | I64 | S8 | U8 | S16 | U16 | S32 | U32 | S64 | U64)
}

/// Numbers that are held as they are passed.
struct Same<T: arrow_buffer::ArrowNativeType> {
    values: ScalarBuffer<T>,
    nulls: Nulls,
}

fn same<P: ArrowPrimitiveType>(array: &PrimitiveArray<P>) -> Box<dyn Cells>
where
    P::Native: Element,
    List: From<Vec<P::Native>>,
{
    Box::new(Same { values: array.values().clone(), nulls: Nulls::of(array) })
}

impl<T: arrow_buffer::ArrowNativeType + Element> Cells for Same<T>
where
    List: From<Vec<T>>,
{
    fn is_null(&self, row: usize) -> bool {
        self.nulls.is_null(row)
    }

    fn has_no_nulls(&self) -> bool {
        self.nulls.is_none()
    }

    fn get(&self, row: usize) -> Result<Value, Misfit> {
        Ok(self.values[row].into())
    }

    fn list(&self, rows: Range<usize>) -> Result<List, Misfit> {
        self.nulls.none_in(&rows)?;
        // To hold on to the array costs as much as to copy less.
        const SHARED: usize = 4096;
        Ok(match rows.len() * size_of::<T>() {
            few if few < SHARED => List::from(self.values[rows].to_vec()),
            _ => List::from_owner(self.values.slice(rows.start, rows.len())),
        })
    }

    fn bytes(&self, rows: Range<usize>) -> usize {
        rows.len() * size_of::<T>()
    }
}

/// A number of any type: whole, or not.
#[derive(Clone, Copy)]
pub(super) enum Wide {
    Whole(i128),
    Float(f64),
}

/// A number as Arrow holds it.
pub(super) trait Number: arrow_buffer::ArrowNativeType + Debug {
    fn wide(self) -> Wide;
}

macro_rules! number {
    ($($rust:ty)*; $($float:ty)*) => {
        $(impl Number for $rust {
            fn wide(self) -> Wide {
                Wide::Whole(self.into())
            }
        })*
        $(impl Number for $float {
            fn wide(self) -> Wide {
                Wide::Float(self.into())
            }
        })*
    };
}

number!(i8 u8 i16 u16 i32 u32 i64 u64 i128; f16 f32 f64);

/// A number as it is passed.
trait Exact: Element {
    /// The very same number, if it has one.
    fn exact(number: Wide) -> Option<Self>;
}

macro_rules! exact {
    ($($rust:ty)*) => {$(
        impl Exact for $rust {
            #[inline]
            fn exact(number: Wide) -> Option<$rust> {
                match number {
                    Wide::Whole(number) => number.try_into().ok(),
                    // A float beyond the range becomes its end, which is another number again, or the last that is beyond it.
                    Wide::Float(number) => (number.trunc() == number && number.abs() < 18_446_744_073_709_551_616.0)
                        .then_some(number as i128)
                        .and_then(|number| number.try_into().ok()),
                }
            }
        }
    )*};
}

exact!(i8 u8 i16 u16 i32 u32 i64 u64);

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
impl Exact for f64 {
    #[inline]
    fn exact(number: Wide) -> Option<f64> {
        match number {
            Wide::Whole(number) => Some(number as f64).filter(|&float| float as i128 == number),
            Wide::Float(number) => Some(number),
        }
    }
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
impl Exact for f32 {
    #[inline]
    fn exact(number: Wide) -> Option<f32> {
        match number {
            Wide::Whole(number) => Some(number as f32).filter(|&float| float as i128 == number),
            Wide::Float(number) => Some(number as f32).filter(|&float| number.is_nan() || f64::from(float) == number),
        }
    }
}

/// Does something for the Rust type of a number's type.
macro_rules! with_number {
    ($ty:expr, $rust:ident => $body:expr, else $none:expr) => {
        match $ty {
            Type::S8 => {
                type $rust = i8;
                $body
            }
            Type::U8 => {
                type $rust = u8;
                $body
            }
            Type::S16 => {
                type $rust = i16;
                $body
            }
            Type::U16 => {
                type $rust = u16;
                $body
            }
            Type::S32 | Type::I32 => {
                type $rust = i32;
                $body
            }
            Type::U32 => {
                type $rust = u32;
                $body
            }
            Type::S64 | Type::I64 => {
                type $rust = i64;
                $body
            }
            Type::U64 => {
                type $rust = u64;
                $body
            }
            Type::F32 => {
                type $rust = f32;
                $body
            }
            Type::F64 => {
                type $rust = f64;
                $body
            }
            _ => $none,
        }
    };
}

/// A whole number as one of the type, if it is in its range.
pub(super) fn exact(number: Wide, ty: &Type) -> Option<Value> {
    with_number!(ty, T => T::exact(number).map(Value::from), else None)
}

/// Numbers that are passed as another type's.
struct Converted<T: Number> {
    values: ScalarBuffer<T>,
    nulls: Nulls,
    ty: Type,
}

fn converted<P: ArrowPrimitiveType>(array: &PrimitiveArray<P>, ty: &Type) -> Result<Box<dyn Cells>, Misfit>
where
    P::Native: Number,
{
    with_number!(ty, T => {
        let _ = T::exact;
        Ok(Box::new(Converted { values: array.values().clone(), nulls: Nulls::of(array), ty: ty.clone() }))
    }, else Err(unfit("a number", ty, "a number of another type")))
}

impl<T: Number> Converted<T> {
    #[cold]
    fn misfit(&self, row: usize) -> Misfit {
        let given = self.values[row];
        Misfit::new(match (self.ty.whole_numbers(), given.wide()) {
            (Some(range), _) => format!("expected {}, {range}, but the number is {given:?}", self.ty),
            (None, _) => format!("expected {}, but {given:?} is none: the nearest is another number", self.ty),
        })
    }
}

impl<T: Number> Cells for Converted<T> {
    fn is_null(&self, row: usize) -> bool {
        self.nulls.is_null(row)
    }

    fn has_no_nulls(&self) -> bool {
        self.nulls.is_none()
    }

    fn get(&self, row: usize) -> Result<Value, Misfit> {
        exact(self.values[row].wide(), &self.ty).ok_or_else(|| self.misfit(row))
    }

    fn list(&self, rows: Range<usize>) -> Result<List, Misfit> {
        self.nulls.none_in(&rows)?;
        with_number!(&self.ty, T => {
            let mut numbers = Vec::with_capacity(rows.len());
            for row in rows.clone() {
                let number = T::exact(self.values[row].wide());
                numbers.push(number.ok_or_else(|| at_index(self.misfit(row), row - rows.start))?);
            }
            Ok(List::from(numbers))
        }, else Ok(List::from(Vec::<Value>::new())))
    }

    fn bytes(&self, rows: Range<usize>) -> usize {
        rows.len() * 8
    }
}

struct Booleans {
    array: BooleanArray,
    nulls: Nulls,
    /// Core WebAssembly has no type for them but `i32`.
    core: bool,
}

fn booleans(array: &BooleanArray, ty: &Type) -> Result<Box<dyn Cells>, Misfit> {
    match ty {
        Type::Bool | Type::I32 => {
            Ok(Box::new(Booleans { array: array.clone(), nulls: Nulls::of(array), core: *ty == Type::I32 }))
        }
        _ => Err(unfit("a truth value", ty, "a bool")),
    }
}

impl Cells for Booleans {
    fn is_null(&self, row: usize) -> bool {
        self.nulls.is_null(row)
    }

    fn has_no_nulls(&self) -> bool {
        self.nulls.is_none()
    }

    fn get(&self, row: usize) -> Result<Value, Misfit> {
        let value = self.array.value(row);
        Ok(if self.core { Value::I32(value.into()) } else { Value::Bool(value) })
    }

    fn list(&self, rows: Range<usize>) -> Result<List, Misfit> {
        self.nulls.none_in(&rows)?;
        let bits = self.array.values().slice(rows.start, rows.len());
        Ok(if self.core {
            List::from(bits.iter().map(i32::from).collect::<Vec<_>>())
        } else {
            List::from(bits.iter().collect::<Vec<bool>>())
        })
    }

    fn bytes(&self, rows: Range<usize>) -> usize {
        rows.len()
    }
}
