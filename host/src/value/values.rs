//! Arguments on their way to a call.

use super::{Type, Value};
use smallvec::SmallVec;
use std::convert::Infallible;

/// The values of a call's parameters. A million forks that wait for their turn hold a million of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Values {
    /// Scalars, without their types: the signature has those.
    Slots(SmallVec<[u64; 2]>),
    /// Values of which at least one is no scalar.
    Whole(Box<[Value]>),
}

impl Default for Values {
    fn default() -> Values {
        Values::Slots(SmallVec::new())
    }
}

impl Values {
    /// The values as being of `types`; none if there are not as many as that takes.
    pub(crate) fn of<'a>(&'a self, types: &'a [Type]) -> Option<impl Iterator<Item = Value> + 'a> {
        let width = |ty: &Type| if *ty == Type::V128 { 2 } else { 1 };
        let (slots, whole): (&[u64], &[Value]) = match self {
            Values::Slots(slots) if types.iter().map(width).sum::<usize>() == slots.len() => (slots, &[]),
            Values::Whole(values) if types.len() == values.len() => (&[], values),
            _ => return None,
        };
        let mut slots = slots.iter().copied();
        let mut slot = move || Ok::<_, Infallible>(slots.next().unwrap_or_default());
        Some(types.iter().enumerate().map(move |(at, ty)| match whole.get(at) {
            Some(value) => value.clone(),
            None => match from_slots(ty, &mut slot) {
                Ok(value) => value,
            },
        }))
    }

    /// The values, if all are scalars.
    #[inline]
    pub(crate) fn of_scalars<'a>(values: impl Iterator<Item = Option<&'a Value>>) -> Option<Values> {
        let mut slots = SmallVec::new();
        for value in values {
            match (to_slot(value?), value?) {
                (Some(slot), _) => slots.push(slot),
                (None, Value::V128(bytes)) => {
                    let bits = u128::from_le_bytes(*bytes);
                    slots.extend([bits as u64, (bits >> 64) as u64]);
                }
                (None, _) => return None,
            }
        }
        Some(Values::Slots(slots))
    }

    /// Bytes that the values take beside their place in the list.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Values::Slots(_) => 0,
            Values::Whole(values) => values.iter().map(Value::bytes).sum(),
        }
    }
}

/// A scalar from as many slots as it takes.
pub(crate) fn from_slots<E>(ty: &Type, slot: &mut impl FnMut() -> Result<u64, E>) -> Result<Value, E> {
    Ok(match ty {
        Type::I32 | Type::S32 => Value::I32((slot()? as u32).cast_signed()),
        Type::I64 | Type::S64 => Value::I64(slot()?.cast_signed()),
        Type::F32 => Value::F32(f32::from_bits(slot()? as u32)),
        Type::F64 => Value::F64(f64::from_bits(slot()?)),
        Type::V128 => {
            let (low, high) = (slot()?, slot()?);
            Value::V128((u128::from(low) | u128::from(high) << 64).to_le_bytes())
        }
        Type::Bool => Value::Bool(slot()? as u32 != 0),
        Type::S8 => Value::I8(slot()? as i8),
        Type::U8 => Value::U8(slot()? as u8),
        Type::S16 => Value::I16(slot()? as i16),
        Type::U16 => Value::U16(slot()? as u16),
        Type::U32 => Value::U32(slot()? as u32),
        Type::U64 => Value::U64(slot()?),
        Type::Char => Value::Char(char::from_u32(slot()? as u32).unwrap_or_default()),
        Type::String | Type::List(_) | Type::Record(_) | Type::Tuple(_) | Type::Variant(_) => Value::unit(),
        Type::Enum(_) | Type::Option(_) | Type::Result(_) | Type::Flags(_) => Value::unit(),
    })
}

/// The slot of a scalar that takes one. Integers of up to 32 bits are extended to that by their sign.
#[inline]
fn to_slot(value: &Value) -> Option<u64> {
    let signed = |v: i32| u64::from(v.cast_unsigned());
    Some(match value {
        Value::I32(v) => signed(*v),
        Value::I64(v) => v.cast_unsigned(),
        Value::F32(v) => u64::from(v.to_bits()),
        Value::F64(v) => v.to_bits(),
        Value::Bool(v) => u64::from(*v),
        Value::I8(v) => signed((*v).into()),
        Value::U8(v) => u64::from(*v),
        Value::I16(v) => signed((*v).into()),
        Value::U16(v) => u64::from(*v),
        Value::U32(v) => u64::from(*v),
        Value::U64(v) => *v,
        Value::Char(v) => u64::from(*v),
        Value::V128(_) => return None,
        Value::String(_) | Value::List(_) | Value::Record(_) | Value::Tuple(_) | Value::Variant(..) => return None,
        Value::Enum(_) | Value::Option(_) | Value::Result(_) | Value::Flags(_) => return None,
    })
}

impl FromIterator<u64> for Values {
    /// Of scalars that take one slot each.
    fn from_iter<I: IntoIterator<Item = u64>>(slots: I) -> Values {
        Values::Slots(slots.into_iter().collect())
    }
}

impl FromIterator<Value> for Values {
    #[inline]
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Values {
        let values: SmallVec<[Value; 3]> = values.into_iter().collect();
        match Values::of_scalars(values.iter().map(Some)) {
            Some(slots) => slots,
            None => Values::Whole(values.into_vec().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = (Type, Value)> {
        prop_oneof![
            any::<i32>().prop_map(|v| (Type::I32, Value::I32(v))),
            any::<i64>().prop_map(|v| (Type::S64, Value::I64(v))),
            any::<u32>().prop_map(|bits| (Type::F32, Value::F32(f32::from_bits(bits)))),
            any::<u64>().prop_map(|bits| (Type::F64, Value::F64(f64::from_bits(bits)))),
            any::<[u8; 16]>().prop_map(|v| (Type::V128, Value::V128(v))),
            any::<bool>().prop_map(|v| (Type::Bool, Value::Bool(v))),
            any::<i8>().prop_map(|v| (Type::S8, Value::I8(v))),
            any::<u8>().prop_map(|v| (Type::U8, Value::U8(v))),
            any::<i16>().prop_map(|v| (Type::S16, Value::I16(v))),
            any::<u16>().prop_map(|v| (Type::U16, Value::U16(v))),
            any::<u32>().prop_map(|v| (Type::U32, Value::U32(v))),
            any::<u64>().prop_map(|v| (Type::U64, Value::U64(v))),
            any::<char>().prop_map(|v| (Type::Char, Value::Char(v))),
            ".*".prop_map(|v| (Type::String, Value::from(v))),
        ]
    }

    proptest! {
        #[test]
        fn values_come_out_as_they_went_in(values in proptest::collection::vec(value(), 0..9)) {
            let (types, values): (Vec<Type>, Vec<Value>) = values.into_iter().unzip();
            let packed: Values = values.iter().cloned().collect();
            prop_assert_eq!(packed.of(&types).map(Iterator::collect::<Vec<_>>), Some(values));
        }

        #[test]
        fn values_are_not_taken_for_more_or_fewer(values in proptest::collection::vec(value(), 0..9), ty in 0..2usize) {
            let (mut types, values): (Vec<Type>, Vec<Value>) = values.into_iter().unzip();
            let packed: Values = values.iter().cloned().collect();
            types.push([Type::I32, Type::V128][ty].clone());
            prop_assert!(packed.of(&types).is_none());
        }
    }
}
