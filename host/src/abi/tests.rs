//! Values go into a memory, and come out as they went in; and sizes are those of the specification.

use super::layout::{Layout, Shape};
use super::{
    Answer, Budget, Flat, Look, MAX_FLAT_PARAMS, PART, Places, Space, Spaces, Unfit, Writer, Wrong, answer, flat_count,
    lift, load_all, lower, spaces, store_all, tuple_space,
};
use crate::ir::Encoding;
use crate::value::{Json, List, Name, Type, Value};
use proptest::prelude::*;
use std::sync::Arc;

const ENCODINGS: [Encoding; 3] = [Encoding::Utf8, Encoding::Utf16, Encoding::CompactUtf16];

fn load(memory: &[u8], encoding: Encoding, ty: &Type, at: u32, budget: &mut Budget<'_>) -> Result<Value, Wrong> {
    super::load(memory, encoding, &Shape::of(ty), at, budget)
}

/// What is to be answered and written for a value.
fn answered(value: Value) -> (Answer, String) {
    let json = |value: &Value| {
        let mut text = Vec::new();
        assert!(value.write_json(&mut text, usize::MAX));
        (Answer::Written, String::from_utf8(text).expect("it is text"))
    };
    match value {
        Value::Result(Ok(None)) => (Answer::Written, "null".to_owned()),
        Value::Result(Ok(Some(value))) => json(&value),
        Value::Result(Err(value)) => (Answer::Err(value), String::new()),
        value => json(&value),
    }
}

fn names(count: usize) -> Arc<[Name]> {
    (0..count).map(|at| Name::from(format!("n{at}"))).collect()
}

fn cases(types: impl IntoIterator<Item = Option<Type>>) -> Type {
    Type::Variant(types.into_iter().enumerate().map(|(at, ty)| (Name::from(format!("n{at}")), ty)).collect())
}

fn record(types: impl IntoIterator<Item = Type>) -> Type {
    Type::Record(types.into_iter().enumerate().map(|(at, ty)| (Name::from(format!("n{at}")), ty)).collect())
}

