//! A value of any type.

use super::{List, Name};
use std::sync::Arc;

/// A value: an argument or a result.
///
/// Two values are equal when their bits are: a NaN equals itself, and 0.0 is not -0.0. Cloning a value does not copy
/// what is in it. It is `Send` and `Sync`.
///
/// ```
/// use purefork::value::Type;
/// use purefork::Value;
///
/// let value = Value::from_wave(&Type::F64, "1.5")?;
/// assert_eq!(value, Value::F64(1.5));
/// assert_eq!(value.to_string(), "1.5");
///
/// let point = Value::record([("x", Value::from(1.5)), ("y", Value::from(2))]);
/// assert_eq!(point.to_string(), "{x: 1.5, y: 2}");
/// # Ok::<(), purefork::Error>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    /// A 32-bit integer: WIT's `s32`, or the `i32` of core WebAssembly, which has no sign but is shown with one.
    I32(i32),
    /// A 64-bit integer: `s64`, or the `i64` of core WebAssembly.
    I64(i64),
    /// A 32-bit float.
    F32(#[serde(with = "super::serial::float")] f32),
    /// A 64-bit float.
    F64(#[serde(with = "super::serial::float")] f64),
    /// A 128-bit vector, as its 16 bytes in memory order.
    V128([u8; 16]),
    /// True or false.
    Bool(bool),
    /// A signed 8-bit integer, `s8`.
    I8(i8),
    /// An unsigned 8-bit integer.
    U8(u8),
    /// A signed 16-bit integer, `s16`.
    I16(i16),
    /// An unsigned 16-bit integer.
    U16(u16),
    /// An unsigned 32-bit integer.
    U32(u32),
    /// An unsigned 64-bit integer.
    U64(u64),
    /// A Unicode scalar value.
    Char(char),
    /// Text.
    String(Arc<str>),
    /// A list.
    List(List),
    /// A record's fields.
    Record(Arc<[(Name, Value)]>),
    /// A tuple; or the results of a core function with more than one, or, empty, with none.
    Tuple(Arc<[Value]>),
    /// A variant's case, and its value if it has one.
    Variant(Name, Option<Arc<Value>>),
    /// An enum's case.
    Enum(Name),
    /// A value, or none.
    Option(Option<Arc<Value>>),
    /// A success or a failure, with its value if it has one.
    Result(Result<Option<Arc<Value>>, Option<Arc<Value>>>),
    /// The flags that are set.
    Flags(Arc<[Name]>),
}

impl Value {
    /// The empty tuple: the result of a function without one.
    pub fn unit() -> Value {
        Value::Tuple(Arc::default())
    }

    /// A record.
    pub fn record<'a>(fields: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
        Value::Record(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// A tuple.
    pub fn tuple(members: impl IntoIterator<Item = Value>) -> Value {
        Value::Tuple(members.into_iter().collect())
    }

    /// A variant's case.
    pub fn variant(case: impl Into<Name>, value: Option<Value>) -> Value {
        Value::Variant(case.into(), value.map(Arc::new))
    }

    /// The value of a record's field.
    pub fn field(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Record(fields) => fields.iter().find(|(known, _)| **known == *name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// What kind of value it is, as the end of a sentence.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::I32(_) => "s32",
            Value::I64(_) => "s64",
            Value::F32(_) => "f32",
            Value::F64(_) => "f64",
            Value::V128(_) => "v128",
            Value::Bool(_) => "bool",
            Value::I8(_) => "s8",
            Value::U8(_) => "u8",
            Value::I16(_) => "s16",
            Value::U16(_) => "u16",
            Value::U32(_) => "u32",
            Value::U64(_) => "u64",
            Value::Char(_) => "char",
            Value::String(_) => "a string",
            Value::List(_) => "a list",
            Value::Record(_) => "a record",
            Value::Tuple(_) => "a tuple",
            Value::Variant(..) => "a variant",
            Value::Enum(_) => "an enum",
            Value::Option(_) => "an option",
            Value::Result(_) => "a result",
            Value::Flags(_) => "flags",
        }
    }

    /// The value as a whole number, if it is one.
    pub(crate) fn as_integer(&self) -> Option<i128> {
        Some(match self {
            Value::I8(v) => (*v).into(),
            Value::U8(v) => (*v).into(),
            Value::I16(v) => (*v).into(),
            Value::U16(v) => (*v).into(),
            Value::I32(v) => (*v).into(),
            Value::U32(v) => (*v).into(),
            Value::I64(v) => (*v).into(),
            Value::U64(v) => (*v).into(),
            Value::F32(_) | Value::F64(_) | Value::V128(_) | Value::Bool(_) | Value::Char(_) => return None,
            Value::String(_) | Value::List(_) | Value::Record(_) | Value::Tuple(_) | Value::Variant(..) => return None,
            Value::Enum(_) | Value::Option(_) | Value::Result(_) | Value::Flags(_) => return None,
        })
    }

    /// The results of a core function, of which this is one value: the only one, or a tuple of them.
    pub(crate) fn as_results(&self) -> &[Value] {
        match self {
            Value::Tuple(values) => values,
            value => std::slice::from_ref(value),
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        match self {
            Value::I32(a) => matches!(other, Value::I32(b) if a == b),
            Value::I64(a) => matches!(other, Value::I64(b) if a == b),
            Value::F32(a) => matches!(other, Value::F32(b) if a.to_bits() == b.to_bits()),
            Value::F64(a) => matches!(other, Value::F64(b) if a.to_bits() == b.to_bits()),
            Value::V128(a) => matches!(other, Value::V128(b) if a == b),
            Value::Bool(a) => matches!(other, Value::Bool(b) if a == b),
            Value::I8(a) => matches!(other, Value::I8(b) if a == b),
            Value::U8(a) => matches!(other, Value::U8(b) if a == b),
            Value::I16(a) => matches!(other, Value::I16(b) if a == b),
            Value::U16(a) => matches!(other, Value::U16(b) if a == b),
            Value::U32(a) => matches!(other, Value::U32(b) if a == b),
            Value::U64(a) => matches!(other, Value::U64(b) if a == b),
            Value::Char(a) => matches!(other, Value::Char(b) if a == b),
            Value::String(a) => matches!(other, Value::String(b) if a == b),
            Value::List(a) => matches!(other, Value::List(b) if a == b),
            Value::Record(a) => matches!(other, Value::Record(b) if a == b),
            Value::Tuple(a) => matches!(other, Value::Tuple(b) if a == b),
            Value::Variant(a, x) => matches!(other, Value::Variant(b, y) if a == b && x == y),
            Value::Enum(a) => matches!(other, Value::Enum(b) if a == b),
            Value::Option(a) => matches!(other, Value::Option(b) if a == b),
            Value::Result(a) => matches!(other, Value::Result(b) if a == b),
            Value::Flags(a) => matches!(other, Value::Flags(b) if a == b),
        }
    }
}

impl Eq for Value {}

macro_rules! from_rust {
    ($($rust:ty => $variant:ident),* $(,)?) => {$(
        impl From<$rust> for Value {
            #[inline]
            fn from(value: $rust) -> Value {
                Value::$variant(value.into())
            }
        }
    )*};
}

from_rust!(i8 => I8, i16 => I16, i32 => I32, i64 => I64, u8 => U8, u16 => U16, u32 => U32, u64 => U64, f32 => F32,
    f64 => F64, bool => Bool, char => Char, [u8; 16] => V128, &str => String, String => String, Arc<str> => String,
    List => List);

impl From<()> for Value {
    fn from((): ()) -> Value {
        Value::unit()
    }
}

impl<T> From<Vec<T>> for Value
where
    List: From<Vec<T>>,
{
    fn from(values: Vec<T>) -> Value {
        Value::List(values.into())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        Value::Option(value.map(|value| Arc::new(value.into())))
    }
}
