//! Values as JSON.

use super::{List, Value};
use serde::Serialize;

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
        let mut text = Vec::new();
        match *self == Value::unit() {
            true => text.extend_from_slice(b"null"),
            false => Json::new(&mut text, usize::MAX).value(self),
        }
        // What it is made of are strings.
        String::from_utf8(text).unwrap_or_default()
    }

    /// Appends the same to a text, but for the empty tuple, which is `[]`. False, and nothing is appended, if it would take more than `most` bytes: it
    /// can be many times what the value takes, as each record has its fields' names.
    ///
    /// ```
    /// use purefork::Value;
    ///
    /// let mut line = b"{\"n\":".to_vec();
    /// assert!(Value::from(vec![1u8, 2]).write_json(&mut line, 100));
    /// assert_eq!(line, b"{\"n\":[1,2]");
    /// assert!(!Value::from("0123456789").write_json(&mut line, 10));
    /// assert_eq!(line, b"{\"n\":[1,2]");
    /// ```
    #[must_use = "it may be too long"]
    pub fn write_json(&self, to: &mut Vec<u8>, most: usize) -> bool {
        let mut json = Json::new(to, most);
        json.value(self);
        json.end()
    }
}

/// Appends JSON to a text, piece by piece.
pub(crate) struct Json<'a> {
    to: &'a mut Vec<u8>,
    start: usize,
    /// Where the text has to end at the latest.
    most: usize,
    /// Whether it would be longer: then nothing more is appended.
    full: bool,
}

