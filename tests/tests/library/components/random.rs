//! Types and values made at random, and types as WAT writes them.

use proptest::prelude::*;
use purefork::Value;
use purefork::value::{List, Name, Type};
use std::fmt::Write as _;
use std::sync::Arc;

fn names(prefix: &str, count: usize) -> Arc<[Name]> {
    (0..count).map(|at| Name::from(format!("{prefix}{at}"))).collect()
}

fn scalar() -> impl Strategy<Value = Type> {
    prop::sample::select(vec![
        Type::Bool,
        Type::S8,
        Type::U8,
        Type::S16,
        Type::U16,
        Type::S32,
        Type::U32,
        Type::S64,
        Type::U64,
        Type::F32,
        Type::F64,
        Type::Char,
    ])
}

/// Any type that can cross.
pub(crate) fn any_type() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![
        6 => scalar(),
        2 => Just(Type::String),
        1 => prop_oneof![1..6usize, Just(256), Just(257)].prop_map(|n| Type::Enum(names("c", n))),
        1 => prop_oneof![1..33usize, Just(8), Just(9), Just(16), Just(17), Just(32)].prop_map(|n| Type::Flags(names("f", n))),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        let maybe = prop::option::weighted(0.7, inner.clone());
        prop_oneof![
            inner.clone().prop_map(Type::list),
            inner.clone().prop_map(Type::option),
            (maybe.clone(), maybe.clone()).prop_map(|(ok, err)| Type::result(ok, err)),
            prop::collection::vec(inner.clone(), 1..5).prop_map(Type::tuple),
            prop::collection::vec(inner, 1..5)
                .prop_map(|types| Type::Record(names("f", types.len()).iter().cloned().zip(types).collect())),
            // As many cases as need one byte to tell apart, or two.
            (prop::collection::vec(maybe, 1..5), prop_oneof![4 => Just(0usize), 1 => Just(300)]).prop_map(
                |(mut types, pad)| {
                    if pad > 0 {
                        types.resize(pad, None);
                        types.rotate_right(3);
                    }
                    Type::Variant(names("c", types.len()).iter().cloned().zip(types).collect())
                }
            ),
        ]
    })
}

fn text() -> BoxedStrategy<String> {
    prop_oneof![
        "[ -~]{0,12}",
        // Latin-1, which is one byte per character in one of the encodings.
        prop::collection::vec(0u8.., 0..12).prop_map(|bytes| bytes.into_iter().map(char::from).collect()),
        prop::collection::vec(any::<char>(), 0..12).prop_map(|chars| chars.into_iter().collect()),
    ]
    .boxed()
}

