//! Types with values of them, for laws.

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use purefork::Value;
use purefork::value::{List, Name, Type};
use std::sync::Arc;

/// A type, and some values of it.
pub(crate) fn typed_values() -> impl Strategy<Value = (Type, Vec<Value>)> {
    types().prop_flat_map(|ty| {
        let values = vec(values(&ty), 1..6);
        (Just(ty), values)
    })
}

pub(crate) fn types() -> impl Strategy<Value = Type> {
    use Type::*;
    let scalars = vec![I32, I64, F32, F64, V128, Bool, S8, U8, S16, U16, S32, U32, S64, U64, Char, String];
    let leaf = prop_oneof![
        4 => prop::sample::select(scalars),
        1 => names().prop_map(|names| Enum(names.into())),
        1 => names().prop_map(|names| Flags(names.into())),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        let payload = prop::option::of(inner.clone());
        prop_oneof![
            inner.clone().prop_map(Type::list),
            inner.clone().prop_map(Type::option),
            vec(inner.clone(), 1..4).prop_map(Type::tuple),
            (payload.clone(), payload.clone()).prop_map(|(ok, err)| Type::result(ok, err)),
            (names(), vec(inner, 6)).prop_map(|(names, types)| Record(names.into_iter().zip(types).collect())),
            (names(), vec(payload, 6)).prop_map(|(names, types)| Variant(names.into_iter().zip(types).collect())),
        ]
    })
}

/// Names of WIT, WAVE's keywords among them.
fn names() -> impl Strategy<Value = Vec<Name>> {
    let name = prop_oneof![
        "[a-z][a-z0-9]{0,3}(-[a-z]{1,3})?",
        prop::sample::select(vec!["true", "false", "nan", "inf", "some", "none", "ok", "err", "null"])
            .prop_map(str::to_owned)
    ];
    btree_set(name, 1..6).prop_map(|names| names.into_iter().map(Name::from).collect())
}

/// Values of the type. There is one NaN, as WAVE and JSON have it.
pub(crate) fn values(ty: &Type) -> BoxedStrategy<Value> {
    let payload = |ty: &Option<Type>| match ty {
        None => Just(None).boxed(),
        Some(ty) => values(ty).prop_map(|value| Some(Arc::new(value))).boxed(),
    };
    match ty {
        Type::I64 | Type::S64 => any::<i64>().prop_map(Value::I64).boxed(),
        Type::F32 => any::<u32>()
            .prop_map(f32::from_bits)
            .prop_map(|v| Value::F32(if v.is_nan() { f32::NAN } else { v }))
            .boxed(),
        Type::F64 => any::<u64>()
            .prop_map(f64::from_bits)
            .prop_map(|v| Value::F64(if v.is_nan() { f64::NAN } else { v }))
            .boxed(),
        Type::V128 => any::<[u8; 16]>().prop_map(Value::V128).boxed(),
        Type::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Type::S8 => any::<i8>().prop_map(Value::I8).boxed(),
        Type::U8 => any::<u8>().prop_map(Value::U8).boxed(),
        Type::S16 => any::<i16>().prop_map(Value::I16).boxed(),
        Type::U16 => any::<u16>().prop_map(Value::U16).boxed(),
        Type::U32 => any::<u32>().prop_map(Value::U32).boxed(),
        Type::U64 => any::<u64>().prop_map(Value::U64).boxed(),
        Type::Char => any::<char>().prop_map(Value::Char).boxed(),
        Type::String => any::<String>().prop_map(Value::from).boxed(),
        Type::List(element) => vec(values(element), 0..4).prop_map(|v| Value::List(List::from(v))).boxed(),
        Type::Record(fields) => {
            let names: Vec<Name> = fields.iter().map(|(name, _)| name.clone()).collect();
            let values: Vec<_> = fields.iter().map(|(_, ty)| values(ty)).collect();
            values.prop_map(move |values| Value::Record(names.iter().cloned().zip(values).collect())).boxed()
        }
        Type::Tuple(types) => types.iter().map(values).collect::<Vec<_>>().prop_map(Value::tuple).boxed(),
        Type::Variant(cases) => {
            let cases = cases.iter().map(|(name, ty)| {
                let name = name.clone();
                payload(ty).prop_map(move |value| Value::Variant(name.clone(), value)).boxed()
            });
            proptest::strategy::Union::new(cases).boxed()
        }
        Type::Enum(names) => prop::sample::select(names.to_vec()).prop_map(Value::Enum).boxed(),
        Type::Option(some) => prop::option::of(values(some)).prop_map(Value::from).boxed(),
        Type::Result(types) => {
            let ok = payload(&types.0).prop_map(|value| Value::Result(Ok(value)));
            let err = payload(&types.1).prop_map(|value| Value::Result(Err(value)));
            prop_oneof![ok, err].boxed()
        }
        Type::Flags(names) => {
            let n = names.len();
            prop::sample::subsequence(names.to_vec(), 0..=n).prop_map(|names| Value::Flags(names.into())).boxed()
        }
        _ => any::<i32>().prop_map(Value::I32).boxed(),
    }
}