impl<'a> Json<'a> {
    /// For a text of at most so many bytes.
    pub(crate) fn new(to: &'a mut Vec<u8>, most: usize) -> Json<'a> {
        let start = to.len();
        Json { to, start, most: start.saturating_add(most), full: false }
    }

    /// Whether all is there. If not, nothing is.
    pub(crate) fn end(self) -> bool {
        if self.full {
            self.to.truncate(self.start);
        }
        !self.full
    }

    /// Appends what stands for itself: a bracket, a word.
    #[inline]
    pub(crate) fn raw(&mut self, text: &[u8]) {
        if self.to.len() + text.len() > self.most {
            self.full = true;
        }
        if !self.full {
            self.to.extend_from_slice(text);
        }
    }

    /// Appends a comma in front of all but the first.
    #[inline]
    pub(crate) fn separate(&mut self, at: usize) {
        if at != 0 {
            self.raw(b",");
        }
    }

    /// Appends the name of a member, in front of its value.
    #[inline]
    pub(crate) fn name(&mut self, name: &str) {
        self.string(name);
        self.raw(b":");
    }

    /// Appends a text as a string.
    pub(crate) fn string(&mut self, text: &str) {
        if self.full || self.to.len().saturating_add(text.len()) > self.most {
            self.full = true;
        } else if is_plain(text.as_bytes()) {
            self.to.reserve(text.len() + 2);
            self.to.push(b'"');
            self.to.extend_from_slice(text.as_bytes());
            self.to.push(b'"');
        } else {
            // Writing into a vector does not fail.
            let _ = serde_json::to_writer(&mut *self.to, text);
        }
        self.full |= self.to.len() > self.most;
    }

    /// Appends a value.
    pub(crate) fn value(&mut self, value: &Value) {
        match value {
            Value::Bool(v) => self.raw(if *v { b"true" } else { b"false" }),
            Value::I8(v) => self.number(v),
            Value::U8(v) => self.number(v),
            Value::I16(v) => self.number(v),
            Value::U16(v) => self.number(v),
            Value::I32(v) => self.number(v),
            Value::U32(v) => self.number(v),
            Value::I64(v) => self.number(v),
            Value::U64(v) => self.number(v),
            Value::F32(v) => self.float(shortest(*v)),
            Value::F64(v) => self.float(*v),
            Value::V128(bytes) => self.array(bytes.iter(), |json, byte| json.number(byte)),
            Value::Char(v) => self.string(v.encode_utf8(&mut [0; 4])),
            Value::String(text) => self.string(text),
            Value::List(list) => self.list(list),
            Value::Record(fields) => {
                self.raw(b"{");
                for (at, (name, value)) in fields.iter().enumerate() {
                    self.separate(at);
                    self.name(name);
                    self.value(value);
                }
                self.raw(b"}");
            }
            Value::Tuple(values) => self.array(values.iter(), Json::value),
            Value::Variant(case, None) | Value::Enum(case) => self.string(case),
            Value::Variant(case, Some(value)) => self.tagged(case, Some(value)),
            Value::Flags(names) => self.array(names.iter(), |json, name| json.string(name)),
            Value::Option(None) => self.raw(b"null"),
            // Null is taken: it is none.
            Value::Option(Some(value)) if matches!(**value, Value::Option(_)) => self.tagged("some", Some(value)),
            Value::Option(Some(value)) => self.value(value),
            Value::Result(Ok(value)) => self.tagged("ok", value.as_deref()),
            Value::Result(Err(value)) => self.tagged("err", value.as_deref()),
        }
    }

    fn number(&mut self, number: impl Serialize) {
        if !self.full {
            // Writing into a vector does not fail.
            let _ = serde_json::to_writer(&mut *self.to, &number);
            self.full = self.to.len() > self.most;
        }
    }

    fn float(&mut self, value: f64) {
        match value {
            value if value.is_finite() => self.number(value),
            value if value.is_nan() => self.raw(b"\"nan\""),
            value => self.raw(if value > 0.0 { b"\"inf\"" } else { b"\"-inf\"" }),
        }
    }

    fn list(&mut self, list: &List) {
        if let Some(numbers) = list.as_slice::<f64>() {
            self.array(numbers.iter(), |json, v| json.float(*v));
        } else if let Some(numbers) = list.as_slice::<u8>() {
            self.array(numbers.iter(), |json, v| json.number(v));
        } else {
            self.array(list.iter(), |json, value| json.value(&value));
        }
    }

    fn array<T>(&mut self, items: impl Iterator<Item = T>, mut each: impl FnMut(&mut Json<'a>, T)) {
        self.raw(b"[");
        for (at, item) in items.enumerate() {
            if self.full {
                return;
            }
            self.separate(at);
            each(self, item);
        }
        self.raw(b"]");
    }

    fn tagged(&mut self, tag: &str, value: Option<&Value>) {
        self.raw(b"{");
        self.name(tag);
        match value {
            Some(value) => self.value(value),
            None => self.raw(b"null"),
        }
        self.raw(b"}");
    }
}

/// Whether a string of JSON has this text as it stands.
#[inline]
fn is_plain(text: &[u8]) -> bool {
    /// So many at a time, all of them, so that it is done by vectors.
    const BYTES: usize = 16;
    let special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    let (chunks, rest) = text.as_chunks::<BYTES>();
    let any = |chunk: &[u8; BYTES]| chunk.iter().fold(false, |any, byte| any | special(byte));
    !chunks.iter().any(any) && !rest.iter().any(special)
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

    #[test]
    fn a_text_is_whole_or_not_there() {
        let value =
            Value::tuple([Value::from("a\"b"), Value::from(vec![1u8; 9]), Value::record([("x", Value::F64(0.5))])]);
        let whole = value.to_json();
        for most in 0..=whole.len() {
            let mut text = b"before".to_vec();
            let fits = value.write_json(&mut text, most);
            let after = if fits { format!("before{whole}") } else { "before".to_owned() };
            assert_eq!((fits, text), (most == whole.len(), after.into_bytes()), "{most}");
        }
    }

    #[test]
    fn what_is_special_in_a_string_is_found_wherever_it_is() {
        for special in 0..=255u8 {
            for at in 0..40 {
                let mut text = [b'a'; 40];
                text[at] = special;
                assert_eq!(
                    is_plain(&text),
                    special >= 0x20 && special != b'"' && special != b'\\',
                    "{special} at {at}"
                );
            }
        }
    }
}
