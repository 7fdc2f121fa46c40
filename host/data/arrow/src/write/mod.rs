//! Values → arrays.

mod bytes;
mod list;
mod number;
mod structure;
mod union;

use crate::error::{Error, ErrorKind, Misfit, Result};
use arrow_array::{ArrayRef, NullArray};
use arrow_schema::{DataType, Field};
use purefork::Value;
use purefork::value::{List, Type};
use std::sync::Arc;

/// How a `variant` or a `result` is held, whose values are of different types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Variants {
    /// As a dense union.
    #[default]
    Union,
    /// As a structure with a field for each case, of which one is not null. Parquet has no unions.
    Structure,
}

/// An array in the making.
pub(crate) trait Column: Send {
    fn data_type(&self) -> DataType;

    /// Adds a value. If it fails, nothing was added.
    fn push(&mut self, value: &Value) -> Result<(), Misfit>;

    fn push_null(&mut self);

    /// Adds the values of a list. If it fails, some may have been added.
    fn extend(&mut self, list: List) -> Result<(), Misfit> {
        for (at, value) in list.iter().enumerate() {
            self.push(&value).map_err(|misfit| misfit.at(&format!("[{at}]")))?;
        }
        Ok(())
    }

    /// Takes off the last values, so that so many are left.
    fn truncate(&mut self, len: usize);

    fn len(&self) -> usize;

    /// About how many bytes the values take.
    fn bytes(&self) -> usize;

    /// The array; what comes then is another one.
    fn finish(&mut self) -> Result<ArrayRef, Misfit>;
}

/// An array for values of a type, in the making.
pub(crate) fn column(ty: &Type, variants: Variants) -> Result<Box<dyn Column>, Misfit> {
    Ok(match ty {
        Type::Bool => Box::new(number::Booleans::default()),
        Type::S8 => number::numbers::<arrow_array::types::Int8Type>(),
        Type::U8 => number::numbers::<arrow_array::types::UInt8Type>(),
        Type::S16 => number::numbers::<arrow_array::types::Int16Type>(),
        Type::U16 => number::numbers::<arrow_array::types::UInt16Type>(),
        Type::S32 | Type::I32 => number::numbers::<arrow_array::types::Int32Type>(),
        Type::U32 => number::numbers::<arrow_array::types::UInt32Type>(),
        Type::S64 | Type::I64 => number::numbers::<arrow_array::types::Int64Type>(),
        Type::U64 => number::numbers::<arrow_array::types::UInt64Type>(),
        Type::F32 => number::numbers::<arrow_array::types::Float32Type>(),
        Type::F64 => number::numbers::<arrow_array::types::Float64Type>(),
        Type::V128 => Box::new(bytes::Vectors::default()),
        Type::Char | Type::String => Box::new(bytes::Texts::default()),
        Type::List(element) if **element == Type::U8 => Box::new(bytes::Binaries::default()),
        Type::List(element) => list::lists(element, variants)?,
        Type::Flags(names) => Box::new(list::Flags::new(names)),
        Type::Enum(names) => bytes::enumeration(names)?,
        Type::Record(fields) => structure::record(fields, variants)?,
        Type::Tuple(types) if types.is_empty() => Box::new(Unit(0)),
        Type::Tuple(types) => structure::tuple(types, variants)?,
        Type::Option(some) => structure::option(some, variants)?,
        Type::Variant(cases) => union::variant(cases, variants)?,
        Type::Result(types) => union::result(types, variants)?,
        other => return Err(Misfit::new(format!("a {} has no form in Arrow", other.brief()))),
    })
}

/// The type of columns that hold values of a WIT type.
pub(crate) fn data_type(ty: &Type, variants: Variants) -> Result<DataType, Misfit> {
    column(ty, variants).map(|column| column.data_type())
}

/// A field of a record, an element, a payload: null if it is an option alone.
fn part(name: &str, ty: &Type, data: DataType) -> Field {
    Field::new(name, data, matches!(ty, Type::Option(_)) || data_is_null(ty))
}

fn data_is_null(ty: &Type) -> bool {
    matches!(ty, Type::Tuple(types) if types.is_empty())
}

/// Results of a function as an array.
///
/// ```
/// use arrow_array::cast::AsArray;
/// use purefork::{Value, value::Type};
/// use purefork_arrow::{ResultBuilder, Variants};
///
/// let mut results = ResultBuilder::new(&Type::String, Variants::Union)?;
/// results.push(&Value::from("one"))?;
/// results.push_null();
/// let array = results.finish()?;
/// assert_eq!(array.as_string::<i32>().value(0), "one");
/// # Ok::<(), purefork_arrow::Error>(())
/// ```
pub struct ResultBuilder(Box<dyn Column>);

