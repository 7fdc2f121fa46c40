//! Rust's types and WebAssembly's.

use super::{List, Type, Value, from_slots};
use std::convert::Infallible;
use std::sync::Arc;

/// A Rust type that stands for a type of WebAssembly.
///
/// | Rust | WIT | core WebAssembly |
/// | --- | --- | --- |
/// | `i8`, `u8`, `i16`, `u16` | `s8`, `u8`, `s16`, `u16` | |
/// | `i32`, `u32` | `s32`, `u32` | `i32` |
/// | `i64`, `u64` | `s64`, `u64` | `i64` |
/// | `f32`, `f64` | `f32`, `f64` | `f32`, `f64` |
/// | `[u8; 16]` | | `v128`, its bytes in memory order |
/// | `bool`, `char`, `String` | `bool`, `char`, `string` | |
/// | `Vec<T>` | `list<T>` | |
/// | `(A, B, …)` | `tuple<A, B, …>` | |
/// | `Option<T>`, `Result<T, E>` | `option<T>`, `result<T, E>` | |
/// | [`Tensor`](crate::value::Tensor) | `purefork:types/tensors.tensor` | |
pub trait Typed: Clone + Send + Sync + 'static + sealed::Sealed {
    /// The type, for messages; of those it may stand for, WIT's.
    fn ty() -> Type;

    /// Whether it stands for that type.
    fn is(ty: &Type) -> bool {
        *ty == Self::ty()
    }

    /// The value.
    fn into_value(self) -> Value;

    /// The value as this type, if it is of this type.
    fn from_value(value: Value) -> Option<Self>;

    /// The same of a value that others have, too.
    #[inline]
    fn from_ref(value: &Value) -> Option<Self> {
        Self::from_value(value.clone())
    }

    /// The value that the slot of a scalar of that type holds.
    #[doc(hidden)]
    #[inline]
    fn from_slot(ty: &Type, slot: u64) -> Option<Self> {
        Self::from_value(from_slot(ty, slot))
    }

    #[doc(hidden)]
    fn into_list(values: Vec<Self>) -> List {
        values.into_iter().map(Typed::into_value).collect()
    }

    #[doc(hidden)]
    fn from_list(list: List) -> Option<Vec<Self>> {
        list.iter().map(Self::from_value).collect()
    }
}

/// What a case of a `Result` holds: a value, or, as `()`, none.
pub trait Payload: Clone + Send + Sync + 'static + sealed::SealedPayload {
    /// The value's type, if there is a value.
    fn payload_type() -> Option<Type>;

    /// Whether it stands for a payload of that type.
    fn is_payload(ty: Option<&Type>) -> bool;

    /// The value, if there is one.
    fn into_payload(self) -> Option<Arc<Value>>;

    /// The payload out of its value, if it is of this type.
    fn from_payload(value: Option<Arc<Value>>) -> Option<Self>;
}

/// The parameters of a function as a Rust type: a [`Typed`] one, or a tuple of up to twelve.
pub trait Params: sealed::Sealed {
    /// The parameters' types, for messages.
    fn types() -> Vec<Type>;

    /// Whether it stands for parameters of these types.
    fn are(types: &[&Type]) -> bool;
}

/// The results of a function as a Rust type: `()`, a [`Typed`] one, or, for a core function with several, a tuple of up
/// to twelve.
pub trait Results: Clone + Send + Sync + 'static + sealed::Sealed {
    /// The results' types, for messages.
    fn types() -> Vec<Type>;

    /// Whether it stands for results of these types.
    fn are(types: &[Type]) -> bool;

    /// The results out of the value of a call, if they are of these types.
    fn from_value(value: Value) -> Option<Self>;

    /// The same of a value that others have, too.
    #[inline]
    fn from_ref(value: &Value) -> Option<Self> {
        Self::from_value(value.clone())
    }

    /// The same of the slot of one scalar of that type.
    #[doc(hidden)]
    #[inline]
    fn from_slot(ty: &Type, slot: u64) -> Option<Self> {
        Self::from_value(from_slot(ty, slot))
    }
}

fn from_slot(ty: &Type, slot: u64) -> Value {
    match from_slots(ty, &mut || Ok::<_, Infallible>(slot)) {
        Ok(value) => value,
    }
}

/// Whatever the function's results are; of a core function with several, a tuple of them.
impl Results for Value {
    fn types() -> Vec<Type> {
        Vec::new()
    }

    fn are(_: &[Type]) -> bool {
        true
    }

    #[inline]
    fn from_value(value: Value) -> Option<Value> {
        Some(value)
    }
}

impl sealed::Sealed for Value {}

/// A [`Typed`] type that is no tuple, so that it stands for one parameter also without parentheses.
pub trait Alone: Typed + Params {}