/// A value of a type. Lists of numbers are as the host makes them: half of them held as numbers, half value by value.
pub(crate) fn value(ty: &Type) -> BoxedStrategy<Value> {
    fn numbers<T: purefork::value::Element + std::fmt::Debug>(
        one: impl Strategy<Value = T> + 'static,
    ) -> BoxedStrategy<Value>
    where
        List: From<Vec<T>>,
    {
        (prop::collection::vec(one, 0..9), any::<bool>())
            .prop_map(|(values, packed)| {
                Value::List(match packed {
                    true => List::from(values),
                    false => values.into_iter().map(Into::into).collect(),
                })
            })
            .boxed()
    }
    fn payload(ty: &Option<Type>) -> BoxedStrategy<Option<Arc<Value>>> {
        match ty {
            Some(ty) => value(ty).prop_map(|value| Some(Arc::new(value))).boxed(),
            None => Just(None).boxed(),
        }
    }
    // NaNs of every kind among them.
    let f32s = || any::<u32>().prop_map(f32::from_bits).boxed();
    let f32s = || prop_oneof![3 => f32s(), 1 => any::<u32>().prop_map(|bits| f32::from_bits(bits | 0x7f80_0000))];
    let f64s = || {
        prop_oneof![
            3 => any::<u64>().prop_map(f64::from_bits),
            1 => any::<u64>().prop_map(|bits| f64::from_bits(bits | 0x7ff0_0000_0000_0000)),
        ]
    };
    match ty {
        Type::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Type::S8 => any::<i8>().prop_map(Value::I8).boxed(),
        Type::U8 => any::<u8>().prop_map(Value::U8).boxed(),
        Type::S16 => any::<i16>().prop_map(Value::I16).boxed(),
        Type::U16 => any::<u16>().prop_map(Value::U16).boxed(),
        Type::S32 => any::<i32>().prop_map(Value::I32).boxed(),
        Type::U32 => any::<u32>().prop_map(Value::U32).boxed(),
        Type::S64 => any::<i64>().prop_map(Value::I64).boxed(),
        Type::U64 => any::<u64>().prop_map(Value::U64).boxed(),
        Type::F32 => f32s().prop_map(Value::F32).boxed(),
        Type::F64 => f64s().prop_map(Value::F64).boxed(),
        Type::Char => any::<char>().prop_map(Value::Char).boxed(),
        Type::String => text().prop_map(Value::from).boxed(),
        Type::List(element) => match &**element {
            Type::Bool => numbers(any::<bool>()),
            Type::S8 => numbers(any::<i8>()),
            Type::U8 => numbers(any::<u8>()),
            Type::S16 => numbers(any::<i16>()),
            Type::U16 => numbers(any::<u16>()),
            Type::S32 => numbers(any::<i32>()),
            Type::U32 => numbers(any::<u32>()),
            Type::S64 => numbers(any::<i64>()),
            Type::U64 => numbers(any::<u64>()),
            Type::F32 => numbers(f32s()),
            Type::F64 => numbers(f64s()),
            Type::Char => numbers(any::<char>()),
            element => {
                prop::collection::vec(value(element), 0..4).prop_map(|v| Value::List(v.into_iter().collect())).boxed()
            }
        },
        Type::Tuple(types) => types.iter().map(value).collect::<Vec<_>>().prop_map(Value::tuple).boxed(),
        Type::Record(fields) => {
            let names: Vec<Name> = fields.iter().map(|(name, _)| name.clone()).collect();
            let values = fields.iter().map(|(_, ty)| value(ty)).collect::<Vec<_>>();
            values.prop_map(move |values| Value::Record(names.iter().cloned().zip(values).collect())).boxed()
        }
        Type::Variant(cases) => {
            let cases = cases.clone();
            // Those at the end and at the start have payloads.
            let at = prop_oneof![0..cases.len(), Just(0), Just(cases.len() - 1)];
            at.prop_flat_map(move |at| {
                let (name, ty) = &cases[at];
                let name = name.clone();
                payload(ty).prop_map(move |payload| Value::Variant(name.clone(), payload))
            })
            .boxed()
        }
        Type::Enum(names) => prop::sample::select(names.to_vec()).prop_map(Value::Enum).boxed(),
        Type::Flags(names) => {
            let names = names.clone();
            prop::collection::vec(any::<bool>(), names.len())
                .prop_map(move |set| {
                    Value::Flags(names.iter().zip(set).filter(|(_, set)| *set).map(|(name, _)| name.clone()).collect())
                })
                .boxed()
        }
        Type::Option(some) => prop_oneof![
            1 => Just(Value::Option(None)),
            3 => value(some).prop_map(|value| Value::Option(Some(Arc::new(value)))),
        ]
        .boxed(),
        Type::Result(types) => prop_oneof![
            payload(&types.0).prop_map(|value| Value::Result(Ok(value))),
            payload(&types.1).prop_map(|value| Value::Result(Err(value))),
        ]
        .boxed(),
        other => panic!("{other} does not cross"),
    }
}

/// Types as WAT writes them. Those that have to have a name get one, and are exported.
#[derive(Default)]
pub(crate) struct Written {
    /// The declarations, to stand before what uses them.
    pub(crate) declared: String,
    count: usize,
}

