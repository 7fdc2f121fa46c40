//! The elements of a list: its own, or somebody else's that are only read.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Elements that nobody writes to. Cloning does not copy them.
#[derive(Clone)]
pub struct Elements<T>(Arc<Held<T>>);

/// Behind one pointer, so that a value is no larger for it.
enum Held<T> {
    Own(Vec<T>),
    Owned(Box<dyn AsRef<[T]> + Send + Sync>),
}

impl<T> Elements<T> {
    pub(super) fn from_owner(owner: impl AsRef<[T]> + Send + Sync + 'static) -> Elements<T> {
        Elements(Arc::new(Held::Owned(Box::new(owner))))
    }
}

impl<T: Clone> Elements<T> {
    /// The vector itself, if nobody else has it; else a copy.
    pub(super) fn into_vec(self) -> Vec<T> {
        match Arc::try_unwrap(self.0) {
            Ok(Held::Own(values)) => values,
            Ok(Held::Owned(owner)) => (*owner).as_ref().to_vec(),
            Err(shared) => Elements(shared).to_vec(),
        }
    }
}

impl<T> From<Vec<T>> for Elements<T> {
    fn from(values: Vec<T>) -> Elements<T> {
        Elements(Arc::new(Held::Own(values)))
    }
}

impl<T> Deref for Elements<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match &*self.0 {
            Held::Own(values) => values,
            Held::Owned(owner) => (**owner).as_ref(),
        }
    }
}

impl<T: PartialEq> PartialEq for Elements<T> {
    fn eq(&self, other: &Elements<T>) -> bool {
        **self == **other
    }
}

impl<T: fmt::Debug> fmt::Debug for Elements<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: serde::Serialize> serde::Serialize for Elements<T> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(to)
    }
}

impl<'de, T: serde::Deserialize<'de>> serde::Deserialize<'de> for Elements<T> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Elements<T>, D::Error> {
        Vec::deserialize(from).map(Elements::from)
    }
}

#[cfg(test)]
mod tests {
    use crate::value::bytes::{decode, encode};
    use crate::value::{Element, List, Type, Typed, Value, fit};
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::sync::Arc;

    /// Everything that can be seen of a list.
    fn seen<T: Element>(list: &List, ty: &Type) -> Vec<String> {
        let value = Value::List(list.clone());
        let mut bytes = Vec::new();
        encode(&value, &mut bytes);
        let mut json = Vec::new();
        let whole = value.write_json(&mut json, 1 << 20);
        vec![
            format!("{list:?}"),
            format!("{value}"),
            format!("{:?}", (list.len(), list.is_empty(), list.get(0), list.get(list.len()))),
            format!("{:?}", list.iter().collect::<Vec<_>>()),
            format!("{:?}", list.as_bytes()),
            format!("{:?}", (list.as_slice::<T>().map(<[T]>::len), list.as_slice::<char>().map(<[char]>::len))),
            format!("{:?}", (list.values().is_none(), list.is_packed(ty), value.bytes())),
            format!("{:?}", fit(&Type::list(ty.clone()), value.clone()).map_err(drop)),
            format!("{:?}", fit(&Type::list(Type::S16), value).map_err(drop)),
            format!("{whole} {}", String::from_utf8_lossy(&json)),
            serde_json::to_string(list).unwrap(),
            format!("{:?}", postcard::to_stdvec(list).unwrap()),
            format!("{bytes:?} {:?}", decode(&mut &bytes[..]).map_err(|_| ())),
        ]
    }

    fn is_the_same<T: Element + Typed + std::fmt::Debug>(values: Vec<T>) -> Result<(), TestCaseError>
    where
        List: From<Vec<T>>,
    {
        let owner: Arc<[T]> = values.clone().into();
        let (own, owned) = (List::from(values.clone()), List::from_owner(owner.clone()));
        prop_assert_eq!(seen::<T>(&own, &T::ty()), seen::<T>(&owned, &T::ty()));
        prop_assert_eq!(owned.as_slice::<T>().map(<[T]>::as_ptr), Some(owner.as_ptr()), "they are not copied");
        prop_assert_eq!(own == owned, own == own.clone(), "NaNs are not equal to themselves");
        let fewer = List::from(values[..values.len().saturating_sub(1)].to_vec());
        prop_assert_eq!(own == fewer, owned == fewer);
        prop_assert_eq!(own == own.iter().collect::<List>(), owned == owned.iter().collect::<List>());
        prop_assert_eq!(format!("{:?}", owned.clone().into_vec::<T>()), format!("{:?}", Some(&values)));
        prop_assert_eq!(format!("{:?}", <Vec<T>>::from_value(Value::List(owned))), format!("{:?}", Some(values)));
        prop_assert_eq!(Arc::strong_count(&owner), 1, "the owner is dropped with the last of its lists");
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn a_list_of_an_owner_is_the_list_of_a_copy(
            bytes in vec(any::<u8>(), 0..40),
            bools in vec(any::<bool>(), 0..9),
            chars in vec(any::<char>(), 0..9),
            words in vec(any::<u32>(), 0..40),
            long in vec(any::<u64>(), 0..9),
        ) {
            is_the_same(words.iter().map(|&bits| f32::from_bits(bits)).collect())?;
            is_the_same(long.iter().map(|&bits| f64::from_bits(bits)).collect())?;
            is_the_same(bytes.iter().map(|&byte| byte.cast_signed()).collect())?;
            is_the_same(words.iter().map(|&word| word as u16).collect())?;
            is_the_same(words.iter().map(|&word| word as i16).collect())?;
            is_the_same(words.iter().map(|&word| word.cast_signed()).collect())?;
            is_the_same(long.iter().map(|&word| word.cast_signed()).collect())?;
            is_the_same(bytes)?;
            is_the_same(bools)?;
            is_the_same(chars)?;
            is_the_same(words)?;
            is_the_same(long)?;
        }
    }

    #[test]
    fn a_list_that_has_clones_is_copied_out_of_its_owner_and_of_itself() {
        let owned = List::from_owner(vec![1u8, 2]);
        assert_eq!(owned.clone().into_vec(), Some(vec![1u8, 2]));
        assert_eq!(owned.as_slice(), Some(&[1u8, 2][..]));
        let own = List::from(vec![1u8, 2]);
        let at = own.as_slice::<u8>().map(<[u8]>::as_ptr);
        assert_eq!(own.clone().into_vec(), Some(vec![1u8, 2]));
        assert_eq!(own.into_vec::<u8>().map(|own| own.as_ptr()), at, "the only one is not copied");
    }
}
