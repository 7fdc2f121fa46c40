//! Random types, and values of them.

use proptest::collection::vec;
use proptest::prelude::*;
use purefork::Value;
use purefork::value::{List, Name, Type};
use std::sync::Arc;

fn named(at: usize) -> Name {
    format!("n{at}").into()
}

/// A type whose values can be in a column.
fn types() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![
        Just(Type::Bool),
        Just(Type::S8),
        Just(Type::U8),
        Just(Type::S16),
        Just(Type::U16),
        Just(Type::S32),
        Just(Type::U32),
        Just(Type::S64),
        Just(Type::U64),
        Just(Type::F32),
        Just(Type::F64),
        Just(Type::Char),
        Just(Type::String),
        Just(Type::V128),
        (1..5usize).prop_map(|count| Type::Enum((0..count).map(named).collect())),
        (1..5usize).prop_map(|count| Type::Flags((0..count).map(named).collect())),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let payload = proptest::option::of(inner.clone());
        prop_oneof![
            inner.clone().prop_map(Type::list),
            inner.clone().prop_map(Type::option),
            vec(inner.clone(), 1..4).prop_map(Type::tuple),
            vec(inner, 1..4).prop_map(|types| Type::Record(
                types.into_iter().enumerate().map(|(at, ty)| (named(at), ty)).collect()
            )),
            vec(payload.clone(), 1..4).prop_map(|types| Type::Variant(
                types.into_iter().enumerate().map(|(at, ty)| (named(at), ty)).collect()
            )),
            (payload.clone(), payload).prop_map(|(ok, err)| Type::result(ok, err)),
        ]
    })
}

fn payload(ty: Option<&Type>) -> BoxedStrategy<Option<Arc<Value>>> {
    match ty {
        Some(ty) => values(ty).prop_map(|value| Some(Arc::new(value))).boxed(),
        None => Just(None).boxed(),
    }
}

/// Values of a type.
pub(super) fn values(ty: &Type) -> BoxedStrategy<Value> {
    match ty {
        Type::Bool => any::<bool>().prop_map(Value::from).boxed(),
        Type::S8 => any::<i8>().prop_map(Value::from).boxed(),
        Type::U8 => any::<u8>().prop_map(Value::from).boxed(),
        Type::S16 => any::<i16>().prop_map(Value::from).boxed(),
        Type::U16 => any::<u16>().prop_map(Value::from).boxed(),
        Type::S32 | Type::I32 => any::<i32>().prop_map(Value::from).boxed(),
        Type::U32 => any::<u32>().prop_map(Value::from).boxed(),
        Type::S64 | Type::I64 => any::<i64>().prop_map(Value::from).boxed(),
        Type::U64 => any::<u64>().prop_map(Value::from).boxed(),
        Type::F32 => any::<u32>().prop_map(|bits| Value::F32(f32::from_bits(bits))).boxed(),
        Type::F64 => any::<u64>().prop_map(|bits| Value::F64(f64::from_bits(bits))).boxed(),
        Type::V128 => any::<[u8; 16]>().prop_map(Value::from).boxed(),
        Type::Char => any::<char>().prop_map(Value::from).boxed(),
        Type::String => ".{0,20}".prop_map(Value::from).boxed(),
        Type::List(element) => vec(values(element), 0..4).prop_map(|values| Value::List(List::from(values))).boxed(),
        Type::Record(fields) => {
            let names: Vec<Name> = fields.iter().map(|(name, _)| name.clone()).collect();
            let strategies: Vec<_> = fields.iter().map(|(_, ty)| values(ty)).collect();
            strategies.prop_map(move |values| Value::Record(names.iter().cloned().zip(values).collect())).boxed()
        }
        Type::Tuple(types) => types.iter().map(values).collect::<Vec<_>>().prop_map(Value::tuple).boxed(),
        Type::Variant(cases) => {
            let cases: Vec<_> = cases.to_vec();
            let one = move |at: proptest::sample::Index| {
                let (name, ty) = cases[at.index(cases.len())].clone();
                payload(ty.as_ref()).prop_map(move |payload| Value::Variant(name.clone(), payload))
            };
            any::<proptest::sample::Index>().prop_flat_map(one).boxed()
        }
        Type::Enum(names) => {
            let names = names.clone();
            any::<proptest::sample::Index>()
                .prop_map(move |at| Value::Enum(names[at.index(names.len())].clone()))
                .boxed()
        }
        Type::Option(some) => {
            prop_oneof![Just(Value::Option(None)), values(some).prop_map(|value| Value::Option(Some(Arc::new(value))))]
                .boxed()
        }
        Type::Result(types) => prop_oneof![
            payload(types.0.as_ref()).prop_map(|payload| Value::Result(Ok(payload))),
            payload(types.1.as_ref()).prop_map(|payload| Value::Result(Err(payload))),
        ]
        .boxed(),
        Type::Flags(names) => {
            let names = names.clone();
            vec(any::<bool>(), names.len())
                .prop_map(move |set| {
                    let set = names.iter().zip(set).filter(|(_, set)| *set).map(|(name, _)| name.clone());
                    Value::Flags(set.collect())
                })
                .boxed()
        }
        other => unreachable!("no values of {other}"),
    }
}

/// A type, and values of it, some of them null.
pub(super) fn columns() -> impl Strategy<Value = (Type, Vec<Option<Value>>)> {
    types().prop_flat_map(|ty| {
        // Of an option, a null and none are the same.
        let value = match &ty {
            Type::Option(_) => values(&ty).prop_map(Some).boxed(),
            _ => proptest::option::weighted(0.8, values(&ty)).boxed(),
        };
        let values = vec(value, 0..12);
        (Just(ty), values)
    })
}
