//! JSON text to a value of a type, with nothing in between.
//!
//! The form is that of [`Value::to_json`]. Other than [`Value::from_json`], a record may have fields that its type has not, unless
//! `strict`; and a whole number has to be exact as a float.

use super::number::{float32, float64, integer, shown};
use super::trail::Trail;
use purefork::Value;
use purefork::value::{List, Name, Type};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;
use std::sync::Arc;

/// Reads a value of a type.
#[derive(Clone, Copy)]
pub(crate) struct Seed<'a> {
    pub(crate) ty: &'a Type,
    pub(crate) strict: bool,
    pub(crate) trail: &'a Trail,
}

impl<'a> Seed<'a> {
    fn of(self, ty: &'a Type) -> Seed<'a> {
        Seed { ty, ..self }
    }

    /// Passes on what a part gave, or where it failed.
    fn part<T, E>(self, step: impl FnOnce() -> String, done: Result<T, E>) -> Result<T, E> {
        if done.is_err() {
            self.trail.step(step());
        }
        done
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        match self.ty {
            Type::String | Type::Char | Type::Enum(_) => from.deserialize_str(self),
            Type::List(_) | Type::Tuple(_) | Type::V128 | Type::Flags(_) => from.deserialize_seq(self),
            Type::Record(_) => from.deserialize_map(self),
            Type::Option(_) => from.deserialize_option(self),
            Type::Variant(_) | Type::Result(_) => from.deserialize_any(self),
            _ => self.scalar(<&RawValue>::deserialize_from(from)?.get()).map_err(D::Error::custom),
        }
    }
}

/// [`serde::Deserialize`] of a borrowed text, by a name that says so.
trait Raw<'de>: Sized {
    fn deserialize_from<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error>;
}

impl<'de> Raw<'de> for &'de RawValue {
    fn deserialize_from<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        serde::Deserialize::deserialize(from)
    }
}

