//! JSON text to values and back, beside what serde_json and the library make of it.

use super::*;
use proptest::prelude::*;
use purefork::Value;
use purefork::value::{List, Type};
use serde::de::DeserializeSeed as _;

fn read(ty: &Type, text: &str) -> Result<Value, String> {
    let trail = Trail::default();
    let mut from = serde_json::Deserializer::from_str(text);
    let read = Seed { ty, strict: true, trail: &trail }.deserialize(&mut from);
    read.and_then(|value| from.end().map(|()| value)).map_err(|error| {
        trail.step("");
        trail.error(&error).message
    })
}

fn written(value: &Value) -> String {
    let mut text = Vec::new();
    write(value, &mut text).expect("it is short");
    String::from_utf8(text).expect("JSON is text")
}

/// A type, and a value of it.
fn typed() -> impl Strategy<Value = (Type, Value)> {
    let leaf = prop_oneof![
        any::<i32>().prop_map(|v| (Type::S32, Value::I32(v))),
        any::<i64>().prop_map(|v| (Type::S64, Value::I64(v))),
        any::<u64>().prop_map(|v| (Type::U64, Value::U64(v))),
        any::<u8>().prop_map(|v| (Type::U8, Value::U8(v))),
        any::<u32>().prop_map(|bits| (Type::F32, Value::F32(canonical(f32::from_bits(bits))))),
        any::<u64>().prop_map(|bits| (Type::F64, Value::F64(canonical64(f64::from_bits(bits))))),
        any::<bool>().prop_map(|v| (Type::Bool, Value::Bool(v))),
        any::<char>().prop_map(|v| (Type::Char, Value::Char(v))),
        ".*".prop_map(|v| (Type::String, Value::from(v))),
        any::<[u8; 16]>().prop_map(|v| (Type::V128, Value::V128(v))),
        (0..3_usize).prop_map(|at| {
            let names = ["red", "green", "dark-blue"];
            (Type::enumeration(names), Value::Enum(names[at].into()))
        }),
        any::<[bool; 2]>().prop_map(|set| {
            let names = ["bold", "under-line"];
            let flags = names.iter().zip(set).filter(|(_, set)| *set).map(|(name, _)| (*name).into());
            (Type::flags(names), Value::Flags(flags.collect()))
        }),
        proptest::collection::vec(any::<u64>(), 0..5).prop_map(|bits| {
            let numbers: Vec<f64> = bits.into_iter().map(|bits| canonical64(f64::from_bits(bits))).collect();
            (Type::list(Type::F64), Value::from(numbers))
        }),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            (inner.clone(), any::<bool>())
                .prop_map(|((ty, value), some)| { (Type::option(ty), Value::from(some.then_some(value))) }),
            (inner.clone(), 0..3_usize).prop_map(|((ty, value), length)| {
                let list = List::from(vec![value; length]);
                (Type::list(ty), Value::List(list))
            }),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|members| {
                let (types, values): (Vec<Type>, Vec<Value>) = members.into_iter().unzip();
                (Type::tuple(types), Value::tuple(values))
            }),
            (inner.clone(), inner.clone()).prop_map(|((left, x), (right, y))| {
                (Type::record([("left", left), ("right-hand", right)]), Value::record([("left", x), ("right-hand", y)]))
            }),
            (inner.clone(), any::<bool>()).prop_map(|((ty, value), none)| {
                let of = Type::variant([("none", None), ("one", Some(ty))]);
                (of, if none { Value::variant("none", None) } else { Value::variant("one", Some(value)) })
            }),
            (inner, any::<bool>()).prop_map(|((ty, value), ok)| {
                let value = if ok { Value::Result(Ok(Some(value.into()))) } else { Value::Result(Err(None)) };
                (Type::result(Some(ty), None), value)
            }),
        ]
    })
}

/// The same JSON with spaces, and with escapes for all that is not ASCII.
fn spaced(text: &str) -> String {
    let (mut out, mut quoted, mut escaped) = (String::new(), false, false);
    for c in text.chars() {
        match c {
            '{' | '[' | ',' | ':' | '}' | ']' if !quoted => out.extend([' ', c, '\t']),
            c if quoted && !c.is_ascii() => {
                c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
            }
            c => out.push(c),
        }
        (quoted, escaped) = (quoted ^ (c == '"' && !escaped), quoted && c == '\\' && !escaped);
    }
    out
}

/// All NaNs are written as one.
fn canonical(v: f32) -> f32 {
    if v.is_nan() { f32::NAN } else { v }
}

fn canonical64(v: f64) -> f64 {
    if v.is_nan() { f64::NAN } else { v }
}

proptest! {
    #[test]
    fn values_are_written_as_the_library_writes_them((_, value) in typed()) {
        // What a function without a result gives: who calls knows.
        let theirs = if value == Value::unit() { "[]".to_owned() } else { value.to_json() };
        prop_assert_eq!(written(&value), theirs);
    }

    #[test]
    fn values_come_back_from_their_text((ty, value) in typed()) {
        let text = written(&value);
        // A null in a place for a value of `ok` or of a case is none.
        prop_assume!(purefork::Value::from_json(&ty, &text).as_ref() == Ok(&value));
        prop_assert_eq!(read(&ty, &text), Ok(value));
    }

    #[test]
    fn spaces_and_escapes_do_not_matter((ty, value) in typed()) {
        let text = written(&value);
        let other = spaced(&text);
        prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(&other).is_ok(), "{other}");
        prop_assert_eq!(read(&ty, &other), read(&ty, &text));
    }

    /// Whatever the text is, what the one takes the other takes, but for whole numbers that are no floats.
    #[test]
    fn any_text_is_read_as_the_library_reads_it((ty, value) in typed(), at: usize, with in "[\\]\\[{}\",:0-9a-z.e+ -]?") {
        let mut text = written(&value);
        let place = text.char_indices().map(|(place, _)| place).nth(at % (text.chars().count() + 1));
        let place = place.unwrap_or(text.len());
        let end = text[place..].chars().next().map_or(place, |c| place + c.len_utf8());
        text.replace_range(place..end, &with);
        match (read(&ty, &text), Value::from_json(&ty, &text)) {
            (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours, theirs),
            (Err(_), Err(_)) => {}
            (Err(why), Ok(_)) => prop_assert!(why.contains("the nearest is"), "{text}: {why}"),
            (Ok(ours), Err(why)) => prop_assert!(false, "{text} is {ours}, but {why}"),
        }
    }

    #[test]
    fn whole_numbers_are_exact_floats_or_none(number: i64) {
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
        let exact = i128::from(number) == number as f64 as i128;
        prop_assert_eq!(float64(&number.to_string()).is_ok(), exact);
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
        let exact = i128::from(number) == number as f32 as i128;
        prop_assert_eq!(float32(&number.to_string()).is_ok(), exact);
    }
}

#[test]
fn nesting_is_bounded() {
    let mut ty = Type::U8;
    for _ in 0..90 {
        ty = Type::list(ty);
    }
    let text = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    assert!(read(&ty, &text(90)).is_ok());
    assert!(read(&ty, &text(100_000)).is_err());
}