/// Sizes, alignments and numbers of core values, worked out by hand from `CanonicalABI.md`.
#[test]
fn types_lie_in_memory_as_the_specification_says() {
    use Type::{Bool, Char, F32, F64, S8, S16, S32, S64, String, U8, U16, U32, U64};
    let list = || Type::list(U64);
    let table = [
        (Bool, 1, 1, 1),
        (S8, 1, 1, 1),
        (U8, 1, 1, 1),
        (S16, 2, 2, 1),
        (U16, 2, 2, 1),
        (S32, 4, 4, 1),
        (U32, 4, 4, 1),
        (F32, 4, 4, 1),
        (Char, 4, 4, 1),
        (S64, 8, 8, 1),
        (U64, 8, 8, 1),
        (F64, 8, 8, 1),
        (String, 8, 4, 2),
        (list(), 8, 4, 2),
        (Type::list(U8), 8, 4, 2),
        (record([U8]), 1, 1, 1),
        (record([U8, U16]), 4, 2, 2),
        (record([U8, U16, U8]), 6, 2, 3),
        (record([U8, U32]), 8, 4, 2),
        (record([U8, U8, U32]), 8, 4, 3),
        (record([U64, U8]), 16, 8, 2),
        (record([U8, record([U8, U64]), U8]), 32, 8, 4),
        (record([String, U8, String]), 20, 4, 5),
        (Type::tuple([U8, U64, U8]), 24, 8, 3),
        (Type::tuple([F32, F64]), 16, 8, 2),
        (Type::option(U8), 2, 1, 2),
        (Type::option(U16), 4, 2, 2),
        (Type::option(U32), 8, 4, 2),
        (Type::option(F64), 16, 8, 2),
        (Type::option(String), 12, 4, 3),
        (Type::option(Type::option(U8)), 3, 1, 3),
        (Type::option(Type::option(U64)), 24, 8, 3),
        (Type::result(None, None), 1, 1, 1),
        (Type::result(Some(U8), None), 2, 1, 2),
        (Type::result(None, Some(U16)), 4, 2, 2),
        (Type::result(Some(U8), Some(U32)), 8, 4, 2),
        (Type::result(Some(record([U8, U64])), Some(String)), 24, 8, 3),
        (cases([None]), 1, 1, 1),
        (cases([Some(U64), Some(U8), None]), 16, 8, 2),
        (cases([Some(String), Some(Type::tuple([U8, U8, U8]))]), 12, 4, 4),
        (cases(vec![None; 256]), 1, 1, 1),
        (cases(vec![None; 257]), 2, 2, 1),
        (cases(vec![Some(U8); 256]), 2, 1, 2),
        (cases(vec![Some(U8); 257]), 4, 2, 2),
        (cases(vec![None; 65_536]), 2, 2, 1),
        (cases(vec![None; 65_537]), 4, 4, 1),
        (Type::Enum(names(1)), 1, 1, 1),
        (Type::Enum(names(256)), 1, 1, 1),
        (Type::Enum(names(257)), 2, 2, 1),
        (Type::Flags(names(1)), 1, 1, 1),
        (Type::Flags(names(8)), 1, 1, 1),
        (Type::Flags(names(9)), 2, 2, 1),
        (Type::Flags(names(16)), 2, 2, 1),
        (Type::Flags(names(17)), 4, 4, 1),
        (Type::Flags(names(32)), 4, 4, 1),
        (Type::Flags(names(33)), 8, 4, 2),
        (Type::Flags(names(64)), 8, 4, 2),
        (Type::Flags(names(65)), 12, 4, 3),
        (Type::option(Type::Flags(names(9))), 4, 2, 2),
    ];
    for (ty, size, align, count) in table {
        let shape = Shape::of(&ty);
        assert_eq!((shape.layout, shape.flat), (Layout { size, align }, count), "{ty}");
        assert_eq!(flat_count(&ty), count, "{ty}");
    }
}

fn scalar() -> impl Strategy<Value = Type> {
    use Type::*;
    prop::sample::select(vec![Bool, S8, U8, S16, U16, S32, U32, S64, U64, F32, F64, Char, I32, I64])
}

fn any_type() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![
        6 => scalar(),
        2 => Just(Type::String),
        1 => prop_oneof![1..6usize, Just(257)].prop_map(|n| Type::Enum(names(n))),
        1 => (1..71usize).prop_map(|n| Type::Flags(names(n))),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        let maybe = prop::option::weighted(0.7, inner.clone());
        prop_oneof![
            inner.clone().prop_map(Type::list),
            inner.clone().prop_map(Type::option),
            (maybe.clone(), maybe.clone()).prop_map(|(ok, err)| Type::result(ok, err)),
            prop::collection::vec(inner.clone(), 1..5).prop_map(Type::tuple),
            prop::collection::vec(inner, 1..5).prop_map(record),
            (prop::collection::vec(maybe, 1..5), prop_oneof![3 => Just(0usize), 1 => Just(300)]).prop_map(
                |(mut types, n)| {
                    types.resize(types.len().max(n), None);
                    cases(types)
                }
            ),
        ]
    })
}

fn payload(ty: &Option<Type>) -> BoxedStrategy<Option<Arc<Value>>> {
    match ty {
        Some(ty) => value(ty).prop_map(|value| Some(Arc::new(value))).boxed(),
        None => Just(None).boxed(),
    }
}