impl ResultBuilder {
    /// A builder of arrays of the type's values.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Binding`], if the type has no form in Arrow: a structure without fields, or a variant of more than 128 cases.
    pub fn new(ty: &Type, variants: Variants) -> Result<ResultBuilder> {
        match column(ty, variants) {
            Ok(column) => Ok(ResultBuilder(column)),
            Err(misfit) => Err(Error::new(ErrorKind::Binding, format!("the result cannot be a column: {misfit}"))),
        }
    }

    /// The type of the arrays.
    pub fn data_type(&self) -> DataType {
        self.0.data_type()
    }

    /// Adds a value.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Row`], if the value is none of the type, or the array is full: text, bytes and elements of lists are counted in
    /// 31 bits. Then nothing was added.
    pub fn push(&mut self, value: &Value) -> Result<()> {
        self.0.push(value).map_err(misfit)
    }

    /// Adds a null.
    pub fn push_null(&mut self) {
        self.0.push_null();
    }

    /// Adds the values of a list; numbers are copied as a whole, or, if they are the first, taken.
    ///
    /// # Errors
    ///
    /// As [`push`](ResultBuilder::push). Then nothing was added.
    pub fn extend(&mut self, list: List) -> Result<()> {
        let len = self.0.len();
        self.0.extend(list).map_err(|why| {
            self.0.truncate(len);
            misfit(why)
        })
    }

    /// Takes off the last values, so that so many are left.
    #[cfg(feature = "files")]
    pub(crate) fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    /// How many values and nulls there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// About how many bytes the values take.
    pub fn bytes(&self) -> usize {
        self.0.bytes()
    }

    /// The array. The builder is empty then, and can be used again.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Row`], if Arrow refuses the array.
    pub fn finish(&mut self) -> Result<ArrayRef> {
        self.0.finish().map_err(misfit)
    }
}

fn misfit(misfit: Misfit) -> Error {
    Error::new(ErrorKind::Row, format!("the result: {misfit}"))
}

impl std::fmt::Debug for ResultBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ResultBuilder({}, {} values)", self.data_type(), self.len())
    }
}

/// What a function without a result gives.
struct Unit(usize);

impl Column for Unit {
    fn data_type(&self) -> DataType {
        DataType::Null
    }

    fn push(&mut self, _value: &Value) -> Result<(), Misfit> {
        self.0 += 1;
        Ok(())
    }

    fn push_null(&mut self) {
        self.0 += 1;
    }

    fn truncate(&mut self, len: usize) {
        self.0 = len;
    }

    fn len(&self) -> usize {
        self.0
    }

    fn bytes(&self) -> usize {
        0
    }

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        Ok(Arc::new(NullArray::new(std::mem::take(&mut self.0))))
    }
}

/// That a value is none of a column's type.
#[cold]
fn wrong(expected: &str, value: &Value) -> Misfit {
    let given = match value {
        Value::String(_) => "a string".to_owned(),
        Value::List(list) => format!("a list of {}", list.len()),
        Value::Record(_) => "a record".to_owned(),
        Value::Tuple(values) => format!("a tuple of {}", values.len()),
        Value::Variant(name, _) => format!("the case `{}` of a variant", crate::error::shown(name)),
        Value::Enum(name) => format!("the case `{}` of an enum", crate::error::shown(name)),
        Value::Option(_) => "an option".to_owned(),
        Value::Result(_) => "a result".to_owned(),
        Value::Flags(_) => "flags".to_owned(),
        scalar => scalar.to_string(),
    };
    Misfit::new(format!("expected {expected}, but was given {given}"))
}

/// A validity buffer in the making: of whether there is a value.
#[derive(Default)]
struct Validity {
    len: usize,
    /// The bits, once there is a null.
    bits: Option<arrow_buffer::BooleanBufferBuilder>,
}

impl Validity {
    fn push(&mut self, valid: bool) {
        if !valid && self.bits.is_none() {
            let mut bits = arrow_buffer::BooleanBufferBuilder::new(self.len + 1);
            bits.append_n(self.len, true);
            self.bits = Some(bits);
        }
        if let Some(bits) = &mut self.bits {
            bits.append(valid);
        }
        self.len += 1;
    }

    fn push_valid(&mut self, count: usize) {
        if let Some(bits) = &mut self.bits {
            bits.append_n(count, true);
        }
        self.len += count;
    }

    fn truncate(&mut self, len: usize) {
        if let Some(bits) = &mut self.bits {
            bits.truncate(len);
        }
        self.len = len;
    }

    fn finish(&mut self) -> Option<arrow_buffer::NullBuffer> {
        self.len = 0;
        self.bits.take().map(|mut bits| arrow_buffer::NullBuffer::new(bits.finish()))
    }
}
