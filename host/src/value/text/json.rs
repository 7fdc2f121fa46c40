//! JSON text to a tree.

use super::fault::Fault;
use super::tree::{Form, Label, Node, check_depth};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

pub(super) fn parse(text: &str) -> Result<Node<'_>, Fault> {
    let raw = serde_json::from_str(text).map_err(|error| {
        // What makes values knows more to say of the same place: that a comma is one too many.
        let told = serde_json::from_str::<serde_json::Value>(text).err();
        let told = told.filter(|told| (told.line(), told.column()) == (error.line(), error.column()));
        fault(text, text, told.as_ref().unwrap_or(&error))
    })?;
    Reader { text }.node(raw, 0)
}

struct Reader<'a> {
    text: &'a str,
}

impl<'a> Reader<'a> {
    /// The tree of a part of the text, which was seen to be JSON but for what escapes stand for. Parts are looked at once
    /// for each level they are in: numbers and places are known by their text alone.
    fn node(&self, raw: &'a RawValue, depth: usize) -> Result<Node<'a>, Fault> {
        let at = self.offset(raw);
        let part = raw.get();
        check_depth(depth, at)?;
        let form = match part.as_bytes()[0] {
            b'n' => Form::Null,
            b't' => Form::Bool(true),
            b'f' => Form::Bool(false),
            b'"' => Form::Text(self.string(raw)?),
            b'[' => {
                let parts: Vec<&RawValue> = self.read(part)?;
                Form::List(parts.into_iter().map(|part| self.node(part, depth + 1)).collect::<Result<_, _>>()?)
            }
            b'{' => {
                let Members(members) = self.read(part)?;
                let members = members.into_iter().map(|(name, value)| {
                    let label = Label { name: self.string(name)?, at: self.offset(name) };
                    Ok((label, self.node(value, depth + 1)?))
                });
                Form::Record(members.collect::<Result<_, _>>()?)
            }
            _ => Form::Number,
        };
        Ok(Node { span: at..at + part.len(), form })
    }

    fn string(&self, raw: &'a RawValue) -> Result<Cow<'a, str>, Fault> {
        let inner = &raw.get()[1..raw.get().len() - 1];
        if inner.contains('\\') { self.read::<String>(raw.get()).map(Cow::Owned) } else { Ok(Cow::Borrowed(inner)) }
    }

    fn read<T: Deserialize<'a>>(&self, part: &'a str) -> Result<T, Fault> {
        serde_json::from_str(part).map_err(|error| fault(self.text, part, &error))
    }

    /// Where the part begins.
    fn offset(&self, raw: &RawValue) -> usize {
        offset(self.text, raw.get())
    }
}

fn offset(text: &str, part: &str) -> usize {
    part.as_ptr() as usize - text.as_ptr() as usize
}

/// What is wrong with a part of the text; the error counts lines and bytes from the part's beginning.
fn fault(text: &str, part: &str, error: &serde_json::Error) -> Fault {
    let why = error.to_string();
    let why = why.rsplit_once(" at line ").map_or(&*why, |(why, _)| why).to_owned();
    let lines: usize = part.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let mut at = (offset(text, part) + lines + error.column().saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    Fault::new(at, why)
}

/// An object's members, in their order, each as often as it is there.
struct Members<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Members<'de>, D::Error> {
        struct Each;

        impl<'de> Visitor<'de> for Each {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        from.deserialize_map(Each)
    }
}
