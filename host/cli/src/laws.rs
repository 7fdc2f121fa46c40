//! Laws of values and their texts.

use crate::example;
use crate::generate::{typed_values, types};
use proptest::prelude::*;
use purefork::Value;
use purefork::value::{List, Name, Type};
use std::sync::Arc;

/// A name that no type has.
const UNKNOWN: &str = "unheard-of";

/// A number whose text is replaced by another text.
const MARK: (f64, &str) = (12345.678, "12345.678");

/// A value that is not of the type, and the text that replaces [`MARK`] in its text.
type Wrong = (Value, &'static str);

/// Values of the type with one thing wrong, for each part of the type.
fn wrong(ty: &Type, value: &Value) -> Vec<Wrong> {
    let mut all = Vec::new();
    let mark = || Value::F64(MARK.0);
    match (ty, value) {
        (Type::F32, _) => all.extend(["1e39", "-3.5e38", "1e400"].map(|text| (mark(), text))),
        (Type::F64, _) => all.extend(["1e309", "-1e400"].map(|text| (mark(), text))),
        (
            Type::I32
            | Type::I64
            | Type::S8
            | Type::U8
            | Type::S16
            | Type::U16
            | Type::S32
            | Type::U32
            | Type::S64
            | Type::U64,
            _,
        ) => {
            let texts = [
                "18446744073709551616",
                "-9223372036854775809",
                "1.0",
                "1e0",
                "340282366920938463463374607431768211456",
            ];
            all.extend(texts.map(|text| (mark(), text)));
        }
        (Type::Enum(_), _) => all.push((Value::Enum(UNKNOWN.into()), "")),
        (Type::Flags(_), Value::Flags(set)) => {
            let with = |name: &Name| (Value::Flags(set.iter().chain([name]).cloned().collect()), "");
            all.push(with(&UNKNOWN.into()));
            all.extend(set.first().map(with));
        }
        (Type::Record(fields), Value::Record(given)) => {
            let with = |name: &str, value: &Value| {
                let fields = given.iter().cloned().chain([(Name::from(name), value.clone())]);
                (Value::Record(fields.collect()), "")
            };
            all.push(with(UNKNOWN, &Value::from(1)));
            for (at, ((name, ty), (_, value))) in fields.iter().zip(given.iter()).enumerate() {
                let is_written = *value != Value::Option(None);
                all.extend(is_written.then(|| with(name, value)));
                if !matches!(ty, Type::Option(_)) {
                    let rest =
                        given.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, field)| field.clone());
                    all.push((Value::Record(rest.collect()), ""));
                }
                all.extend(wrong(ty, value).into_iter().map(|(value, text)| {
                    let mut given = given.to_vec();
                    given[at].1 = value;
                    (Value::Record(given.into()), text)
                }));
            }
        }
        (Type::Tuple(types), Value::Tuple(given)) => {
            all.push((Value::tuple(given.iter().cloned().chain([Value::from(1)])), ""));
            for (at, (ty, value)) in types.iter().zip(given.iter()).enumerate() {
                all.extend(wrong(ty, value).into_iter().map(|(value, text)| {
                    let mut given = given.to_vec();
                    given[at] = value;
                    (Value::tuple(given), text)
                }));
            }
        }
        (Type::List(element), Value::List(given)) => {
            for (at, value) in given.iter().enumerate() {
                all.extend(wrong(element, &value).into_iter().map(|(value, text)| {
                    let mut given: Vec<Value> = given.iter().collect();
                    given[at] = value;
                    (Value::List(List::from(given)), text)
                }));
            }
        }
        (Type::Variant(cases), Value::Variant(case, payload)) => {
            all.push((Value::Variant(UNKNOWN.into(), payload.clone()), ""));
            let ty = cases.iter().find(|(name, _)| name == case).and_then(|(_, ty)| ty.as_ref());
            all.extend(wrong_payload(ty, payload, |payload| Value::Variant(case.clone(), payload)));
        }
        (Type::Option(some), Value::Option(Some(value))) => {
            all.extend(wrong(some, value).into_iter().map(|(value, text)| (Value::from(Some(value)), text)));
        }
        (Type::Result(types), Value::Result(Ok(payload))) => {
            all.extend(wrong_payload(types.0.as_ref(), payload, |payload| Value::Result(Ok(payload))));
        }
        (Type::Result(types), Value::Result(Err(payload))) => {
            all.extend(wrong_payload(types.1.as_ref(), payload, |payload| Value::Result(Err(payload))));
        }
        _ => {}
    }
    all
}