fn value(ty: &Type) -> BoxedStrategy<Value> {
    match ty {
        Type::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Type::S8 => any::<i8>().prop_map(Value::I8).boxed(),
        Type::U8 => any::<u8>().prop_map(Value::U8).boxed(),
        Type::S16 => any::<i16>().prop_map(Value::I16).boxed(),
        Type::U16 => any::<u16>().prop_map(Value::U16).boxed(),
        Type::S32 | Type::I32 => any::<i32>().prop_map(Value::I32).boxed(),
        Type::U32 => any::<u32>().prop_map(Value::U32).boxed(),
        Type::S64 | Type::I64 => any::<i64>().prop_map(Value::I64).boxed(),
        Type::U64 => any::<u64>().prop_map(Value::U64).boxed(),
        Type::F32 => any::<u32>().prop_map(|bits| Value::F32(f32::from_bits(bits))).boxed(),
        Type::F64 => any::<u64>().prop_map(|bits| Value::F64(f64::from_bits(bits))).boxed(),
        Type::Char => any::<char>().prop_map(Value::Char).boxed(),
        Type::String => prop_oneof![
            prop::collection::vec(any::<char>(), 0..9).prop_map(String::from_iter),
            prop::collection::vec(0u8.., 0..9).prop_map(|bytes| bytes.into_iter().map(char::from).collect()),
        ]
        .prop_map(Value::from)
        .boxed(),
        Type::List(element) => {
            let packs = **element == Type::U16;
            prop::collection::vec(value(element), 0..5)
                .prop_map(move |values| {
                    let list: List = values.into_iter().collect();
                    Value::List(if packs {
                        List::from(list.iter().map(|v| v.as_integer().unwrap() as u16).collect::<Vec<_>>())
                    } else {
                        list
                    })
                })
                .boxed()
        }
        Type::Tuple(types) => types.iter().map(value).collect::<Vec<_>>().prop_map(Value::tuple).boxed(),
        Type::Record(fields) => {
            let fields = fields.clone();
            let values = fields.iter().map(|(_, ty)| value(ty)).collect::<Vec<_>>();
            values
                .prop_map(move |values| {
                    Value::Record(fields.iter().map(|(name, _)| name.clone()).zip(values).collect())
                })
                .boxed()
        }
        Type::Variant(cases) => {
            let cases = cases.clone();
            prop_oneof![0..cases.len(), Just(0), Just(cases.len() - 1)]
                .prop_flat_map(move |at| {
                    let name = cases[at].0.clone();
                    payload(&cases[at].1).prop_map(move |payload| Value::Variant(name.clone(), payload))
                })
                .boxed()
        }
        Type::Enum(names) => prop::sample::select(names.to_vec()).prop_map(Value::Enum).boxed(),
        Type::Flags(names) => {
            prop::sample::subsequence(names.to_vec(), 0..=names.len()).prop_map(|set| Value::Flags(set.into())).boxed()
        }
        Type::Option(some) => {
            payload(&Some((**some).clone())).prop_union(Just(None).boxed()).prop_map(Value::Option).boxed()
        }
        Type::Result(types) => {
            let ok = payload(&types.0).prop_map(|value| Value::Result(Ok(value))).boxed();
            ok.prop_union(payload(&types.1).prop_map(|value| Value::Result(Err(value))).boxed()).boxed()
        }
        Type::V128 => Just(Value::V128([0; 16])).boxed(),
    }
}

fn types_and_values() -> impl Strategy<Value = Vec<(Type, Value)>> {
    let one = any_type().prop_flat_map(|ty| {
        let value = value(&ty);
        (Just(ty), value)
    });
    prop::collection::vec(one, 1..5)
}

/// A memory, full of what was there before, and places in it for spaces: after each other, as far as their alignments allow.
fn memory(spaces: &[Space], fill: u8) -> (Vec<u8>, Places) {
    let mut end = 8;
    let places = spaces
        .iter()
        .map(|space| {
            let at = usize::next_multiple_of(end, space.align);
            end = at + space.size;
            at as u32
        })
        .collect();
    (vec![fill; end], places)
}

