//! Values from JSON.

use crate::layout::{brief, range};
use purefork::{List, Name, Type, Value};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::cell::{Cell, RefCell};
use std::fmt::{self, Write as _};
use std::sync::Arc;

/// The most characters of a value that a message shows.
const SHOWN: usize = 40;

static STRING: Type = Type::String;
static BYTE: Type = Type::U8;

/// Why a text gives no value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Mismatch {
    /// It is no JSON.
    Syntax(String),
    /// It is, but no value of the type: where, what was expected, and what was given.
    Value(String),
}

/// The value of type `ty` that the JSON text stands for, in the form of [`to_string`](super::to_string). A case without
/// a value may also be `{"case": null}`, a result without one `"ok"`; what is optional in a record may be left out.
pub(crate) fn from_str(ty: &Type, text: &str) -> Result<Value, Mismatch> {
    let place = Place::default();
    let mut from = serde_json::Deserializer::from_str(text);
    let read = Wanted { ty, place: &place }.deserialize(&mut from).and_then(|value| from.end().map(|()| value));
    read.map_err(|error| match place.why.take() {
        None => Mismatch::Syntax(error.to_string()),
        Some(why) => Mismatch::Value(match place.path().as_str() {
            "" => why,
            path => format!("at `{path}`: {why}"),
        }),
    })
}

/// Where the reader is, and why it can go no further.
#[derive(Default)]
struct Place {
    steps: RefCell<Vec<Step>>,
    why: Cell<Option<String>>,
}

enum Step {
    Name(Name),
    Number(usize),
    Member(usize),
}

impl Place {
    /// As the library writes it: `.points[2].x`.
    fn path(&self) -> String {
        let mut path = String::new();
        for step in self.steps.borrow().iter() {
            // Writing into a string does not fail.
            let _ = match step {
                Step::Name(name) => write!(path, ".{name}"),
                Step::Number(at) => write!(path, "[{at}]"),
                Step::Member(at) => write!(path, ".{at}"),
            };
        }
        path
    }
}

/// A value of a type, at a place.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    ty: &'a Type,
    place: &'a Place,
}

impl<'a> Wanted<'a> {
    fn of(self, ty: &'a Type) -> Wanted<'a> {
        Wanted { ty, ..self }
    }

    fn fail<T, E: serde::de::Error>(self, why: String) -> Result<T, E> {
        self.place.why.set(Some(why));
        Err(E::custom("no value of the type"))
    }

    fn unlike<T, E: serde::de::Error>(self, given: impl fmt::Display) -> Result<T, E> {
        self.fail(format!("expected {}, but was given {given}", expected(self.ty)))
    }

    /// Reads a part. The step stays where it is if that fails.
    fn part<T, E>(self, step: Step, read: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.place.steps.borrow_mut().push(step);
        let read = read()?;
        self.place.steps.borrow_mut().pop();
        Ok(read)
    }

    fn integer<E: serde::de::Error>(self, v: i128) -> Result<Value, E> {
        let value = match self.ty {
            Type::S8 => v.try_into().ok().map(Value::I8),
            Type::U8 => v.try_into().ok().map(Value::U8),
            Type::S16 => v.try_into().ok().map(Value::I16),
            Type::U16 => v.try_into().ok().map(Value::U16),
            Type::I32 | Type::S32 => v.try_into().ok().map(Value::I32),
            Type::U32 => v.try_into().ok().map(Value::U32),
            Type::I64 | Type::S64 => v.try_into().ok().map(Value::I64),
            Type::U64 => v.try_into().ok().map(Value::U64),
            #[allow(clippy::cast_precision_loss)]
            Type::F32 | Type::F64 => return self.float(v as f64),
            _ => None,
        };
        value.map_or_else(|| self.unlike(v), Ok)
    }

    fn float<E: serde::de::Error>(self, v: f64) -> Result<Value, E> {
        #[allow(clippy::cast_possible_truncation)]
        let single = v as f32;
        match self.ty {
            Type::F32 if single.is_finite() => Ok(Value::F32(single)),
            Type::F64 => Ok(Value::F64(v)),
            // As JSON has it: Rust writes zeros without end.
            _ => self.unlike(serde_json::Value::from(v)),
        }
    }

    fn text<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        let find = |names: &[Name]| names.iter().find(|name| ***name == *text).cloned();
        match self.ty {
            Type::String => Ok(Value::from(text)),
            Type::Char => match (text.chars().next(), text.chars().nth(1)) {
                (Some(c), None) => Ok(Value::Char(c)),
                _ => self.unlike(quoted(text)),
            },
            Type::F32 | Type::F64 => {
                let single = match text {
                    "nan" => f32::NAN,
                    "inf" => f32::INFINITY,
                    "-inf" => f32::NEG_INFINITY,
                    _ => return self.unlike(quoted(text)),
                };
                Ok(if *self.ty == Type::F32 { Value::F32(single) } else { Value::F64(single.into()) })
            }
            Type::Enum(names) => {
                find(names).map_or_else(|| self.unknown("case", text, names.iter()), |n| Ok(Value::Enum(n)))
            }
            Type::Variant(_) | Type::Result(_) => {
                let (case, ty) = self.case(text)?;
                match ty {
                    None => Ok(self.made(case, None)),
                    Some(ty) => {
                        self.fail(format!("expected {{\"{case}\": {}}}, but was given {}", brief(ty), quoted(text)))
                    }
                }
            }
            _ => self.unlike(quoted(text)),
        }
    }

