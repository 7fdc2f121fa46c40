//! Rust's types and WebAssembly's.

use super::{Type, Value, wave};

/// A Rust type that is one WebAssembly value.
///
/// | Rust | WebAssembly |
/// | --- | --- |
/// | `i32`, `u32` | `i32` |
/// | `i64`, `u64` | `i64` |
/// | `f32`, `f64` | `f32`, `f64` |
/// | `[u8; 16]` | `v128`, its bytes in memory order |
pub trait Scalar: Clone + Send + 'static + sealed::Sealed {
    /// The WebAssembly type.
    const TYPE: Type;

    /// The value.
    fn into_value(self) -> Value;

    /// The value as this type, if it is of this type.
    fn from_value(value: &Value) -> Option<Self>;
}

/// The parameters of a function as a Rust type: a [`Scalar`], or a tuple of up to twelve.
pub trait Params: sealed::Sealed {
    /// The parameters' types.
    fn types() -> Vec<Type>;
}

/// The results of a function as a Rust type: `()`, a [`Scalar`], or a tuple of up to twelve.
pub trait Results: Clone + Send + 'static + sealed::Sealed {
    /// The results' types.
    fn types() -> Vec<Type>;

    /// The results out of the value of a call, if they are of these types.
    fn from_value(value: Value) -> Option<Self>;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! scalar {
    ($($rust:ty: $variant:ident, $into:expr, $from:expr;)*) => {$(
        impl sealed::Sealed for $rust {}
        impl Scalar for $rust {
            const TYPE: Type = Type::$variant;

            fn into_value(self) -> Value {
                Value::$variant(($into)(self))
            }

            fn from_value(value: &Value) -> Option<$rust> {
                match value {
                    Value::$variant(value) => Some(($from)(*value)),
                    _ => None,
                }
            }
        }
        impl Params for $rust {
            fn types() -> Vec<Type> {
                vec![Type::$variant]
            }
        }
        impl Results for $rust {
            fn types() -> Vec<Type> {
                vec![Type::$variant]
            }

            fn from_value(value: Value) -> Option<$rust> {
                <$rust as Scalar>::from_value(&value)
            }
        }
    )*};
}

scalar! {
    i32: I32, std::convert::identity, std::convert::identity;
    u32: I32, |v: u32| v.cast_signed(), |v: i32| v.cast_unsigned();
    i64: I64, std::convert::identity, std::convert::identity;
    u64: I64, |v: u64| v.cast_signed(), |v: i64| v.cast_unsigned();
    f32: F32, std::convert::identity, std::convert::identity;
    f64: F64, std::convert::identity, std::convert::identity;
    [u8; 16]: V128, std::convert::identity, std::convert::identity;
}

macro_rules! tuple {
    ($($name:ident)*) => {
        impl<$($name: Scalar),*> sealed::Sealed for ($($name,)*) {}
        impl<$($name: Scalar),*> Params for ($($name,)*) {
            fn types() -> Vec<Type> {
                vec![$($name::TYPE),*]
            }
        }
        impl<$($name: Scalar),*> Results for ($($name,)*) {
            fn types() -> Vec<Type> {
                vec![$($name::TYPE),*]
            }

            #[allow(unused_mut, unused_variables)]
            fn from_value(value: Value) -> Option<($($name,)*)> {
                let mut values = value.as_results().iter();
                let tuple = ($($name::from_value(values.next()?)?,)*);
                values.next().is_none().then_some(tuple)
            }
        }
    };
}

tuple!();
tuple!(A);
tuple!(A B);
tuple!(A B C);
tuple!(A B C D);
tuple!(A B C D E);
tuple!(A B C D E F);
tuple!(A B C D E F G);
tuple!(A B C D E F G H);
tuple!(A B C D E F G H I);
tuple!(A B C D E F G H I J);
tuple!(A B C D E F G H I J K);
tuple!(A B C D E F G H I J K L);

/// The value as one of type `ty`, if nothing of it is lost: integers within the other's range, floats that are exact.
///
/// # Errors
///
/// What was expected and what was given.
pub(crate) fn fit(ty: Type, value: Value) -> Result<Value, String> {
    let fitted = match (ty, &value) {
        (Type::I32, Value::I64(v)) => i32::try_from(*v).ok().map(Value::I32),
        (Type::I64, Value::I32(v)) => Some(Value::I64(i64::from(*v))),
        (Type::F64, Value::F32(v)) => Some(Value::F64(f64::from(*v))),
        (Type::F32, Value::F64(v)) => {
            #[allow(clippy::cast_possible_truncation)]
            let narrow = *v as f32;
            (v.is_nan() || f64::from(narrow) == *v).then_some(Value::F32(narrow))
        }
        _ if value.ty() == Some(ty) => return Ok(value),
        _ => None,
    };
    fitted.ok_or_else(|| match value.ty() {
        Some(Type::I64) if ty == Type::I32 => {
            format!("expected {ty}, {}, but was given {value}", wave::range(ty))
        }
        Some(Type::F64) if ty == Type::F32 => {
            format!("expected {ty}, but {value} is none: the nearest is another number")
        }
        Some(given) => format!("expected {ty}, but was given {value}, which is {given}"),
        None => format!("expected {ty}, but was given the tuple {value}"),
    })
}
