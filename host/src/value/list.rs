//! Lists.

use super::{Type, Value};
use std::sync::Arc;

/// A list of values. Cloning it does not copy them.
///
/// Numbers are held as numbers: a list of four million bytes takes four million bytes.
///
/// ```
/// use purefork::value::List;
/// use purefork::Value;
///
/// let list = List::from(vec![1.5f32, 2.5]);
/// assert_eq!(list.len(), 2);
/// assert_eq!(list.as_slice::<f32>(), Some(&[1.5, 2.5][..]));
/// assert_eq!(list.get(1), Some(Value::F32(2.5)));
/// ```
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct List(pub(crate) Items);

/// What is in a list.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Items {
    Bool(Arc<Vec<bool>>),
    I8(Arc<Vec<i8>>),
    U8(Arc<Vec<u8>>),
    I16(Arc<Vec<i16>>),
    U16(Arc<Vec<u16>>),
    I32(Arc<Vec<i32>>),
    U32(Arc<Vec<u32>>),
    I64(Arc<Vec<i64>>),
    U64(Arc<Vec<u64>>),
    F32(#[serde(with = "super::serial::floats")] Arc<Vec<f32>>),
    F64(#[serde(with = "super::serial::floats")] Arc<Vec<f64>>),
    Char(Arc<Vec<char>>),
    /// Whatever else, and what was put together without its type being known.
    Values(Arc<Vec<Value>>),
}

/// A number, a `bool` or a `char`: what a [`List`] holds as it is.
pub trait Element: Copy + Into<Value> + Send + Sync + 'static + sealed::Sealed {
    #[doc(hidden)]
    fn items(values: Arc<Vec<Self>>) -> List;

    #[doc(hidden)]
    fn of(list: &List) -> Option<&Arc<Vec<Self>>>;

    #[doc(hidden)]
    fn take(list: List) -> Option<Arc<Vec<Self>>>;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! each {
    ($list:expr, $values:ident => $body:expr) => {
        match $list {
            Items::Bool($values) => $body,
            Items::I8($values) => $body,
            Items::U8($values) => $body,
            Items::I16($values) => $body,
            Items::U16($values) => $body,
            Items::I32($values) => $body,
            Items::U32($values) => $body,
            Items::I64($values) => $body,
            Items::U64($values) => $body,
            Items::F32($values) => $body,
            Items::F64($values) => $body,
            Items::Char($values) => $body,
            Items::Values($values) => $body,
        }
    };
}

pub(super) use each;

macro_rules! element {
    ($($rust:ty => $variant:ident)*) => {$(
        impl sealed::Sealed for $rust {}
        impl Element for $rust {
            fn items(values: Arc<Vec<$rust>>) -> List {
                List(Items::$variant(values))
            }

            fn of(list: &List) -> Option<&Arc<Vec<$rust>>> {
                match &list.0 {
                    Items::$variant(values) => Some(values),
                    _ => None,
                }
            }

            fn take(list: List) -> Option<Arc<Vec<$rust>>> {
                match list.0 {
                    Items::$variant(values) => Some(values),
                    _ => None,
                }
            }
        }
        impl From<Vec<$rust>> for List {
            fn from(values: Vec<$rust>) -> List {
                List(Items::$variant(Arc::new(values)))
            }
        }
    )*};
}

element!(bool => Bool i8 => I8 u8 => U8 i16 => I16 u16 => U16 i32 => I32 u32 => U32 i64 => I64 u64 => U64 f32 => F32
    f64 => F64 char => Char);

impl From<Vec<Value>> for List {
    fn from(values: Vec<Value>) -> List {
        List(Items::Values(Arc::new(values)))
    }
}

impl List {
    /// How many values there are.
    pub fn len(&self) -> usize {
        each!(&self.0, values => values.len())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value at a position, from 0.
    // Of values that are values already, the conversion is none.
    #[allow(clippy::useless_conversion)]
    pub fn get(&self, at: usize) -> Option<Value> {
        each!(&self.0, values => values.get(at).cloned().map(Into::into))
    }

    /// The values, one by one.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Value> + '_ {
        (0..self.len()).map(|at| self.get(at).unwrap_or_else(Value::unit))
    }

    /// The numbers, if the list is held as numbers of that type.
    pub fn as_slice<T: Element>(&self) -> Option<&[T]> {
        T::of(self).map(|values| values.as_slice())
    }

    /// The numbers themselves, if the list is held as numbers of that type; a copy only if the list has clones.
    pub fn into_vec<T: Element>(self) -> Option<Vec<T>> {
        T::take(self).map(Arc::unwrap_or_clone)
    }

    /// The values of a list that is not held as numbers.
    pub(crate) fn values(&self) -> Option<&[Value]> {
        match &self.0 {
            Items::Values(values) => Some(values),
            _ => None,
        }
    }

    /// The list as one held as its type says: if its elements are numbers, `bool`s or `char`s of the very type `element`, as a `Vec` of these.
    pub fn packed(values: Vec<Value>, element: &Type) -> List {
        macro_rules! pack {
            ($variant:ident) => {
                values
                    .iter()
                    .map(|value| match value {
                        Value::$variant(v) => Some(*v),
                        _ => None,
                    })
                    .collect::<Option<Vec<_>>>()
                    .map(List::from)
            };
        }
        let packed = match element {
            Type::Bool => pack!(Bool),
            Type::S8 => pack!(I8),
            Type::U8 => pack!(U8),
            Type::S16 => pack!(I16),
            Type::U16 => pack!(U16),
            Type::I32 | Type::S32 => pack!(I32),
            Type::U32 => pack!(U32),
            Type::I64 | Type::S64 => pack!(I64),
            Type::U64 => pack!(U64),
            Type::F32 => pack!(F32),
            Type::F64 => pack!(F64),
            Type::Char => pack!(Char),
            _ => None,
        };
        packed.unwrap_or_else(|| List::from(values))
    }

    /// Whether the list is held as its type says.
    pub(crate) fn is_packed(&self, element: &Type) -> bool {
        matches!(
            (&self.0, element),
            (Items::Bool(_), Type::Bool)
                | (Items::I8(_), Type::S8)
                | (Items::U8(_), Type::U8)
                | (Items::I16(_), Type::S16)
                | (Items::U16(_), Type::U16)
                | (Items::I32(_), Type::S32 | Type::I32)
                | (Items::U32(_), Type::U32)
                | (Items::I64(_), Type::S64 | Type::I64)
                | (Items::U64(_), Type::U64)
                | (Items::F32(_), Type::F32)
                | (Items::F64(_), Type::F64)
                | (Items::Char(_), Type::Char)
        )
    }
}

impl PartialEq for List {
    /// Lists are equal when their values are; how they are held does not matter.
    fn eq(&self, other: &List) -> bool {
        match (&self.0, &other.0) {
            (Items::U8(a), Items::U8(b)) => a == b,
            (Items::Values(a), Items::Values(b)) => a == b,
            _ => self.len() == other.len() && self.iter().eq(other.iter()),
        }
    }
}

impl Eq for List {}

impl FromIterator<Value> for List {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> List {
        List::from(values.into_iter().collect::<Vec<_>>())
    }
}