pub(crate) mod sealed {
    pub trait Sealed {}
    pub trait SealedPayload {}
}

/// A type on its own is also the parameters and the results of a function.
macro_rules! alone {
    ([$($generics:tt)*] $rust:ty) => {
        impl<$($generics)*> Alone for $rust {}
        impl<$($generics)*> sealed::Sealed for $rust {}
        impl<$($generics)*> Params for $rust {
            fn types() -> Vec<Type> {
                vec![<$rust as Typed>::ty()]
            }

            fn are(types: &[&Type]) -> bool {
                matches!(types, [ty] if <$rust as Typed>::is(ty))
            }
        }
        impl<$($generics)*> Results for $rust {
            fn types() -> Vec<Type> {
                vec![<$rust as Typed>::ty()]
            }

            fn are(types: &[Type]) -> bool {
                matches!(types, [ty] if <$rust as Typed>::is(ty))
            }

            fn from_value(value: Value) -> Option<Self> {
                <$rust as Typed>::from_value(value)
            }

            #[inline]
            fn from_ref(value: &Value) -> Option<Self> {
                <$rust as Typed>::from_ref(value)
            }

            #[inline]
            fn from_slot(ty: &Type, slot: u64) -> Option<Self> {
                <$rust as Typed>::from_slot(ty, slot)
            }
        }
    };
}

macro_rules! numbers {
    ($($rust:ty: $variant:ident, $($ty:ident)|+, $slot:ident => $of_slot:expr $(, $core:pat => $unsigned:expr)?;)*) => {$(
        alone!([] $rust);
        impl Typed for $rust {
            fn ty() -> Type {
                numbers!(@first $($ty)|+)
            }

            fn is(ty: &Type) -> bool {
                matches!(ty, $(Type::$ty)|+)
            }

            #[inline]
            fn into_value(self) -> Value {
                Value::$variant(self)
            }

            fn from_value(value: Value) -> Option<$rust> {
                <$rust as Typed>::from_ref(&value)
            }

            #[inline]
            fn from_ref(value: &Value) -> Option<$rust> {
                match value {
                    Value::$variant(value) => Some(*value),
                    $($core => Some($unsigned),)?
                    _ => None,
                }
            }

            #[inline]
            fn from_slot(_: &Type, $slot: u64) -> Option<$rust> {
                Some($of_slot)
            }

            fn into_list(values: Vec<$rust>) -> List {
                List::from(values)
            }

            fn from_list(list: List) -> Option<Vec<$rust>> {
                List::into_vec(list)
            }
        }
    )*};
    (@first $first:ident $(| $rest:ident)*) => { Type::$first };
}

// Core WebAssembly's integers have no sign.
numbers! {
    i8: I8, S8, slot => slot as i8;
    u8: U8, U8, slot => slot as u8;
    i16: I16, S16, slot => slot as i16;
    u16: U16, U16, slot => slot as u16;
    i32: I32, S32 | I32, slot => slot as i32;
    u32: U32, U32 | I32, slot => slot as u32, Value::I32(value) => value.cast_unsigned();
    i64: I64, S64 | I64, slot => slot.cast_signed();
    u64: U64, U64 | I64, slot => slot, Value::I64(value) => value.cast_unsigned();
    f32: F32, F32, slot => f32::from_bits(slot as u32);
    f64: F64, F64, slot => f64::from_bits(slot);
    bool: Bool, Bool, slot => slot as u32 != 0;
    char: Char, Char, slot => char::from_u32(slot as u32).unwrap_or_default();
}

alone!([] [u8; 16]);
impl Typed for [u8; 16] {
    fn ty() -> Type {
        Type::V128
    }

    fn into_value(self) -> Value {
        Value::V128(self)
    }

    fn from_value(value: Value) -> Option<[u8; 16]> {
        match value {
            Value::V128(bytes) => Some(bytes),
            _ => None,
        }
    }
}

alone!([] String);
impl Typed for String {
    fn ty() -> Type {
        Type::String
    }

    fn into_value(self) -> Value {
        Value::String(self.into())
    }

    fn from_value(value: Value) -> Option<String> {
        match value {
            Value::String(text) => Some(String::from(&*text)),
            _ => None,
        }
    }
}

alone!([] super::Tensor);

alone!([T: Typed] Vec<T>);
impl<T: Typed> Typed for Vec<T> {
    fn ty() -> Type {
        Type::list(T::ty())
    }

    fn is(ty: &Type) -> bool {
        matches!(ty, Type::List(element) if T::is(element))
    }

    fn into_value(self) -> Value {
        Value::List(T::into_list(self))
    }

    fn from_value(value: Value) -> Option<Vec<T>> {
        match value {
            Value::List(list) => T::from_list(list),
            _ => None,
        }
    }
}

