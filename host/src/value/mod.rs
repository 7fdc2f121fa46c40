//! Values that cross between host and guest, and their types.

mod convert;
mod values;
mod wave;

pub use convert::{Params, Results, Scalar};

pub(crate) use convert::fit;
pub(crate) use values::Values;

use std::fmt;

/// The type of a parameter or result.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// A 32-bit integer.
    I32,
    /// A 64-bit integer.
    I64,
    /// A 32-bit float.
    F32,
    /// A 64-bit float.
    F64,
    /// A 128-bit vector.
    V128,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::I32 => "i32",
            Type::I64 => "i64",
            Type::F32 => "f32",
            Type::F64 => "f64",
            Type::V128 => "v128",
        })
    }
}

/// A value: an argument or a result.
///
/// Two values are equal when their bits are: a NaN equals itself, and 0.0 is not -0.0.
///
/// ```
/// use purefork::{Type, Value};
///
/// let value = Value::from_wave(Type::F64, "1.5")?;
/// assert_eq!(value, Value::F64(1.5));
/// assert_eq!(value.to_string(), "1.5");
/// # Ok::<(), purefork::Error>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug)]
pub enum Value {
    /// A 32-bit integer. WebAssembly's integers have no sign; here they are shown with one.
    I32(i32),
    /// A 64-bit integer.
    I64(i64),
    /// A 32-bit float.
    F32(f32),
    /// A 64-bit float.
    F64(f64),
    /// A 128-bit vector, as its 16 bytes in memory order.
    V128([u8; 16]),
    /// Several values: the result of a function with more than one, or, empty, with none.
    Tuple(Box<[Value]>),
}

impl Value {
    /// The empty tuple: the result of a function without one.
    pub fn unit() -> Value {
        Value::Tuple(Box::default())
    }

    /// The value's type, unless it is a tuple.
    pub fn ty(&self) -> Option<Type> {
        Some(match self {
            Value::I32(_) => Type::I32,
            Value::I64(_) => Type::I64,
            Value::F32(_) => Type::F32,
            Value::F64(_) => Type::F64,
            Value::V128(_) => Type::V128,
            Value::Tuple(_) => return None,
        })
    }

    /// The results of a function, of which this is one value: the only one, or a tuple of them.
    pub(crate) fn as_results(&self) -> &[Value] {
        match self {
            Value::Tuple(values) => values,
            value => std::slice::from_ref(value),
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::I32(a), Value::I32(b)) => a == b,
            (Value::I64(a), Value::I64(b)) => a == b,
            (Value::F32(a), Value::F32(b)) => a.to_bits() == b.to_bits(),
            (Value::F64(a), Value::F64(b)) => a.to_bits() == b.to_bits(),
            (Value::V128(a), Value::V128(b)) => a == b,
            (Value::Tuple(a), Value::Tuple(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value {}

impl fmt::Display for Value {
    /// Writes the value in WAVE.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&wave::to_string(self))
    }
}

macro_rules! from_rust {
    ($($rust:ty => $variant:ident),*) => {$(
        impl From<$rust> for Value {
            fn from(value: $rust) -> Value {
                Value::$variant(value.into())
            }
        }
    )*};
}

from_rust!(i8 => I32, i16 => I32, i32 => I32, u8 => I32, u16 => I32, u32 => I64, i64 => I64, f32 => F32, f64 => F64,
    bool => I32, [u8; 16] => V128);

impl From<()> for Value {
    fn from((): ()) -> Value {
        Value::unit()
    }
}
