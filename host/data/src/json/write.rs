//! Values to JSON text, in the form of [`Value::to_json`].

use purefork::Value;
use purefork::value::List;
use std::io::Write as _;

/// Appends the value's JSON text. The result of a function without one is null: the caller knows.
pub(crate) fn write(value: &Value, to: &mut Vec<u8>) {
    match value {
        Value::Bool(v) => to.extend_from_slice(if *v { b"true" } else { b"false" }),
        Value::I8(v) => number(to, v),
        Value::U8(v) => number(to, v),
        Value::I16(v) => number(to, v),
        Value::U16(v) => number(to, v),
        Value::I32(v) => number(to, v),
        Value::U32(v) => number(to, v),
        Value::I64(v) => number(to, v),
        Value::U64(v) => number(to, v),
        Value::F32(v) => float(to, shortest(*v)),
        Value::F64(v) => float(to, *v),
        Value::V128(bytes) => array(to, bytes.iter(), number),
        Value::Char(v) => write_string(v.encode_utf8(&mut [0; 4]), to),
        Value::String(text) => write_string(text, to),
        Value::List(list) => self::list(to, list),
        Value::Record(fields) => {
            to.push(b'{');
            for (at, (name, value)) in fields.iter().enumerate() {
                if at != 0 {
                    to.push(b',');
                }
                write_string(name, to);
                to.push(b':');
                write(value, to);
            }
            to.push(b'}');
        }
        Value::Tuple(values) => array(to, values.iter(), |to, value| write(value, to)),
        Value::Variant(case, None) | Value::Enum(case) => write_string(case, to),
        Value::Variant(case, Some(value)) => tagged(to, case, Some(value)),
        Value::Flags(names) => array(to, names.iter(), |to, name| write_string(name, to)),
        Value::Option(None) => to.extend_from_slice(b"null"),
        // Null is taken: it is none.
        Value::Option(Some(value)) if matches!(**value, Value::Option(_)) => tagged(to, "some", Some(value)),
        Value::Option(Some(value)) => write(value, to),
        Value::Result(Ok(value)) => tagged(to, "ok", value.as_deref()),
        Value::Result(Err(value)) => tagged(to, "err", value.as_deref()),
        // A kind of value that this crate does not know yet.
        value => to.extend_from_slice(value.to_json().as_bytes()),
    }
}

/// Appends a text as a JSON string.
pub(crate) fn write_string(text: &str, to: &mut Vec<u8>) {
    if text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        to.push(b'"');
        to.extend_from_slice(text.as_bytes());
        to.push(b'"');
        return;
    }
    // Writing into a vector does not fail.
    let _ = serde_json::to_writer(to, text);
}

fn number(to: &mut Vec<u8>, number: impl serde::Serialize) {
    let _ = serde_json::to_writer(to, &number);
}

fn array<T>(to: &mut Vec<u8>, items: impl Iterator<Item = T>, mut each: impl FnMut(&mut Vec<u8>, T)) {
    to.push(b'[');
    for (at, item) in items.enumerate() {
        if at != 0 {
            to.push(b',');
        }
        each(to, item);
    }
    to.push(b']');
}

fn list(to: &mut Vec<u8>, list: &List) {
    if let Some(numbers) = list.as_slice::<f64>() {
        return array(to, numbers.iter(), |to, v| float(to, *v));
    }
    if let Some(numbers) = list.as_slice::<u8>() {
        return array(to, numbers.iter(), number);
    }
    array(to, list.iter(), |to, value| write(&value, to));
}

fn tagged(to: &mut Vec<u8>, tag: &str, value: Option<&Value>) {
    to.push(b'{');
    write_string(tag, to);
    to.push(b':');
    match value {
        Some(value) => write(value, to),
        None => to.extend_from_slice(b"null"),
    }
    to.push(b'}');
}

fn float(to: &mut Vec<u8>, value: f64) {
    if value.is_finite() {
        return number(to, value);
    }
    let word: &[u8] = match value {
        value if value.is_nan() => b"\"nan\"",
        value if value > 0.0 => b"\"inf\"",
        _ => b"\"-inf\"",
    };
    // Writing into a vector does not fail.
    let _ = to.write_all(word);
}

/// The double whose text is the single's: 0.1 rather than 0.10000000149011612. It rounds back to the same single.
fn shortest(value: f32) -> f64 {
    #[allow(clippy::cast_possible_truncation)]
    let same = |double: &f64| (*double as f32).to_bits() == value.to_bits();
    value.to_string().parse().ok().filter(same).unwrap_or(f64::from(value))
}
