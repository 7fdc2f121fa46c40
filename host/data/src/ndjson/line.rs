//! One line to a function's arguments.

use crate::error::RowError;
use crate::format::Given;
use crate::json::{Seed, Trail, shown};
use crate::names::same;
use crate::table::{Column, Nulls, Wanted};
use purefork::Value;
use purefork::value::Type;
use serde::de::{DeserializeSeed, Deserializer as _, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Deserializer;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

/// How lines become arguments.
#[derive(Debug)]
pub(crate) struct LineReader {
    function: String,
    params: Vec<Column>,
    /// The only parameter's type, where a line may be its value.
    alone: Option<Alone>,
    strict: bool,
    columns_alone: bool,
    nulls: Nulls,
    into: Option<String>,
}

/// What the value of an only parameter may look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Alone {
    /// It may be an object.
    object: bool,
    /// It may be an object with a field that is called like the parameter: then an object is always the value.
    field: bool,
    /// It may be an array.
    array: bool,
}

impl LineReader {
    pub(crate) fn new(wanted: &Wanted) -> LineReader {
        let alone = match wanted.params.as_slice() {
            [param] => Some(Alone {
                object: is_object(&param.ty),
                field: has_field(&param.ty, &param.name),
                array: is_array(&param.ty),
            }),
            _ => None,
        };
        LineReader {
            function: wanted.function.clone(),
            params: wanted.params.clone(),
            alone,
            strict: wanted.strict,
            columns_alone: wanted.columns_alone,
            nulls: wanted.nulls,
            into: wanted.into.clone(),
        }
    }

    pub(crate) fn params(&self) -> &[Column] {
        &self.params
    }