impl Written {
    /// The type where it is used.
    pub(crate) fn ty(&mut self, ty: &Type) -> String {
        match ty {
            Type::List(element) => format!("(list {})", self.ty(element)),
            Type::Option(some) => format!("(option {})", self.ty(some)),
            Type::Tuple(types) => {
                format!("(tuple {})", types.iter().map(|ty| self.ty(ty)).collect::<Vec<_>>().join(" "))
            }
            Type::Result(types) => {
                let ok = types.0.as_ref().map(|ty| self.ty(ty)).unwrap_or_default();
                let err = types.1.as_ref().map(|ty| format!("(error {})", self.ty(ty))).unwrap_or_default();
                format!("(result {ok} {err})")
            }
            Type::Record(fields) => {
                let fields: String =
                    fields.iter().map(|(name, ty)| format!(r#"(field "{name}" {})"#, self.ty(ty))).collect();
                self.named(format!("(record {fields})"))
            }
            Type::Variant(cases) => {
                let cases: String = cases
                    .iter()
                    .map(|(name, ty)| {
                        let ty = ty.as_ref().map(|ty| self.ty(ty)).unwrap_or_default();
                        format!(r#"(case "{name}" {ty})"#)
                    })
                    .collect();
                self.named(format!("(variant {cases})"))
            }
            Type::Enum(names) => self.named(format!("(enum {})", quoted(names))),
            Type::Flags(names) => self.named(format!("(flags {})", quoted(names))),
            scalar => scalar.to_string(),
        }
    }

    /// The declarations inside of an instance's type, and what gives them their names outside of the instance.
    pub(crate) fn in_instance(&self, instance: &str) -> (String, String) {
        let (mut inside, mut aliases) = (self.declared.clone(), String::new());
        for at in 1..=self.count {
            inside = inside.replace(
                &format!(r#"(export $t{at} "t{at}" (type $own{at}))"#),
                &format!(r#"(export "t{at}" (type $t{at} (eq $own{at})))"#),
            );
            // Writing into a string does not fail.
            let _ = write!(aliases, r#"(alias export {instance} "t{at}" (type $t{at}))"#);
        }
        (inside, aliases)
    }

    fn named(&mut self, text: String) -> String {
        self.count += 1;
        let at = self.count;
        // Writing into a string does not fail.
        let _ = write!(self.declared, r#"(type $own{at} {text}) (export $t{at} "t{at}" (type $own{at}))"#);
        format!("$t{at}")
    }
}

fn quoted(names: &[Name]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(" ")
}

/// How many core values a value takes, after the component model's specification.
pub(crate) fn flat(ty: &Type) -> Vec<Core> {
    fn join(payloads: Vec<Vec<Core>>) -> Vec<Core> {
        let mut joined: Vec<Core> = vec![Core::I32];
        for payload in payloads {
            for (at, core) in payload.into_iter().enumerate() {
                match joined.get(at + 1) {
                    None => joined.push(core),
                    Some(&known) => joined[at + 1] = if known == core { core } else { both(known, core) },
                }
            }
        }
        joined
    }
    fn both(a: Core, b: Core) -> Core {
        match (a, b) {
            (Core::I32, Core::F32) | (Core::F32, Core::I32) => Core::I32,
            _ => Core::I64,
        }
    }
    match ty {
        Type::S64 | Type::U64 => vec![Core::I64],
        Type::F32 => vec![Core::F32],
        Type::F64 => vec![Core::F64],
        Type::String | Type::List(_) => vec![Core::I32; 2],
        Type::Tuple(types) => types.iter().flat_map(flat).collect(),
        Type::Record(fields) => fields.iter().flat_map(|(_, ty)| flat(ty)).collect(),
        Type::Variant(cases) => join(cases.iter().flat_map(|(_, ty)| ty).map(flat).collect()),
        Type::Option(some) => join(vec![flat(some)]),
        Type::Result(types) => join([&types.0, &types.1].into_iter().flatten().map(flat).collect()),
        _ => vec![Core::I32],
    }
}

/// A type of core WebAssembly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Core {
    I32,
    I64,
    F32,
    F64,
}

impl Core {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Core::I32 => "i32",
            Core::I64 => "i64",
            Core::F32 => "f32",
            Core::F64 => "f64",
        }
    }
}

/// Whether there is anything in the type that lies elsewhere in memory.
pub(crate) fn has_pointers(ty: &Type) -> bool {
    match ty {
        Type::String | Type::List(_) => true,
        Type::Tuple(types) => types.iter().any(has_pointers),
        Type::Record(fields) => fields.iter().any(|(_, ty)| has_pointers(ty)),
        Type::Variant(cases) => cases.iter().flat_map(|(_, ty)| ty).any(has_pointers),
        Type::Option(some) => has_pointers(some),
        Type::Result(types) => [&types.0, &types.1].into_iter().flatten().any(has_pointers),
        _ => false,
    }
}
