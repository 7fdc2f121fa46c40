use super::form::{MAX_DEPTH, tag};
use super::*;
use crate::value::{List, Name};
use proptest::collection::vec;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i32>().prop_map(Value::I32),
        any::<i64>().prop_map(Value::I64),
        any::<u32>().prop_map(|bits| Value::F32(f32::from_bits(bits))),
        any::<u64>().prop_map(|bits| Value::F64(f64::from_bits(bits))),
        any::<[u8; 16]>().prop_map(Value::V128),
        any::<bool>().prop_map(Value::Bool),
        any::<i8>().prop_map(Value::I8),
        any::<u8>().prop_map(Value::U8),
        any::<i16>().prop_map(Value::I16),
        any::<u16>().prop_map(Value::U16),
        any::<u32>().prop_map(Value::U32),
        any::<u64>().prop_map(Value::U64),
        any::<char>().prop_map(Value::Char),
    ]
}

fn numbers() -> impl Strategy<Value = Value> {
    prop_oneof![
        vec(any::<bool>(), 0..9).prop_map(Value::from),
        vec(any::<i8>(), 0..9).prop_map(Value::from),
        vec(any::<u8>(), 0..1500).prop_map(Value::from),
        vec(any::<i16>(), 0..9).prop_map(Value::from),
        vec(any::<u16>(), 0..9).prop_map(Value::from),
        vec(any::<i32>(), 0..1500).prop_map(Value::from),
        vec(any::<u32>(), 0..9).prop_map(Value::from),
        vec(any::<i64>(), 0..9).prop_map(Value::from),
        vec(any::<u64>(), 0..9).prop_map(Value::from),
        vec(any::<u32>().prop_map(f32::from_bits), 0..9).prop_map(Value::from),
        vec(any::<u64>().prop_map(f64::from_bits), 0..9).prop_map(Value::from),
        vec(any::<char>(), 0..9).prop_map(Value::from),
    ]
}

/// A name, of few, so that they come more than once.
fn name() -> impl Strategy<Value = Name> {
    "[a-c]{0,2}".prop_map(Name::from)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        scalar(),
        numbers(),
        ".{0,9}".prop_map(Value::from),
        name().prop_map(Value::Enum),
        name().prop_map(|case| Value::Variant(case, None)),
        vec(name(), 0..4).prop_map(|names| Value::Flags(names.into())),
        Just(Value::Option(None)),
        Just(Value::Result(Ok(None))),
        Just(Value::Result(Err(None))),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let one = || inner.clone().prop_map(|value| Some(Arc::new(value)));
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(|values| Value::List(List::from(values))),
            vec(inner.clone(), 0..6).prop_map(|values| Value::Tuple(values.into())),
            vec((name(), inner.clone()), 0..6).prop_map(|fields| Value::Record(fields.into())),
            (name(), one()).prop_map(|(case, value)| Value::Variant(case, value)),
            one().prop_map(Value::Option),
            one().prop_map(|value| Value::Result(Ok(value))),
            one().prop_map(|value| Value::Result(Err(value))),
        ]
    })
}

fn encoded(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(value, &mut bytes);
    bytes
}

fn decoded(mut bytes: &[u8]) -> Result<(Value, usize), Broken> {
    let value = decode(&mut bytes)?;
    Ok((value, bytes.len()))
}

proptest! {
    #[test]
    fn a_value_comes_back_as_it_was_and_what_is_behind_it_stays(value in value(), behind in vec(any::<u8>(), 0..5)) {
        let mut bytes = encoded(&value);
        bytes.extend_from_slice(&behind);
        prop_assert_eq!(decoded(&bytes), Ok((value, behind.len())));
    }

    #[test]
    fn values_are_equal_where_their_bytes_are(a in value(), b in value()) {
        prop_assert_eq!(a == b, encoded(&a) == encoded(&b));
    }

    #[test]
    fn a_digest_is_that_of_the_bytes(value in value()) {
        let mut digest = Sha256::new();
        write(&value, &mut digest);
        prop_assert_eq!(digest.finalize(), Sha256::digest(encoded(&value)));
    }

    #[test]
    fn only_what_would_be_written_so_is_read(value in value(), changes in vec(any::<(u16, u8)>(), 0..4), cut in any::<u16>()) {
        let mut bytes = encoded(&value);
        for (at, byte) in changes {
            let at = usize::from(at) % bytes.len();
            bytes[at] = byte;
        }
        bytes.truncate(usize::from(cut) % (bytes.len() + 1));
        if let Ok((read, rest)) = decoded(&bytes) {
            prop_assert_eq!(encoded(&read), &bytes[..bytes.len() - rest]);
        }
    }

    #[test]
    fn any_bytes_are_a_value_or_an_error(bytes in vec(prop_oneof![3 => 0..48u8, 1 => any::<u8>()], 0..200)) {
        if let Ok((read, rest)) = decoded(&bytes) {
            prop_assert_eq!(encoded(&read), &bytes[..bytes.len() - rest]);
        }
    }
}