    /// Pushes the arguments that a line gives.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(crate) fn read(&self, line: &str, args: &mut Vec<Value>) -> Result<Given, RowError> {
        let first = line.bytes().find(|byte| !byte.is_ascii_whitespace());
        let trail = Trail::default();
        let done = match first {
            Some(b'{') if self.is_alone(line, first) && self.has_into(line) => {
                let into = self.into.as_deref().unwrap_or_default();
                return Err(RowError::row(format!("it has a field `{}` already", shown(into))));
            }
            _ if self.is_alone(line, first) => self.value(line, &trail, args),
            Some(b'{') => {
                let mut from = Deserializer::from_str(line);
                from.deserialize_map(Fields { reader: self, trail: &trail, args })
                    .and_then(|given| from.end().map(|()| given))
            }
            Some(b'[') => {
                let mut from = Deserializer::from_str(line);
                from.deserialize_seq(Fields { reader: self, trail: &trail, args })
                    .and_then(|given| from.end().map(|()| given))
            }
            None => return Err(RowError::row("expected a JSON object, but was given nothing")),
            Some(_) => {
                return match serde_json::from_str::<IgnoredAny>(line) {
                    Err(error) => Err(trail.error(&error)),
                    Ok(_) if self.params.is_empty() => Err(RowError::row(format!(
                        "expected an object, whatever is in it, but was given `{}`",
                        shown(line)
                    ))),
                    Ok(_) => Err(RowError::row(format!(
                        "expected an object with {}, but was given `{}`",
                        self.names(),
                        shown(line)
                    ))),
                };
            }
        };
        done.map_err(|error| match line.trim() {
            "{" | "[" => RowError::row(
                "expected a JSON document on each line, but this one goes on over several: `jq -c` writes each on one",
            ),
            _ => trail.error(&error),
        })
    }

    /// Whether a line, which begins so, is the value of the only parameter, and not an object or an array with it.
    fn is_alone(&self, line: &str, first: Option<u8>) -> bool {
        match (first, self.alone) {
            (_, None) => false,
            (Some(b'{'), Some(Alone { object, field, .. })) => object && (field || !self.has_param(line)),
            (Some(b'['), Some(Alone { array, .. })) => array,
            (_, Some(_)) => true,
        }
    }

    /// Pushes what a line that gives no arguments has for each parameter: a value of its type; the text of what is there, if it is none; an
    /// option's none, if nothing is there.
    pub(crate) fn remains(&self, line: &str, cells: &mut Vec<Value>) {
        let line = line.trim_ascii();
        let parts: Vec<Option<&RawValue>> = match line.bytes().next() {
            first if self.is_alone(line, first) => vec![serde_json::from_str(line).ok()],
            Some(b'[') => serde_json::from_str(line).unwrap_or_default(),
            _ => {
                let members = members(line).unwrap_or_default();
                let field = |param: &Column| members.iter().find(|(name, _)| same(&param.name, name));
                self.params.iter().map(|param| field(param).map(|(_, part)| *part)).collect()
            }
        };
        let parts = parts.into_iter().chain(std::iter::repeat(None));
        cells.extend(self.params.iter().zip(parts).map(|(param, part)| self.remaining(param, part)));
    }

    fn remaining(&self, param: &Column, part: Option<&RawValue>) -> Value {
        let Some(part) = part.map(RawValue::get).filter(|part| *part != "null") else { return Value::Option(None) };
        let seed = Seed { ty: &param.ty, strict: self.strict || self.columns_alone, trail: &Trail::default() };
        seed.deserialize(&mut Deserializer::from_str(part))
            .unwrap_or_else(|_| Value::from(serde_json::from_str(part).unwrap_or_else(|_| part.to_owned())))
    }

    /// The line as the value of the only parameter.
    fn value(&self, line: &str, trail: &Trail, args: &mut Vec<Value>) -> serde_json::Result<Given> {
        let mut from = Deserializer::from_str(line);
        let given =
            Param { reader: self, at: 0, trail }.deserialize(&mut from).inspect_err(|_| self.column(trail, 0))?;
        from.end()?;
        Ok(push(args, given))
    }

    /// Says that a failure is in a parameter.
    fn column(&self, trail: &Trail, at: usize) {
        trail.step(&*self.params[at].name);
    }

    /// Whether an object has the field already that a result is to be added as.
    fn has_into(&self, line: &str) -> bool {
        let into = self.into.as_ref();
        into.is_some_and(|into| keys(line, |key| key == into).is_some_and(|(has, _)| has))
    }

    /// Whether an object gives the only parameter by name: it has such a field, or no field at all where the parameter is an option.
    fn has_param(&self, line: &str) -> bool {
        let Some(param) = self.params.first() else { return false };
        match keys(line, |key| same(&param.name, key)) {
            Some((_, 0)) => matches!(param.ty, Type::Option(_)),
            Some((has, _)) => has,
            None => false,
        }
    }

    /// The parameters, for messages.
    fn names(&self) -> String {
        match self.params.as_slice() {
            [] => "nothing".to_owned(),
            params => params.iter().map(|param| format!("`{}`", param.name)).collect::<Vec<_>>().join(", "),
        }
    }
}

/// Whether an object has a field that is meant, and how many fields it has; none if it is no object.
fn keys(text: &str, is_meant: impl Fn(&str) -> bool) -> Option<(bool, usize)> {
    struct Keys<F>(F);

    impl<'de, F: Fn(&str) -> bool> Visitor<'de> for Keys<F> {
        type Value = (bool, usize);

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<(bool, usize), A::Error> {
            let mut found = (false, 0);
            while let Some(key) = from.next_key::<Cow<'de, str>>()? {
                found = (found.0 | (self.0)(&key), found.1 + 1);
                from.next_value::<IgnoredAny>()?;
            }
            Ok(found)
        }
    }

    let mut from = Deserializer::from_str(text);
    let keys = from.deserialize_map(Keys(is_meant)).ok()?;
    from.end().ok().map(|()| keys)
}