fn wrong_payload(
    ty: Option<&Type>,
    payload: &Option<Arc<Value>>,
    whole: impl Fn(Option<Arc<Value>>) -> Value,
) -> Vec<Wrong> {
    match (ty, payload) {
        (Some(ty), Some(value)) => {
            wrong(ty, value).into_iter().map(|(value, text)| (whole(Some(Arc::new(value))), text)).collect()
        }
        // A payload where there is none.
        _ => vec![(whole(Some(Arc::new(Value::from(1)))), "")],
    }
}

/// The error's text without the place, which depends on the syntax.
fn why(error: &purefork::Error) -> &str {
    let message = error.message();
    match message.strip_prefix("at ") {
        Some(placed) => placed.split_once(": ").map_or(message, |(_, why)| why),
        None => message,
    }
}

/// Where the text begins to be wrong, as a character.
fn first_place(error: &purefork::Error, text: &str) -> Option<char> {
    let place = error.message().split_once("column ")?.1;
    let column: usize = place.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    text.chars().nth(column - 1)
}

proptest! {
    #[test]
    fn a_value_is_the_same_after_json((ty, values) in typed_values()) {
        for value in values {
            let text = value.to_json();
            let read = Value::from_json(&ty, &text);
            prop_assert!(read.as_ref().is_ok_and(|read| *read == value), "{} {} {:?}", ty, text, read);
        }
    }

    #[test]
    fn a_value_is_the_same_after_wave((ty, values) in typed_values()) {
        for value in values {
            let text = value.to_string();
            let read = Value::from_wave(&ty, &text);
            prop_assert!(read.as_ref().is_ok_and(|read| *read == value), "{} {} {:?}", ty, text, read);
        }
    }

    #[test]
    fn an_example_is_a_value((ty, _) in typed_values()) {
        let example = example::value(&ty);
        prop_assert!(Value::from_json(&ty, &example.to_json()).is_ok_and(|read| read == example));
        prop_assert!(Value::from_wave(&ty, &example.to_string()).is_ok_and(|read| read == example));
    }

    /// What is wrong is refused in both, with the same words.
    #[test]
    fn wave_and_json_refuse_the_same_with_the_same_words((ty, values) in typed_values()) {
        for (value, instead) in values.iter().flat_map(|value| wrong(&ty, value)) {
            let instead = |text: String| if instead.is_empty() { text } else { text.replace(MARK.1, instead) };
            let (wave, json) = (instead(value.to_string()), instead(value.to_json()));
            match (Value::from_wave(&ty, &wave), Value::from_json(&ty, &json)) {
                (Err(a), Err(b)) => {
                    prop_assert_eq!(why(&a), why(&b), "{} {} {}", ty, wave, json);
                    // The messages name the part that is wrong, unless that is the whole value.
                    let is_part = |text: &str| matches!(first_place(&a, text), Some(c) if !c.is_whitespace());
                    prop_assert!(!a.message().starts_with("at ") || is_part(&wave), "{} {}", wave, a.message());
                }
                other => prop_assert!(false, "{ty} {wave} {json} {other:?}"),
            }
        }
    }

    /// A text that is both WAVE and JSON is the same value in both; `null` is a word of JSON alone.
    #[test]
    fn a_text_has_one_meaning((ty, values) in typed_values()) {
        for text in values.iter().flat_map(|value| [value.to_string(), value.to_json()]) {
            if let (Ok(a), Ok(b)) = (Value::from_wave(&ty, &text), Value::from_json(&ty, &text)) {
                prop_assert!(a == b || text.contains("null"), "{ty} {text}: {a}, {b}");
            }
        }
    }

    #[test]
    fn any_text_is_read_or_refused(ty in types(), text in "[\\[\\](){}:,%\"'\\\\ua-c0-9.eE+-]{0,24}|\\PC{0,9}") {
        for read in [Value::from_wave(&ty, &text), Value::from_json(&ty, &text)] {
            prop_assert!(read.as_ref().map_or_else(|error| !error.message().is_empty(), |_| true));
        }
    }
}