fn budget() -> Budget<'static> {
    Budget::new(1 << 24, Look::never())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_stored_is_loaded(pairs in types_and_values(), encoding in prop::sample::select(ENCODINGS.to_vec()), fill in any::<u8>()) {
        let (types, values): (Vec<Type>, Vec<Value>) = pairs.into_iter().unzip();
        let mut wanted = Spaces::from_iter([tuple_space(types.iter())]);
        for (ty, value) in types.iter().zip(&values) {
            spaces(ty, value, encoding, &mut wanted, &mut Look::never()).unwrap();
        }
        let (mut memory, places) = memory(&wanted, fill);
        let mut writer = Writer { memory: &mut memory, encoding, places: places.clone().into_iter(), look: Look::never() };
        let at = writer.places.next().unwrap();
        store_all(&mut writer, &types, &values, at as usize).unwrap();
        prop_assert_eq!(writer.places.len(), 0, "every space was taken");
        prop_assert_eq!(&load_all(&memory, encoding, &types, at, &mut budget()).unwrap(), &values);
        if let ([ty], [value]) = (types.as_slice(), values.as_slice()) {
            prop_assert_eq!(&load(&memory, encoding, ty, at, &mut budget()).unwrap(), value);
        }
    }

    #[test]
    fn what_was_lowered_is_lifted(pairs in types_and_values(), encoding in prop::sample::select(ENCODINGS.to_vec()), fill in any::<u8>()) {
        let mut wanted = Spaces::new();
        for (ty, value) in &pairs {
            spaces(ty, value, encoding, &mut wanted, &mut Look::never()).unwrap();
        }
        let (mut memory, places) = memory(&wanted, fill);
        let mut writer = Writer { memory: &mut memory, encoding, places: places.into_iter(), look: Look::never() };
        let mut flat = Flat::new();
        let mut count = 0;
        for (ty, value) in &pairs {
            lower(&mut writer, ty, value, &mut flat).unwrap();
            count += flat_count(ty);
            prop_assert_eq!(flat.len(), count, "{}", ty);
        }
        prop_assert_eq!(writer.places.len(), 0, "every space was taken");
        let mut rest = flat.as_slice();
        for (ty, value) in &pairs {
            let shape = Shape::of(ty);
            let mut same = rest;
            prop_assert_eq!(&lift(&memory, encoding, &shape, &mut rest, &mut budget()).unwrap(), value, "{}", ty);
            // One that is kept is the same.
            if let Some(kept) = Shape::of(ty).kept(1000) {
                prop_assert_eq!(&lift(&memory, encoding, &kept, &mut same, &mut budget()).unwrap(), value, "{}", ty);
            }
        }
        prop_assert!(rest.is_empty());
    }

    #[test]
    fn numbers_of_another_owner_are_stored_as_ones_own(
        count in 0..3 * PART,
        floats in prop::collection::vec(any::<u64>().prop_map(f64::from_bits), 0..9),
        flags in prop::collection::vec(any::<bool>(), 0..9),
        chars in prop::collection::vec(any::<char>(), 0..9),
    ) {
        let types = [Type::list(Type::U8), Type::list(Type::F64), Type::list(Type::Bool), Type::list(Type::Char)];
        let bytes: Vec<u8> = (0..count).map(|at| at as u8).collect();
        let stored = |values: &[Value]| {
            let mut wanted = Spaces::from_iter([tuple_space(types.iter())]);
            for (ty, value) in types.iter().zip(values) {
                spaces(ty, value, Encoding::Utf8, &mut wanted, &mut Look::never()).unwrap();
            }
            let (mut memory, places) = memory(&wanted, 0);
            let mut writer = Writer { memory: &mut memory, encoding: Encoding::Utf8, places: places.into_iter(), look: Look::never() };
            let at = writer.places.next().unwrap();
            store_all(&mut writer, &types, values, at as usize).unwrap();
            memory
        };
        let own = [bytes.clone().into(), floats.clone().into(), flags.clone().into(), chars.clone().into()].map(Value::List);
        let owned = [List::from_owner(bytes), List::from_owner(floats), List::from_owner(flags), List::from_owner(chars)];
        prop_assert!(stored(&own) == stored(&owned.map(Value::List)));
    }

    /// Nothing is read beyond the memory, and nothing panics, whatever is in it.
    #[test]
    fn any_bytes_are_a_value_or_refused(ty in any_type(), bytes in prop::collection::vec(prop_oneof![0..4u8, any::<u8>()], 0..200), at in 0..220u32, flat in prop::collection::vec(any::<u64>(), 40)) {
        for encoding in ENCODINGS {
            let _ = load(&bytes, encoding, &ty, at, &mut budget());
            if flat_count(&ty) <= MAX_FLAT_PARAMS {
                let _ = lift(&bytes, encoding, &Shape::of(&ty), &mut flat.as_slice(), &mut budget());
            }
        }
    }

    /// What a value takes of the host is not more than what its budget was.
    /// What is written as JSON is what a value would be written as, and what is wrong with it, or too much, is the same.
    #[test]
    fn json_is_that_of_the_value(
        ty in any_type(),
        bytes in prop::collection::vec(prop_oneof![4 => 0..4u8, 2 => 32..96u8, 1 => any::<u8>()], 0..200),
        at in 0..30u32,
        encoding in prop::sample::select(ENCODINGS.to_vec()),
        most in prop_oneof![3 => Just(1usize << 20), 1 => 0..2000usize],
    ) {
        let at = at * 8;
        let value = load(&bytes, encoding, &ty, at, &mut Budget::new(most, Look::never()));
        let expected = value.map(answered);
        let mut text = Vec::new();
        let mut to = Json::new(&mut text, usize::MAX);
        let found = answer(&bytes, encoding, &Shape::of(&ty), at, &mut Budget::new(most, Look::never()), &mut to);
        let found = found.map(|answer| (answer, String::from_utf8(text).expect("it is text")));
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn json_of_what_was_stored_is_that_of_the_value(
        pair in any_type().prop_flat_map(|ty| { let value = value(&ty); (Just(ty), value) }),
        encoding in prop::sample::select(ENCODINGS.to_vec()),
    ) {
        let (ty, value) = pair;
        let mut places = Spaces::from_iter([tuple_space([&ty].into_iter())]);
        spaces(&ty, &value, encoding, &mut places, &mut Look::never()).expect("it is of the type");
        let (mut memory, at) = memory(&places, 0);
        let mut writer = Writer { memory: &mut memory, encoding, places: Places::from_slice(&at[1..]).into_iter(), look: Look::never() };
        store_all(&mut writer, std::slice::from_ref(&ty), std::slice::from_ref(&value), at[0] as usize).expect("there is room");
        let mut text = Vec::new();
        let mut to = Json::new(&mut text, usize::MAX);
        let found = answer(&memory, encoding, &Shape::of(&ty), at[0], &mut budget(), &mut to).expect("it is right");
        let expected = answered(load(&memory, encoding, &ty, at[0], &mut budget()).expect("it is right"));
        prop_assert_eq!((found, String::from_utf8(text).expect("it is text")), expected);
    }

    #[test]
    fn a_value_is_within_its_budget(ty in any_type(), bytes in prop::collection::vec(prop_oneof![4 => 0..4u8, 1 => Just(60)], 200), most in 0..2000usize) {
        if let Ok(value) = load(&bytes, Encoding::Utf8, &ty, 0, &mut Budget::new(most, Look::never())) {
            prop_assert!(value.bytes() <= most, "{} bytes of {}", value.bytes(), most);
        }
    }

    /// What a value takes of its budget is what it holds.
    #[test]
    fn a_value_takes_of_its_budget_what_it_holds(pairs in types_and_values()) {
        let (ty, value) = &pairs[0];
        let mut wanted = Spaces::from_iter([tuple_space(std::iter::once(ty))]);
        spaces(ty, value, Encoding::Utf8, &mut wanted, &mut Look::never()).unwrap();
        let (mut memory, places) = memory(&wanted, 0);
        let mut writer = Writer { memory: &mut memory, encoding: Encoding::Utf8, places: places.into_iter(), look: Look::never() };
        let at = writer.places.next().unwrap();
        store_all(&mut writer, std::slice::from_ref(ty), std::slice::from_ref(value), at as usize).unwrap();
        let read = |bytes: usize| load(&memory, Encoding::Utf8, ty, at, &mut Budget::new(bytes, Look::never()));
        let held = read(1 << 24).unwrap().bytes();
        prop_assert!(read(held).is_ok());
        if held > 0 {
            prop_assert_eq!(read(held - 1), Err(Wrong::TooMuch));
        }
    }
}