/// The fields of an object, in order; none if it is no object.
pub(super) fn members<'t>(text: &'t str) -> Option<Vec<(Cow<'t, str>, &'t RawValue)>> {
    struct Members;

    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = from.next_entry::<Cow<'de, str>, &'de RawValue>()? {
                members.push(member);
            }
            Ok(members)
        }
    }

    let mut from = Deserializer::from_str(text);
    let members = from.deserialize_map(Members).ok()?;
    from.end().ok().map(|()| members)
}

/// Adds a value, or nothing if it is a null that makes the result one.
fn push(args: &mut Vec<Value>, given: Option<Value>) -> Given {
    match given {
        Some(value) => {
            args.push(value);
            Given::Args
        }
        None => Given::Null,
    }
}

/// The value of a parameter; none if it is a null that makes the result one.
struct Param<'a> {
    reader: &'a LineReader,
    at: usize,
    trail: &'a Trail,
}

impl<'de> DeserializeSeed<'de> for Param<'_> {
    type Value = Option<Value>;

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<Option<Value>, D::Error> {
        let Param { reader, at, trail } = self;
        let ty = &reader.params[at].ty;
        // What a record has not would be lost as other fields are.
        let seed = Seed { ty, strict: reader.strict || reader.columns_alone, trail };
        match reader.nulls {
            Nulls::Null if !matches!(ty, Type::Option(_)) => from.deserialize_option(Nullable(seed)),
            _ => seed.deserialize(from).map(Some),
        }
    }
}

struct Nullable<'a>(Seed<'a>);

impl<'de> Visitor<'de> for Nullable<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_none<E: Error>(self) -> Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_some<D: serde::Deserializer<'de>>(self, from: D) -> Result<Option<Value>, D::Error> {
        self.0.deserialize(from).map(Some)
    }
}

/// The arguments in an object or an array.
struct Fields<'a> {
    reader: &'a LineReader,
    trail: &'a Trail,
    args: &'a mut Vec<Value>,
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = Given;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Given, A::Error> {
        let Fields { reader, trail, args } = self;
        let base = args.len();
        let count = reader.params.len();
        // What is not given yet stands as a value that no parameter takes from a row.
        let mut given = Set::new(count);
        args.resize(base + count, Value::Bool(false));
        let mut null = false;
        let mut others = Others::default();
        let mut next = 0;
        while let Some(key) = from.next_key::<Cow<'de, str>>()? {
            let at = match reader.params.get(next) {
                Some(param) if *param.name == *key => Some(next),
                _ => reader.params.iter().position(|param| same(&param.name, &key)),
            };
            let Some(at) = at else {
                if reader.strict {
                    return Err(A::Error::custom(format!(
                        "`{}` takes no `{}`; there is {}",
                        reader.function,
                        shown(&key),
                        reader.names()
                    )));
                }
                if reader.into.as_ref().is_some_and(|into| **into == *key) {
                    return Err(A::Error::custom(format!("it has a field `{}` already", shown(&key))));
                }
                if reader.columns_alone {
                    return Err(A::Error::custom(format!(
                        "its field `{}` would be lost: the output has columns for the parameters and the result alone; NDJSON keeps \
                         whole rows",
                        shown(&key)
                    )));
                }
                let twice = shown(&key);
                if !others.add(key) {
                    return Err(A::Error::custom(format!("it has the field `{twice}` twice")));
                }
                from.next_value::<IgnoredAny>()?;
                continue;
            };
            if given.has(at) {
                return Err(A::Error::custom(format!("it has the field `{}` twice", shown(&key))));
            }
            if reader.into.as_ref().is_some_and(|into| **into == *key) {
                return Err(A::Error::custom(format!("it has a field `{}` already", shown(&key))));
            }
            let value = from.next_value_seed(Param { reader, at, trail }).inspect_err(|_| reader.column(trail, at))?;
            match value {
                Some(value) => args[base + at] = value,
                None => null = true,
            }
            given.add(at);
            next = at + 1;
        }
        for (at, param) in reader.params.iter().enumerate() {
            if given.has(at) {
                continue;
            }
            if !matches!(param.ty, Type::Option(_)) {
                reader.column(trail, at);
                return Err(A::Error::custom("it is not given"));
            }
            args[base + at] = Value::Option(None);
        }
        Ok(if null { Given::Null } else { Given::Args })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Given, A::Error> {
        let Fields { reader, trail, args } = self;
        let mut whole = Given::Args;
        let mut given = 0;
        for (at, param) in reader.params.iter().enumerate() {
            let next = from.next_element_seed(Param { reader, at, trail }).inspect_err(|_| reader.column(trail, at))?;
            match next {
                Some(value) => {
                    given += 1;
                    if push(args, value) == Given::Null {
                        whole = Given::Null;
                    }
                }
                // Options at the end may be left out.
                None if matches!(param.ty, Type::Option(_)) => args.push(Value::Option(None)),
                None => {
                    reader.column(trail, at);
                    return Err(A::Error::custom(format!(
                        "expected a value for each of {}, but was given {given}",
                        reader.names()
                    )));
                }
            }
        }
        let mut more = 0;
        while from.next_element::<IgnoredAny>()?.is_some() {
            more += 1;
        }
        if more > 0 && reader.params.is_empty() {
            return Err(A::Error::custom(format!(
                "expected nothing, as `{}` takes nothing from a row",
                reader.function
            )));
        }
        if more > 0 {
            return Err(A::Error::custom(format!(
                "expected a value for each of {}, but was given {}",
                reader.names(),
                given + more
            )));
        }
        Ok(whole)
    }
}