#[test]
fn values_are_written_so() {
    for (value, bytes) in [
        (Value::from(-2), &[0, 0xfe, 0xff, 0xff, 0xff][..]),
        (Value::F32(f32::from_bits(0x7fa0_0001)), &[2, 1, 0, 0xa0, 0x7f]),
        (Value::F32(-0.0), &[2, 0, 0, 0, 0x80]),
        (Value::from(true), &[4, 1]),
        (Value::from('a'), &[11, b'a', 0, 0, 0]),
        (Value::from("hi"), &[13, 2, b'h', b'i']),
        (Value::from(vec![1u16, 0x0203]), &[40, 2, 1, 0, 3, 2]),
        (Value::from(vec![Value::from(1u8), Value::from(2u8)]), &[38, 2, 1, 2]),
        (Value::from(vec![Value::from(1u8), Value::from(2i8)]), &[14, 2, 6, 1, 5, 2]),
        (Value::unit(), &[16, 0]),
        (Value::from(Some(true)), &[21, 4, 1]),
        (Value::Result(Err(None)), &[24]),
        (Value::Flags(["a".into(), "bc".into()].into()), &[26, 2, 2, b'a', 3, b'b', b'c']),
        (
            Value::from(vec![Value::record([("x", Value::from(1u8))]), Value::record([("x", Value::from(2u8))])]),
            &[14, 2, 15, 1, 2, b'x', 6, 1, 15, 1, 0, 0, 6, 2],
        ),
    ] {
        assert_eq!(encoded(&value), bytes, "{value}");
        assert_eq!(decoded(bytes), Ok((value, 0)));
    }
    assert_eq!(encoded(&Value::from(vec![0u8; 300]))[..3], [38, 0xac, 2]);
}

#[test]
fn names_that_were_shared_are_shared_again() {
    let record = |x: i32| Value::record([("x", Value::from(x))]);
    let (value, _) = decoded(&encoded(&Value::from(vec![record(1), record(2)]))).unwrap();
    let Value::List(list) = &value else { panic!("{value}") };
    let [Value::Record(a), Value::Record(b)] = list.values().unwrap() else { panic!("{value}") };
    assert!(Arc::ptr_eq(&a[0].0, &b[0].0));
}

#[test]
fn broken_bytes_are_refused_with_the_place() {
    let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    let lies = |tag: u8| [&[tag][..], &huge].concat();
    for (bytes, at, why) in [
        (vec![], 0, "the bytes end in a value's midst"),
        (vec![0, 1, 2], 1, "the bytes end in a value's midst"),
        (vec![99], 1, "there is no such kind of value"),
        (vec![4, 2], 2, "there is no such bool or char"),
        (vec![11, 0, 0xd8, 0, 0], 5, "there is no such bool or char"),
        (vec![43, 1, 0, 0xd8, 0, 0], 6, "there is no such bool or char"),
        (vec![13, 1, 0xff], 3, "text is not UTF-8"),
        (vec![13, 0x80, 0], 3, "a length is not written as lengths are"),
        (lies(13), 11, "more is announced than there is"),
        (lies(14), 11, "more is announced than there is"),
        (lies(15), 11, "more is announced than there is"),
        (lies(33), 11, "more is announced than there is"),
        (
            vec![13, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02],
            11,
            "a length is not written as lengths are",
        ),
        (vec![14, 1, 6, 7], 4, "a list of scalars is written as one of values"),
        (vec![19, 0, 0], 3, "a name is meant that was not there before"),
        (vec![26, 2, 2, b'a', 2, b'a'], 6, "a name is written a second time"),
        (vec![21; 200], 129, "values are nested too deeply"),
    ] {
        assert_eq!(decoded(&bytes), Err(Broken { at, why }), "{bytes:?}");
    }
    let message = decoded(&[99]).unwrap_err().to_string();
    assert_eq!(message, "byte 1: there is no such kind of value");
}

#[test]
fn lengths_within_lengths_take_no_memory_that_the_bytes_do_not_back() {
    // A hundred lists, each of which claims as many values as there are bytes.
    let mut bytes = Vec::new();
    for _ in 0..100 {
        bytes.push(tag::LIST);
        write_length(1 << 20, &mut bytes);
    }
    bytes.resize(2 << 20, tag::NONE);
    assert!(decoded(&bytes).is_err());
}

#[test]
fn what_nests_deeply_is_written_without_a_deep_stack() {
    let mut value = Value::unit();
    for _ in 0..MAX_DEPTH {
        value = Value::from(Some(value));
    }
    assert_eq!(decoded(&encoded(&value)), Ok((value.clone(), 0)));
    for _ in 0..5000 {
        value = Value::from(Some(value));
    }
    assert_eq!(encoded(&value).len(), 5000 + MAX_DEPTH as usize + 2);
    assert_eq!(decoded(&encoded(&value)).unwrap_err().why, "values are nested too deeply");
}