#[test]
fn a_list_that_points_to_itself_ends_with_its_budget() {
    // Each list of the outer one is the outer one again: 512 lists of 512 lists of 512 lists …
    let one = [0u32.to_le_bytes(), 512u32.to_le_bytes()].concat();
    let memory = one.repeat(512);
    let mut ty = Type::U8;
    for _ in 0..12 {
        ty = Type::list(ty);
    }
    let found = load(&memory, Encoding::Utf8, &ty, 0, &mut Budget::new(1 << 20, Look::never()));
    assert_eq!(found, Err(Wrong::TooMuch));
}

#[test]
fn what_is_wrong_is_said() {
    let broken =
        |ty: &Type, memory: &[u8], at: u32, encoding: Encoding| match load(memory, encoding, ty, at, &mut budget()) {
            Err(Wrong::Broken(text)) => text,
            other => panic!("{other:?}"),
        };
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let utf8 = Encoding::Utf8;
    assert_eq!(broken(&Type::U32, &[0; 8], 2, utf8), "a value at address 2, which is not a multiple of 4");
    assert_eq!(broken(&Type::U32, &[0; 8], 8, utf8), "a value of 4 bytes at address 8, beyond the end of its memory");
    assert_eq!(
        broken(&Type::U64, &[0; 8], u32::MAX - 7, utf8),
        "a value of 8 bytes at address 4294967288, beyond the end of its memory"
    );
    assert_eq!(broken(&Type::Char, &words(&[0xd800]), 0, utf8), "0xd800, which is no character");
    assert_eq!(broken(&Type::Char, &words(&[0x11_0000]), 0, utf8), "0x110000, which is no character");
    assert_eq!(broken(&Type::Enum(names(3)), &[3], 0, utf8), "case number 3 of a type that has 3 cases");
    assert_eq!(broken(&Type::option(Type::U8), &[2, 0], 0, utf8), "case number 2 of a type that has 2 cases");
    assert_eq!(
        broken(&Type::list(Type::U16), &words(&[1, 1]), 0, utf8),
        "a list at address 1, which is not a multiple of 2"
    );
    assert_eq!(
        broken(&Type::list(Type::U64), &words(&[0, u32::MAX]), 0, utf8),
        "a list of 34359738360 bytes at address 0, beyond the end of its memory"
    );
    assert_eq!(
        broken(&Type::String, &words(&[0, 9]), 0, utf8),
        "a string of 9 bytes at address 0, beyond the end of its memory"
    );
    assert_eq!(broken(&Type::String, &words(&[8, 1, 0xff]), 0, utf8), "a string at address 8 that is not valid UTF-8");
    assert_eq!(
        broken(&Type::String, &words(&[8, 1, 0xd800]), 0, Encoding::Utf16),
        "a string at address 8 that is not valid UTF-16"
    );
    assert_eq!(
        broken(&Type::String, &words(&[9, 1, 0]), 0, Encoding::Utf16),
        "a string at address 9, which is not a multiple of 2"
    );
    assert_eq!(
        broken(&Type::String, &words(&[9, 1, 0]), 0, Encoding::CompactUtf16),
        "a string at address 9, which is not a multiple of 2"
    );
    assert_eq!(
        broken(&Type::String, &words(&[8, 1 << 31 | 1, 0xdc00]), 0, Encoding::CompactUtf16),
        "a string at address 8 that is not valid UTF-16"
    );
}