/// Which parameters were given.
struct Set {
    low: u64,
    /// Beyond the first 64.
    rest: Vec<bool>,
}

impl Set {
    fn new(count: usize) -> Set {
        Set { low: 0, rest: vec![false; count.saturating_sub(64)] }
    }

    fn has(&self, at: usize) -> bool {
        if at < 64 { self.low >> at & 1 == 1 } else { self.rest[at - 64] }
    }

    fn add(&mut self, at: usize) {
        if at < 64 { self.low |= 1 << at } else { self.rest[at - 64] = true }
    }
}

/// The fields that no parameter takes: each may be there once.
#[derive(Default)]
struct Others<'de> {
    few: Vec<Cow<'de, str>>,
    many: HashSet<Cow<'de, str>>,
}

impl<'de> Others<'de> {
    /// Adds a field; false if it is there.
    fn add(&mut self, name: Cow<'de, str>) -> bool {
        /// Up to so many are compared one by one.
        const FEW: usize = 16;
        if self.many.is_empty() {
            if self.few.contains(&name) {
                return false;
            }
            if self.few.len() < FEW {
                self.few.push(name);
                return true;
            }
            self.many.extend(self.few.drain(..));
        }
        self.many.insert(name)
    }
}

/// Whether a value of the type may be an object in JSON.
fn is_object(ty: &Type) -> bool {
    match ty {
        Type::Record(_) | Type::Variant(_) | Type::Result(_) => true,
        Type::Option(some) => matches!(**some, Type::Option(_)) || is_object(some),
        _ => false,
    }
}

/// Whether a value of the type may be an object with a field of that name.
fn has_field(ty: &Type, name: &str) -> bool {
    match ty {
        Type::Record(fields) => fields.iter().any(|(field, _)| same(field, name)),
        Type::Variant(cases) => cases.iter().any(|(case, _)| same(case, name)),
        Type::Result(_) => name == "ok" || name == "err",
        Type::Option(some) => matches!(**some, Type::Option(_)) && name == "some" || has_field(some, name),
        _ => false,
    }
}

/// Whether a value of the type may be an array in JSON.
fn is_array(ty: &Type) -> bool {
    match ty {
        Type::List(_) | Type::Tuple(_) | Type::Flags(_) | Type::V128 => true,
        Type::Option(some) => is_array(some),
        _ => false,
    }
}