alone!([T: Typed] Option<T>);
impl<T: Typed> Typed for Option<T> {
    fn ty() -> Type {
        Type::option(T::ty())
    }

    fn is(ty: &Type) -> bool {
        matches!(ty, Type::Option(some) if T::is(some))
    }

    fn into_value(self) -> Value {
        Value::Option(self.map(|value| Arc::new(value.into_value())))
    }

    fn from_value(value: Value) -> Option<Option<T>> {
        match value {
            Value::Option(None) => Some(None),
            Value::Option(Some(value)) => T::from_value(Arc::unwrap_or_clone(value)).map(Some),
            _ => None,
        }
    }
}

alone!([T: Payload, E: Payload] Result<T, E>);
impl<T: Payload, E: Payload> Typed for Result<T, E> {
    fn ty() -> Type {
        Type::result(T::payload_type(), E::payload_type())
    }

    fn is(ty: &Type) -> bool {
        matches!(ty, Type::Result(types) if T::is_payload(types.0.as_ref()) && E::is_payload(types.1.as_ref()))
    }

    fn into_value(self) -> Value {
        Value::Result(match self {
            Ok(value) => Ok(value.into_payload()),
            Err(value) => Err(value.into_payload()),
        })
    }

    fn from_value(value: Value) -> Option<Result<T, E>> {
        Some(match value {
            Value::Result(Ok(value)) => Ok(T::from_payload(value)?),
            Value::Result(Err(value)) => Err(E::from_payload(value)?),
            _ => return None,
        })
    }
}

impl<T: Typed> sealed::SealedPayload for T {}
impl<T: Typed> Payload for T {
    fn payload_type() -> Option<Type> {
        Some(T::ty())
    }

    fn is_payload(ty: Option<&Type>) -> bool {
        ty.is_some_and(T::is)
    }

    fn into_payload(self) -> Option<Arc<Value>> {
        Some(Arc::new(self.into_value()))
    }

    fn from_payload(value: Option<Arc<Value>>) -> Option<T> {
        T::from_value(Arc::unwrap_or_clone(value?))
    }
}

impl sealed::SealedPayload for () {}
impl Payload for () {
    fn payload_type() -> Option<Type> {
        None
    }

    fn is_payload(ty: Option<&Type>) -> bool {
        ty.is_none()
    }

    fn into_payload(self) -> Option<Arc<Value>> {
        None
    }

    fn from_payload(value: Option<Arc<Value>>) -> Option<()> {
        value.is_none().then_some(())
    }
}

impl sealed::Sealed for () {}
impl Params for () {
    fn types() -> Vec<Type> {
        Vec::new()
    }

    fn are(types: &[&Type]) -> bool {
        types.is_empty()
    }
}
impl Results for () {
    fn types() -> Vec<Type> {
        Vec::new()
    }

    fn are(types: &[Type]) -> bool {
        types.is_empty()
    }

    fn from_value(value: Value) -> Option<()> {
        (value == Value::unit()).then_some(())
    }
}

macro_rules! tuple {
    ($($name:ident)*) => {
        impl<$($name: Typed),*> sealed::Sealed for ($($name,)*) {}
        impl<$($name: Typed),*> Params for ($($name,)*) {
            fn types() -> Vec<Type> {
                vec![$($name::ty()),*]
            }

            fn are(types: &[&Type]) -> bool {
                let mut types = types.iter();
                $(types.next().is_some_and(|ty| $name::is(ty)) &&)* types.next().is_none()
            }
        }
        impl<$($name: Typed),*> Results for ($($name,)*) {
            fn types() -> Vec<Type> {
                vec![$($name::ty()),*]
            }

            fn are(types: &[Type]) -> bool {
                let types: &[Type] = match types {
                    [Type::Tuple(members)] => members,
                    types => types,
                };
                <Self as Params>::are(&types.iter().collect::<Vec<_>>())
            }

            fn from_value(value: Value) -> Option<($($name,)*)> {
                let mut values = value.as_results().iter().cloned();
                let tuple = ($($name::from_value(values.next()?)?,)*);
                values.next().is_none().then_some(tuple)
            }
        }
        impl<$($name: Typed),*> Typed for ($($name,)*) {
            fn ty() -> Type {
                Type::tuple([$($name::ty()),*])
            }

            fn is(ty: &Type) -> bool {
                matches!(ty, Type::Tuple(members) if <Self as Params>::are(&members.iter().collect::<Vec<_>>()))
            }

            #[allow(non_snake_case)]
            fn into_value(self) -> Value {
                let ($($name,)*) = self;
                Value::tuple([$($name.into_value()),*])
            }

            fn from_value(value: Value) -> Option<($($name,)*)> {
                match value {
                    Value::Tuple(_) => <Self as Results>::from_value(value),
                    _ => None,
                }
            }
        }
    };
}

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