/// A million elements of a type of many parts take no longer for that than elements of one part do.
#[test]
fn the_parts_of_a_type_are_not_walked_for_each_element() {
    let wide = cases((0..5_000).map(|_| Some(Type::tuple([Type::U8, Type::U8]))));
    assert_eq!(Shape::of(&wide).layout, Layout { size: 4, align: 2 });
    let mut memory = vec![0; 6 << 20];
    let list = Type::list(wide);
    memory[..8].copy_from_slice(&[8u32.to_le_bytes(), 1_000_000u32.to_le_bytes()].concat());
    // Walked, it would be five thousand million steps.
    let found = load(&memory, Encoding::Utf8, &list, 0, &mut Budget::new(1 << 30, Look::never())).unwrap();
    let Value::List(list) = found else { panic!("{found:?}") };
    assert_eq!(list.len(), 1_000_000);
}

/// A list of many small values, one of many bytes, and a text whose characters lie across the parts it is read in.
#[test]
fn what_is_large_is_read_and_written_with_looks_in_between_and_whole() {
    let text: String = std::iter::once('x').chain(std::iter::repeat_n('\u{e9}', PART)).collect();
    let wide: String = std::iter::once('x').chain(std::iter::repeat_n('\u{20ac}', PART)).collect();
    let strings = Value::from(vec![Value::from(""); 40_000]);
    let of = |ty| Type::List(Arc::new(ty));
    let all = [
        (of(Type::String), strings),
        (of(Type::U8), Value::from(vec![7u8; 3 * PART])),
        (of(Type::U64), Value::from(vec![u64::MAX - 7; PART / 2])),
        (of(Type::Bool), Value::from(vec![true; 3 * PART])),
        (of(Type::Char), Value::from(vec!['\u{20ac}'; PART])),
        (Type::String, Value::from(text.as_str())),
        (Type::String, Value::from(wide.as_str())),
    ];
    for (ty, value) in &all {
        for encoding in ENCODINGS {
            let looks = std::cell::Cell::new(0);
            let looked = || {
                looks.set(looks.get() + 1);
                false
            };
            let count = |what: &str| assert!(looks.replace(0) > 1, "{what} {ty} in {encoding:?}");
            let mut wanted = Spaces::from_iter([tuple_space([ty].into_iter())]);
            spaces(ty, value, encoding, &mut wanted, &mut Look::never()).unwrap();
            let (mut memory, places) = memory(&wanted, 0);
            let write = |memory: &mut [u8], look| {
                let mut writer = Writer { memory, encoding, places: places.clone().into_iter(), look };
                let at = writer.places.next().unwrap();
                store_all(&mut writer, std::slice::from_ref(ty), std::slice::from_ref(value), at as usize)
            };
            write(&mut memory, Look::new(&looked)).unwrap();
            count("writing");
            let mut budget = Budget::new(1 << 30, Look::new(&looked));
            assert!(load(&memory, encoding, ty, places[0], &mut budget).as_ref() == Ok(value), "{ty} in {encoding:?}");
            count("reading");
            assert!(matches!(write(&mut memory, Look::new(&|| true)), Err(Unfit::Stopped)), "writing {ty}");
            let mut budget = Budget::new(1 << 30, Look::new(&|| true));
            assert!(load(&memory, encoding, ty, places[0], &mut budget) == Err(Wrong::Stopped), "reading {ty}");
        }
    }
}

proptest! {
    #[test]
    fn values_and_types_come_back_from_serde_bit_for_bit(
        given in any_type().prop_flat_map(|ty| (Just(ty.clone()), value(&ty)))
    ) {
        let binary = postcard::to_stdvec(&given).unwrap();
        prop_assert_eq!(&postcard::from_bytes::<(Type, Value)>(&binary).unwrap(), &given);
        let text = serde_json::to_string(&given).unwrap();
        prop_assert_eq!(&serde_json::from_str::<(Type, Value)>(&text).unwrap(), &given);
    }
}
