//! Values as JSON.

use super::Value;
use serde::ser::{Serialize, SerializeMap as _, Serializer};

impl Value {
    /// The value as JSON text, on one line.
    ///
    /// | WIT | JSON |
    /// | --- | --- |
    /// | integers, floats | numbers; `"nan"`, `"inf"`, `"-inf"` |
    /// | `bool`, `string`, `char` | booleans, strings, a string of one character |
    /// | `list`, `tuple`, `v128` | arrays |
    /// | `record` | an object |
    /// | `variant` | `"case"`, or `{"case": value}` |
    /// | `enum`, `flags` | a string, an array of strings |
    /// | `option` | the value, or null; of an option in an option `{"some": …}`, or null |
    /// | `result` | `{"ok": value}` or `{"err": value}`, null where there is no value |
    ///
    /// A function without a result gives null.
    pub fn to_json(&self) -> String {
        if *self == Value::unit() {
            return "null".to_owned();
        }
        // Writing into a string fails only for keys that are no strings; there are none.
        serde_json::to_string(&Json(self)).unwrap_or_default()
    }
}

struct Json<'a>(&'a Value);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Bool(v) => to.serialize_bool(*v),
            Value::I8(v) => to.serialize_i8(*v),
            Value::U8(v) => to.serialize_u8(*v),
            Value::I16(v) => to.serialize_i16(*v),
            Value::U16(v) => to.serialize_u16(*v),
            Value::I32(v) => to.serialize_i32(*v),
            Value::U32(v) => to.serialize_u32(*v),
            Value::I64(v) => to.serialize_i64(*v),
            Value::U64(v) => to.serialize_u64(*v),
            Value::F32(v) => float(to, shortest(*v)),
            Value::F64(v) => float(to, *v),
            Value::V128(bytes) => to.collect_seq(bytes),
            Value::Char(v) => to.serialize_char(*v),
            Value::String(text) => to.serialize_str(text),
            Value::List(list) => to.collect_seq(list.iter().map(Owned)),
            Value::Record(fields) => to.collect_map(fields.iter().map(|(name, value)| (&**name, Json(value)))),
            Value::Tuple(values) => to.collect_seq(values.iter().map(Json)),
            Value::Variant(case, None) | Value::Enum(case) => to.serialize_str(case),
            Value::Variant(case, Some(value)) => tagged(to, case, Some(value)),
            Value::Flags(names) => to.collect_seq(names.iter().map(|name| &**name)),
            Value::Option(None) => to.serialize_unit(),
            // Null is taken: it is none.
            Value::Option(Some(value)) if matches!(**value, Value::Option(_)) => tagged(to, "some", Some(value)),
            Value::Option(Some(value)) => Json(value).serialize(to),
            Value::Result(Ok(value)) => tagged(to, "ok", value.as_deref()),
            Value::Result(Err(value)) => tagged(to, "err", value.as_deref()),
        }
    }
}

struct Owned(Value);

impl Serialize for Owned {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Json(&self.0).serialize(to)
    }
}

fn tagged<S: Serializer>(to: S, tag: &str, value: Option<&Value>) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(Some(1))?;
    map.serialize_entry(tag, &value.map(Json))?;
    map.end()
}

fn float<S: Serializer>(to: S, value: f64) -> Result<S::Ok, S::Error> {
    match value {
        value if value.is_finite() => to.serialize_f64(value),
        value if value.is_nan() => to.serialize_str("nan"),
        value => to.serialize_str(if value > 0.0 { "inf" } else { "-inf" }),
    }
}

/// The double whose text is the single's: 0.1 rather than 0.10000000149011612. It rounds back to the same single.
fn shortest(value: f32) -> f64 {
    #[allow(clippy::cast_possible_truncation)]
    let same = |double: &f64| (*double as f32).to_bits() == value.to_bits();
    value.to_string().parse().ok().filter(same).unwrap_or(f64::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_what_they_are() {
        let some = |value: Value| Value::from(Some(value));
        let none = || Value::Option(None);
        for (value, text) in [
            (Value::I32(-1), "-1"),
            (Value::I64(i64::MIN), "-9223372036854775808"),
            (Value::U64(u64::MAX), "18446744073709551615"),
            (Value::F32(0.1), "0.1"),
            (Value::F32(f32::MAX), "3.4028235e+38"),
            (Value::F64(-0.0), "-0.0"),
            (Value::F64(f64::NAN), r#""nan""#),
            (Value::F32(f32::INFINITY), r#""inf""#),
            (Value::F64(f64::NEG_INFINITY), r#""-inf""#),
            (Value::V128([7; 16]), "[7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7]"),
            (Value::unit(), "null"),
            (Value::tuple([Value::I32(1), Value::F64(0.5)]), "[1,0.5]"),
            (Value::tuple([Value::unit()]), "[[]]"),
            (Value::from('ü'), r#""ü""#),
            (Value::from("a \"b\"\n"), r#""a \"b\"\n""#),
            (Value::from(vec![1u8, 2]), "[1,2]"),
            (Value::record([("y", Value::from(true)), ("x", Value::from(1u8))]), r#"{"y":true,"x":1}"#),
            (Value::variant("all", None), r#""all""#),
            (Value::variant("one", Some(Value::from("a"))), r#"{"one":"a"}"#),
            (Value::Enum("red".into()), r#""red""#),
            (Value::Flags(["read".into(), "write".into()].into()), r#"["read","write"]"#),
            (none(), "null"),
            (some(Value::from(5u8)), "5"),
            (some(none()), r#"{"some":null}"#),
            (some(some(Value::from(5u8))), r#"{"some":5}"#),
            (some(some(none())), r#"{"some":{"some":null}}"#),
            (Value::Result(Ok(None)), r#"{"ok":null}"#),
            (Value::Result(Err(Some(Value::from("no").into()))), r#"{"err":"no"}"#),
        ] {
            assert_eq!(value.to_json(), text);
        }
    }
}