    /// The case of that name of a variant or result, and its value's type.
    fn case<E: serde::de::Error>(self, name: &str) -> Result<(Name, Option<&'a Type>), E> {
        match self.ty {
            Type::Variant(cases) => match cases.iter().find(|(case, _)| **case == *name) {
                Some((case, ty)) => Ok((case.clone(), ty.as_ref())),
                None => self.unknown("case", name, cases.iter().map(|(case, _)| case)),
            },
            Type::Result(types) if name == "ok" => Ok((name.into(), types.0.as_ref())),
            Type::Result(types) if name == "err" => Ok((name.into(), types.1.as_ref())),
            _ => self.unknown("case", name, ["ok".into(), "err".into()].iter()),
        }
    }

    /// The variant or result.
    fn made(self, case: Name, value: Option<Value>) -> Value {
        match self.ty {
            Type::Result(_) if *case == *"ok" => Value::Result(Ok(value.map(Arc::new))),
            Type::Result(_) => Value::Result(Err(value.map(Arc::new))),
            _ => Value::Variant(case, value.map(Arc::new)),
        }
    }

    fn unknown<'n, T, E: serde::de::Error>(
        self,
        what: &str,
        given: &str,
        known: impl Iterator<Item = &'n Name>,
    ) -> Result<T, E> {
        const MOST: usize = 8;
        let mut names: Vec<String> = known.take(MOST + 1).map(|name| format!("`{name}`")).collect();
        if names.len() > MOST {
            names[MOST] = "…".to_owned();
        }
        self.fail(format!("there is no {what} `{}`; there is {}", cut(given), names.join(", ")))
    }

    fn record<'de, A: MapAccess<'de>>(self, fields: &'a [(Name, Type)], mut map: A) -> Result<Value, A::Error> {
        let mut values: Vec<Option<Value>> = vec![None; fields.len()];
        while let Some(key) = map.next_key::<String>()? {
            let Some(at) = fields.iter().position(|(name, _)| **name == *key) else {
                return self.unknown("field", &key, fields.iter().map(|(name, _)| name));
            };
            let (name, ty) = &fields[at];
            if values[at].is_some() {
                return self.fail(format!("was given the field `{name}` twice"));
            }
            values[at] = Some(self.part(Step::Name(name.clone()), || map.next_value_seed(self.of(ty)))?);
        }
        let values = fields.iter().zip(values).map(|((name, ty), value)| match value {
            Some(value) => Ok((name.clone(), value)),
            None if matches!(ty, Type::Option(_)) => Ok((name.clone(), Value::Option(None))),
            None => self.fail(format!("was not given the field `{name}`")),
        });
        Ok(Value::Record(values.collect::<Result<_, _>>()?))
    }

    /// What is written `{"tag": value}`.
    fn tagged<'de, A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let Some(tag) = map.next_key::<String>()? else { return self.unlike("{}") };
        let value = match self.ty {
            Type::Option(some) if tag == "some" => {
                let some = self.part(Step::Name("some".into()), || map.next_value_seed(self.of(some)))?;
                Value::from(Some(some))
            }
            Type::Option(_) => return self.unlike(format!("{{\"{}\": …}}", cut(&tag))),
            _ => {
                let (case, ty) = self.case(&tag)?;
                let value = self.part(Step::Name(case.clone()), || match ty {
                    Some(ty) => map.next_value_seed(self.of(ty)).map(Some),
                    None => match map.next_value::<serde_json::Value>()? {
                        serde_json::Value::Null => Ok(None),
                        other => {
                            self.fail(format!("expected no value, or null, but was given {}", cut(&other.to_string())))
                        }
                    },
                })?;
                self.made(case, value)
            }
        };
        match map.next_key::<String>()? {
            None => Ok(value),
            Some(other) => {
                self.fail(format!("expected an object with one member, but was given `{tag}` and `{}`", cut(&other)))
            }
        }
    }

    fn tuple<'de, A: SeqAccess<'de>>(self, types: &'a [Type], mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::with_capacity(types.len());
        for (at, ty) in types.iter().enumerate() {
            match self.part(Step::Member(at), || seq.next_element_seed(self.of(ty)))? {
                Some(value) => values.push(value),
                None => return self.unlike(format!("an array of {at}")),
            }
        }
        match seq.next_element::<serde::de::IgnoredAny>()? {
            None => Ok(Value::tuple(values)),
            Some(_) => self.unlike(format!("an array of more than {}", types.len())),
        }
    }

    fn list<'de, A: SeqAccess<'de>>(self, element: &'a Type, mut seq: A) -> Result<Vec<Value>, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = self.part(Step::Number(values.len()), || seq.next_element_seed(self.of(element)))? {
            values.push(value);
        }
        Ok(values)
    }

    fn flags<'de, A: SeqAccess<'de>>(self, names: &'a [Name], seq: A) -> Result<Value, A::Error> {
        let given = self.list(&STRING, seq)?;
        let given: Vec<_> =
            given.into_iter().filter_map(|v| if let Value::String(name) = v { Some(name) } else { None }).collect();
        match given.iter().find(|name| !names.contains(name)) {
            Some(flag) => self.unknown("flag", flag, names.iter()),
            None => Ok(Value::Flags(names.iter().filter(|name| given.contains(name)).cloned().collect())),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Wanted<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

/// An option's value is written as it is; unless it is an option again.
macro_rules! through_options {
    ($wanted:ident, $method:ident($given:expr)) => {
        if let Type::Option(some) = $wanted.ty
            && !matches!(**some, Type::Option(_))
        {
            return $wanted.of(some).$method($given).map(|value| Value::from(Some(value)));
        }
    };
}

impl<'de> Visitor<'de> for Wanted<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Value, E> {
        match self.ty {
            Type::Option(_) => Ok(Value::Option(None)),
            _ => self.unlike("null"),
        }
    }

    fn visit_bool<E: serde::de::Error>(self, v: bool) -> Result<Value, E> {
        through_options!(self, visit_bool(v));
        if *self.ty == Type::Bool { Ok(Value::Bool(v)) } else { self.unlike(v) }
    }

    fn visit_i64<E: serde::de::Error>(self, v: i64) -> Result<Value, E> {
        through_options!(self, visit_i64(v));
        self.integer(v.into())
    }

    fn visit_u64<E: serde::de::Error>(self, v: u64) -> Result<Value, E> {
        through_options!(self, visit_u64(v));
        self.integer(v.into())
    }

    fn visit_f64<E: serde::de::Error>(self, v: f64) -> Result<Value, E> {
        through_options!(self, visit_f64(v));
        self.float(v)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        through_options!(self, visit_str(text));
        self.text(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Value, A::Error> {
        through_options!(self, visit_seq(seq));
        match self.ty {
            Type::List(element) => Ok(Value::List(List::from(self.list(element, seq)?))),
            Type::Tuple(types) => self.tuple(types, seq),
            Type::Flags(names) => self.flags(names, seq),
            Type::V128 => {
                let bytes: Vec<u8> =
                    self.list(&BYTE, seq)?.iter().map(|v| if let Value::U8(b) = v { *b } else { 0 }).collect();
                let n = bytes.len();
                bytes.try_into().map(Value::V128).or_else(|_| self.unlike(format!("an array of {n}")))
            }
            _ => self.unlike("an array"),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        through_options!(self, visit_map(map));
        match self.ty {
            Type::Record(fields) => self.record(fields, map),
            Type::Variant(_) | Type::Result(_) | Type::Option(_) => self.tagged(map),
            _ => self.unlike("an object"),
        }
    }
}

/// The type, and how its values are written in JSON.
fn expected(ty: &Type) -> String {
    let form = match ty {
        _ if range(ty).is_some() => range(ty).unwrap_or_default(),
        Type::F32 | Type::F64 => "a number, \"nan\", \"inf\" or \"-inf\"",
        Type::V128 => "an array of 16 numbers from 0 to 255",
        Type::Bool => "true or false",
        Type::Char => "a string of one character",
        Type::List(_) => "an array",
        Type::Record(_) => "an object",
        Type::Tuple(types) => return format!("{}, an array of {}", brief(ty), types.len()),
        Type::Variant(_) => "\"case\" or {\"case\": value}",
        Type::Option(_) => "null or {\"some\": value}",
        Type::Result(_) => "{\"ok\": value} or {\"err\": value}",
        Type::Flags(_) => "an array of strings",
        _ => return brief(ty),
    };
    format!("{}, {form}", brief(ty))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", cut(text))
}

fn cut(text: &str) -> String {
    let dots = if text.chars().nth(SHOWN).is_some() { "…" } else { "" };
    let shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    format!("{}{dots}", shown.replace("\\\"", "\"").replace("\\'", "'"))
}