impl Seed<'_> {
    /// A number or a bool, from its text.
    fn scalar(self, text: &str) -> Result<Value, String> {
        let number = text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        match self.ty {
            Type::F64 if number => return float64(text).map(Value::F64),
            Type::F32 if number => return float32(text).map(Value::F32),
            Type::F64 | Type::F32 => {
                let value = match text {
                    "\"nan\"" => Some(f64::NAN),
                    "\"inf\"" => Some(f64::INFINITY),
                    "\"-inf\"" => Some(f64::NEG_INFINITY),
                    _ => None,
                };
                if let Some(value) = value {
                    #[allow(clippy::cast_possible_truncation)]
                    return Ok(if *self.ty == Type::F64 { Value::F64(value) } else { Value::F32(value as f32) });
                }
            }
            Type::Bool => match text {
                "true" => return Ok(Value::Bool(true)),
                "false" => return Ok(Value::Bool(false)),
                _ => {}
            },
            ty if number => {
                if let Some(value) = integer(ty, text) {
                    return Ok(value);
                }
            }
            _ => {}
        }
        Err(format!("expected {}, but was given `{}`", wanted(self.ty), shown(text)))
    }

    fn case<'n, T, E: Error>(
        self,
        name: &str,
        cases: impl Iterator<Item = &'n (Name, T)> + Clone,
    ) -> Result<&'n (Name, T), E>
    where
        T: 'n,
    {
        match cases.clone().find(|(known, _)| **known == *name) {
            Some(case) => Ok(case),
            None => Err(E::custom(unknown("case", name, cases.map(|(name, _)| name)))),
        }
    }

    /// A variant's or a result's case, whose value is read by `payload`; none if it is written as its name alone.
    fn tagged<E: Error>(
        self,
        name: &str,
        payload: impl FnOnce(Option<Seed<'_>>) -> Result<Option<Arc<Value>>, E>,
    ) -> Result<Value, E> {
        let read = |ty: &Option<Type>| {
            let payload = payload(ty.as_ref().map(|ty| Seed { ty, ..self }));
            self.part(|| format!(".{name}"), payload)
        };
        match self.ty {
            Type::Variant(cases) => {
                let (name, ty) = self.case(name, cases.iter())?;
                Ok(Value::Variant(name.clone(), read(ty)?))
            }
            Type::Result(types) => match name {
                "ok" => Ok(Value::Result(Ok(read(&types.0)?))),
                "err" => Ok(Value::Result(Err(read(&types.1)?))),
                _ => Err(E::custom(unknown("case", name, ["ok".into(), "err".into()].iter()))),
            },
            ty => Err(E::custom(format!("expected {}", wanted(ty)))),
        }
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&wanted(self.ty))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        match self.ty {
            Type::String => Ok(Value::from(text)),
            Type::Char => {
                let mut chars = text.chars();
                match (chars.next(), chars.next()) {
                    (Some(c), None) => Ok(Value::Char(c)),
                    _ => Err(E::custom(format!("expected {}, but was given `\"{}\"`", wanted(self.ty), shown(text)))),
                }
            }
            Type::Enum(names) => match names.iter().find(|name| ***name == *text) {
                Some(name) => Ok(Value::Enum(name.clone())),
                None => Err(E::custom(unknown("case", text, names.iter()))),
            },
            _ => self.tagged(text, |payload| match payload {
                None => Ok(None),
                Some(Seed { ty, .. }) => {
                    Err(E::custom(format!("expected {} for `{}`, but was given none", ty.brief(), shown(text))))
                }
            }),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.visit_none()
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        match self.ty {
            Type::Option(_) => Ok(Value::Option(None)),
            ty => Err(E::custom(format!("expected {}, but was given null", wanted(ty)))),
        }
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        match self.ty {
            // Null is taken: it is none.
            Type::Option(some) if matches!(**some, Type::Option(_)) => from.deserialize_map(self),
            Type::Option(some) => Ok(Value::Option(Some(Arc::new(Seed { ty: some, ..self }.deserialize(from)?)))),
            _ => self.deserialize(from),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        match self.ty {
            Type::List(element) => {
                let mut values = Vec::with_capacity(from.size_hint().unwrap_or_default());
                loop {
                    let next = from.next_element_seed(self.of(element));
                    match self.part(|| format!("[{}]", values.len()), next)? {
                        Some(value) => values.push(value),
                        None => return Ok(Value::List(List::packed(values, element))),
                    }
                }
            }
            Type::Tuple(types) => {
                let values = self.members(&mut from, types.iter())?;
                Ok(Value::Tuple(values.into()))
            }
            Type::V128 => {
                const BYTE: Type = Type::U8;
                let bytes = self.members(&mut from, std::iter::repeat_n(&BYTE, 16))?;
                let bytes = bytes.iter().filter_map(|v| if let Value::U8(v) = v { Some(*v) } else { None });
                match bytes.collect::<Vec<u8>>().try_into() {
                    Ok(bytes) => Ok(Value::V128(bytes)),
                    Err(_) => Err(A::Error::custom(format!("expected {}", wanted(self.ty)))),
                }
            }
            Type::Flags(names) => {
                let mut set = vec![false; names.len()];
                while let Some(flag) = from.next_element::<std::borrow::Cow<'de, str>>()? {
                    match names.iter().position(|name| **name == *flag) {
                        None => return Err(A::Error::custom(unknown("flag", &flag, names.iter()))),
                        Some(at) if set[at] => {
                            return Err(A::Error::custom(format!("was given the flag `{flag}` twice")));
                        }
                        Some(at) => set[at] = true,
                    }
                }
                let names = names.iter().zip(set).filter(|(_, set)| *set).map(|(name, _)| name.clone());
                Ok(Value::Flags(names.collect()))
            }
            ty => Err(A::Error::custom(format!("expected {}, but was given an array", wanted(ty)))),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        match self.ty {
            Type::Record(fields) => self.record(fields, from),
            Type::Option(some) => {
                let wrong = || A::Error::custom(format!("expected {}, but was given another object", wanted(self.ty)));
                match from.next_key::<std::borrow::Cow<'de, str>>()? {
                    Some(key) if key == "some" => {}
                    _ => return Err(wrong()),
                }
                let value = from.next_value_seed(self.of(some));
                let value = self.part(|| ".some".to_owned(), value)?;
                match from.next_key::<IgnoredAny>()? {
                    None => Ok(Value::Option(Some(Arc::new(value)))),
                    Some(_) => Err(wrong()),
                }
            }
            Type::Variant(_) | Type::Result(_) => {
                let Some(name) = from.next_key::<std::borrow::Cow<'de, str>>()? else {
                    return Err(A::Error::custom(format!("expected {}, but was given {{}}", wanted(self.ty))));
                };
                let value = self.tagged(&name, |payload| match payload {
                    Some(seed) => Ok(Some(Arc::new(from.next_value_seed(seed)?))),
                    None => {
                        let raw: &RawValue = from.next_value()?;
                        match raw.get() {
                            "null" => Ok(None),
                            text => Err(A::Error::custom(format!(
                                "`{}` takes no value, but was given `{}`",
                                shown(&name),
                                shown(text)
                            ))),
                        }
                    }
                })?;
                match from.next_key::<std::borrow::Cow<'de, str>>()? {
                    None => Ok(value),
                    Some(more) => Err(A::Error::custom(format!(
                        "expected {}, but was given `{}`, too",
                        wanted(self.ty),
                        shown(&more)
                    ))),
                }
            }
            ty => Err(A::Error::custom(format!("expected {}, but was given an object", wanted(ty)))),
        }
    }
}

