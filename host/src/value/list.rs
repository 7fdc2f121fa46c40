//! Lists.

use super::elements::Elements;
use super::{Type, Value};
use std::sync::Arc;
use zerocopy::IntoBytes as _;

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
    Bool(Elements<bool>),
    I8(Elements<i8>),
    U8(Elements<u8>),
    I16(Elements<i16>),
    U16(Elements<u16>),
    I32(Elements<i32>),
    U32(Elements<u32>),
    I64(Elements<i64>),
    U64(Elements<u64>),
    F32(#[serde(with = "super::serial::floats")] Elements<f32>),
    F64(#[serde(with = "super::serial::floats")] Elements<f64>),
    Char(Elements<char>),
    /// Whatever else, and what was put together without its type being known.
    Values(Arc<Vec<Value>>),
}

/// A number, a `bool` or a `char`: what a [`List`] holds as it is.
pub trait Element: Copy + Into<Value> + Send + Sync + 'static + sealed::Sealed {
    #[doc(hidden)]
    fn items(values: Elements<Self>) -> List;

    #[doc(hidden)]
    fn of(list: &List) -> Option<&Elements<Self>>;

    #[doc(hidden)]
    fn take(list: List) -> Option<Elements<Self>>;
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
            fn items(values: Elements<$rust>) -> List {
                List(Items::$variant(values))
            }

            fn of(list: &List) -> Option<&Elements<$rust>> {
                match &list.0 {
                    Items::$variant(values) => Some(values),
                    _ => None,
                }
            }

            fn take(list: List) -> Option<Elements<$rust>> {
                match list.0 {
                    Items::$variant(values) => Some(values),
                    _ => None,
                }
            }
        }
        impl From<Vec<$rust>> for List {
            fn from(values: Vec<$rust>) -> List {
                List(Items::$variant(values.into()))
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
    /// A list of numbers that somebody else owns, such as a file that is mapped into memory or a column of Arrow: they are not
    /// copied, and the owner is dropped with the last clone of the list.
    ///
    /// In every other way it is the list that `List::from` makes of a copy. Calls read the numbers on other threads and later, so
    /// that nobody may write to them as long as the owner is there, and `as_ref` has to give the same slice each time. Bytes
    /// that are to be other numbers are a slice of these only where they are aligned: the owner sees to that, or copies them.
    ///
    /// ```
    /// use purefork::value::List;
    /// use std::sync::Arc;
    ///
    /// let weights: Arc<[f32]> = Arc::from([0.5, 1.5]);
    /// let list = List::from_owner(weights.clone());
    /// assert_eq!(list, List::from(vec![0.5f32, 1.5]));
    /// assert_eq!(list.as_slice::<f32>().map(<[f32]>::as_ptr), Some(weights.as_ptr()));
    /// ```
    pub fn from_owner<T: Element>(owner: impl AsRef<[T]> + Send + Sync + 'static) -> List {
        T::items(Elements::from_owner(owner))
    }

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
        T::of(self).map(|values| &**values)
    }

    /// The type of the elements and their bytes, as they lie in memory, if the list is held as numbers, `bool`s or `char`s. A
    /// core module's `i32` and `i64` are `s32` and `s64` here: a list does not know the difference.
    ///
    /// ```
    /// use purefork::value::{List, Type};
    ///
    /// let list = List::from(vec![1u8, 2]);
    /// assert_eq!(list.as_bytes(), Some((Type::U8, &[1, 2][..])));
    /// ```
    pub fn as_bytes(&self) -> Option<(Type, &[u8])> {
        let (ty, bytes) = match &self.0 {
            Items::Bool(values) => (Type::Bool, values.as_bytes()),
            Items::I8(values) => (Type::S8, values.as_bytes()),
            Items::U8(values) => (Type::U8, values.as_bytes()),
            Items::I16(values) => (Type::S16, values.as_bytes()),
            Items::U16(values) => (Type::U16, values.as_bytes()),
            Items::I32(values) => (Type::S32, values.as_bytes()),
            Items::U32(values) => (Type::U32, values.as_bytes()),
            Items::I64(values) => (Type::S64, values.as_bytes()),
            Items::U64(values) => (Type::U64, values.as_bytes()),
            Items::F32(values) => (Type::F32, values.as_bytes()),
            Items::F64(values) => (Type::F64, values.as_bytes()),
            Items::Char(values) => (Type::Char, values.as_bytes()),
            Items::Values(_) => return None,
        };
        Some((ty, bytes))
    }

    /// The numbers themselves, if the list is held as numbers of that type; a copy only if the list has clones, or
    /// another owner's numbers.
    pub fn into_vec<T: Element>(self) -> Option<Vec<T>> {
        T::take(self).map(Elements::into_vec)
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
