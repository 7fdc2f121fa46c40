//! How types are written and read by `serde`.
//!
//! [`Type`] has no `Serialize` of its own without the feature `serde`, and the cache holds types all the same: what has types
//! in it says `#[serde(with = "crate::value::wire")]` at the field.

use super::{Name, Type};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;

pub(crate) fn serialize<T: Parts, S: Serializer>(parts: &T, to: S) -> Result<S::Ok, S::Error> {
    parts.to_wire().serialize(to)
}

pub(crate) fn deserialize<'de, T: Parts, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    T::Wire::deserialize(from).map(T::from_wire)
}

/// The variants of [`Type`]. One that is missing here does not compile.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Type", rename_all = "lowercase")]
pub(super) enum Form {
    I32,
    I64,
    F32,
    F64,
    V128,
    Bool,
    S8,
    U8,
    S16,
    U16,
    S32,
    U32,
    S64,
    U64,
    Char,
    String,
    List(#[serde(with = "super::wire")] Arc<Type>),
    Record(#[serde(with = "super::wire")] Arc<[(Name, Type)]>),
    Tuple(#[serde(with = "super::wire")] Arc<[Type]>),
    Variant(#[serde(with = "super::wire")] Arc<[(Name, Option<Type>)]>),
    Enum(Arc<[Name]>),
    Option(#[serde(with = "super::wire")] Arc<Type>),
    Result(#[serde(with = "super::wire")] Arc<(Option<Type>, Option<Type>)>),
    Flags(Arc<[Name]>),
}

/// A type that can be written.
#[derive(Serialize, Deserialize)]
pub(crate) struct Wire(#[serde(with = "Form")] Type);

/// What is made of types, and what it is with each of them a [`Wire`].
pub(crate) trait Parts {
    type Wire: Serialize + DeserializeOwned;
    fn to_wire(&self) -> Self::Wire;
    fn from_wire(wire: Self::Wire) -> Self;
}

impl Parts for Type {
    type Wire = Wire;

    fn to_wire(&self) -> Wire {
        Wire(self.clone())
    }

    fn from_wire(Wire(ty): Wire) -> Type {
        ty
    }
}

impl Parts for Name {
    type Wire = Name;

    fn to_wire(&self) -> Name {
        self.clone()
    }

    fn from_wire(name: Name) -> Name {
        name
    }
}

impl<T: Parts> Parts for Option<T> {
    type Wire = Option<T::Wire>;

    fn to_wire(&self) -> Option<T::Wire> {
        self.as_ref().map(T::to_wire)
    }

    fn from_wire(wire: Option<T::Wire>) -> Option<T> {
        wire.map(T::from_wire)
    }
}

impl<A: Parts, B: Parts> Parts for (A, B) {
    type Wire = (A::Wire, B::Wire);

    fn to_wire(&self) -> Self::Wire {
        (self.0.to_wire(), self.1.to_wire())
    }

    fn from_wire((a, b): Self::Wire) -> (A, B) {
        (A::from_wire(a), B::from_wire(b))
    }
}

impl<T: Parts> Parts for Arc<T> {
    type Wire = T::Wire;

    fn to_wire(&self) -> T::Wire {
        T::to_wire(self)
    }

    fn from_wire(wire: T::Wire) -> Arc<T> {
        Arc::new(T::from_wire(wire))
    }
}

macro_rules! sequences {
    ($($of:ty),*) => {$(
        impl<T: Parts> Parts for $of {
            type Wire = Vec<T::Wire>;

            fn to_wire(&self) -> Vec<T::Wire> {
                self.iter().map(T::to_wire).collect()
            }

            fn from_wire(wire: Vec<T::Wire>) -> $of {
                wire.into_iter().map(T::from_wire).collect()
            }
        }
    )*};
}

sequences!(Vec<T>, Arc<[T]>);
