//! Arguments on their way to a call.

use super::{Type, Value};
use smallvec::SmallVec;

/// The values of a call's parameters, without their types: the signature has those. A million forks that wait for
/// their turn hold a million of these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Values(SmallVec<[u64; 2]>);

impl Values {
    /// Adds a value; a tuple, which is no parameter, adds its members.
    #[inline]
    pub(crate) fn push(&mut self, value: &Value) {
        match value {
            Value::I32(v) => self.0.push(u64::from(v.cast_unsigned())),
            Value::I64(v) => self.0.push(v.cast_unsigned()),
            Value::F32(v) => self.0.push(u64::from(v.to_bits())),
            Value::F64(v) => self.0.push(v.to_bits()),
            Value::V128(bytes) => {
                let bits = u128::from_le_bytes(*bytes);
                self.0.extend([bits as u64, (bits >> 64) as u64]);
            }
            Value::Tuple(values) => values.iter().for_each(|value| self.push(value)),
        }
    }

    /// The values as being of `types`; none if there are not as many as that takes.
    pub(crate) fn of<'a>(&'a self, types: &'a [Type]) -> Option<impl Iterator<Item = Value> + 'a> {
        let width = |ty: &Type| if *ty == Type::V128 { 2 } else { 1 };
        if types.iter().map(width).sum::<usize>() != self.0.len() {
            return None;
        }
        let mut slots = self.0.iter().copied();
        let mut slot = move || slots.next().unwrap_or_default();
        Some(types.iter().map(move |ty| match ty {
            Type::I32 => Value::I32((slot() as u32).cast_signed()),
            Type::I64 => Value::I64(slot().cast_signed()),
            Type::F32 => Value::F32(f32::from_bits(slot() as u32)),
            Type::F64 => Value::F64(f64::from_bits(slot())),
            Type::V128 => {
                let (low, high) = (slot(), slot());
                Value::V128((u128::from(low) | u128::from(high) << 64).to_le_bytes())
            }
        }))
    }
}

impl FromIterator<Value> for Values {
    #[inline]
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Values {
        let mut all = Values::default();
        values.into_iter().for_each(|value| all.push(&value));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<i32>().prop_map(Value::I32),
            any::<i64>().prop_map(Value::I64),
            any::<u32>().prop_map(|bits| Value::F32(f32::from_bits(bits))),
            any::<u64>().prop_map(|bits| Value::F64(f64::from_bits(bits))),
            any::<[u8; 16]>().prop_map(Value::V128),
        ]
    }

    proptest! {
        #[test]
        fn values_come_out_as_they_went_in(values in proptest::collection::vec(value(), 0..9)) {
            let types: Vec<Type> = values.iter().filter_map(Value::ty).collect();
            let packed: Values = values.iter().cloned().collect();
            prop_assert_eq!(packed.of(&types).map(Iterator::collect::<Vec<_>>), Some(values));
        }

        #[test]
        fn values_are_not_taken_for_more_or_fewer(values in proptest::collection::vec(value(), 0..9), ty in 0..2usize) {
            let mut types: Vec<Type> = values.iter().filter_map(Value::ty).collect();
            let packed: Values = values.iter().cloned().collect();
            types.push([Type::I32, Type::V128][ty]);
            prop_assert!(packed.of(&types).is_none());
        }
    }
}