impl Seed<'_> {
    /// The members of a tuple: as many as there are types.
    fn members<'de, 't, A: SeqAccess<'de>>(
        self,
        from: &mut A,
        types: impl ExactSizeIterator<Item = &'t Type>,
    ) -> Result<Vec<Value>, A::Error> {
        let count = types.len();
        let mut values = Vec::with_capacity(count);
        let mut given = 0;
        for ty in types {
            let next = from.next_element_seed(Seed { ty, ..self });
            match self.part(|| format!(".{given}"), next)? {
                Some(value) => values.push(value),
                None => break,
            }
            given += 1;
        }
        while from.next_element::<IgnoredAny>()?.is_some() {
            given += 1;
        }
        if given == count {
            return Ok(values);
        }
        let s = if given == 1 { "" } else { "s" };
        Err(A::Error::custom(format!("expected {}, but was given {given} value{s}", self.ty.brief())))
    }

    fn record<'de, A: MapAccess<'de>>(self, fields: &[(Name, Type)], mut from: A) -> Result<Value, A::Error> {
        let mut values: Vec<Option<Value>> = vec![None; fields.len()];
        let mut next = 0;
        while let Some(found) = from.next_key_seed(Key { next, names: fields.iter().map(|(name, _)| &**name) })? {
            let at = match found {
                Found::At(at) => at,
                Found::Other(name) if self.strict => {
                    return Err(A::Error::custom(unknown("field", &name, fields.iter().map(|(name, _)| name))));
                }
                Found::Other(_) => {
                    from.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            let (name, ty) = &fields[at];
            if values[at].is_some() {
                return Err(A::Error::custom(format!("was given the field `{}` twice", shown(name))));
            }
            let value = from.next_value_seed(Seed { ty, ..self });
            values[at] = Some(self.part(|| format!(".{name}"), value)?);
            next = at + 1;
        }
        let values = fields.iter().zip(values).map(|((name, ty), value)| match value {
            Some(value) => Ok((name.clone(), value)),
            None if matches!(ty, Type::Option(_)) => Ok((name.clone(), Value::Option(None))),
            None => Err(A::Error::custom(format!("was not given the field `{name}`"))),
        });
        Ok(Value::Record(values.collect::<Result<_, _>>()?))
    }
}

/// A key of an object, found among names; the one expected next is looked at first.
struct Key<I> {
    next: usize,
    names: I,
}

/// What a key is.
enum Found {
    At(usize),
    Other(String),
}

impl<'de, 'n, I: ExactSizeIterator<Item = &'n str> + Clone> DeserializeSeed<'de> for Key<I> {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Found, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'n, I: ExactSizeIterator<Item = &'n str> + Clone> Visitor<'_> for Key<I> {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Found, E> {
        if self.names.clone().nth(self.next) == Some(key) {
            return Ok(Found::At(self.next));
        }
        Ok(match self.names.clone().position(|name| name == key) {
            Some(at) => Found::At(at),
            None => Found::Other(key.to_owned()),
        })
    }
}

/// The type, and how its values are written.
fn wanted(ty: &Type) -> String {
    let brief = ty.brief();
    let form = match ty {
        Type::F32 | Type::F64 => "a number, \"nan\", \"inf\" or \"-inf\"",
        Type::V128 => "an array of 16 numbers from 0 to 255",
        Type::Bool => "true or false",
        Type::Char => "a string of one character",
        Type::String => "text in double quotes",
        Type::List(_) | Type::Tuple(_) => "an array",
        Type::Record(_) => "an object",
        Type::Variant(_) => "\"case\" or {\"case\": value}",
        Type::Option(_) => "null or {\"some\": value}",
        Type::Result(_) => "{\"ok\": value} or {\"err\": value}",
        Type::Flags(_) => "an array of strings",
        Type::Enum(_) => "one of its names as a string",
        integer => match integer.whole_numbers() {
            Some(range) => range,
            None => return brief,
        },
    };
    format!("{brief}, {form}")
}

/// What there is instead of what is not there.
fn unknown<'n>(what: &str, given: &str, known: impl Iterator<Item = &'n Name>) -> String {
    const LISTED: usize = 8;
    let mut names: Vec<String> = known.take(LISTED + 1).map(|name| format!("`{name}`")).collect();
    if names.len() > LISTED {
        names[LISTED] = "…".to_owned();
    }
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    format!("there is no {what} `{}`; there is {names}", shown(given))
}
