//! Results as JSON, straight out of a guest's memory: no value is made of what is written down at once.
//!
//! What is checked, and what is charged to the [`Budget`], is the same as where a value is lifted.

use super::layout::{Inner, Shape};
use super::lift::{Budget, Lift, Wrong, payload};
use crate::ir::Encoding;
use crate::value::{Json, Name, Type, Value, size};
use std::sync::Arc;

/// What a function gave whose result was to be written as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// What is written; of a `result`, what was in `ok`.
    Written,
    /// An `err`. Nothing is written.
    Err(Option<Arc<Value>>),
}

/// Reads a result from memory, and writes it. The address has to be aligned for its type.
pub(crate) fn answer(
    memory: &[u8],
    encoding: Encoding,
    shape: &Shape<'_>,
    at: u32,
    budget: &mut Budget<'_>,
    json: &mut Json<'_>,
) -> Result<Answer, Wrong> {
    let mut lift = Lift { memory, encoding, budget };
    lift.bytes(at, shape.layout.size, shape.layout.align, "a value")?;
    let at = at as usize;
    let (Type::Result(_), Inner::Cases(cases)) = (&*shape.ty, &shape.inner) else {
        lift.write(shape, at, json)?;
        return Ok(Answer::Written);
    };
    lift.budget.look.value()?;
    let number = lift.case(cases, at)?;
    let payload = payload(cases, number)?;
    if payload.is_some() {
        lift.budget.take(size::shared(size_of::<Value>()))?;
    }
    match (number, payload) {
        (0, Some(shape)) => lift.write(shape, at + cases.offset, json)?,
        (0, None) => json.raw(b"null"),
        (_, payload) => {
            let value = payload.map(|shape| lift.load(shape, at + cases.offset)).transpose()?;
            return Ok(Answer::Err(value.map(Arc::new)));
        }
    }
    Ok(Answer::Written)
}

impl Lift<'_, '_, '_> {
    /// Writes a value that is at an address which is aligned and within memory.
    fn write(&mut self, shape: &Shape<'_>, at: usize, json: &mut Json<'_>) -> Result<(), Wrong> {
        match (&*shape.ty, &shape.inner) {
            (Type::String, _) => {
                self.budget.look.value()?;
                let (start, units) = (self.word(at)?, self.word(at + 4)?);
                match self.short_text(start, units)? {
                    Some(text) => json.string(text),
                    None => json.value(&self.text(start, units)?),
                }
            }
            (_, Inner::Element(element)) => {
                self.budget.look.value()?;
                let (start, len) = (self.word(at)?, self.word(at + 4)? as usize);
                self.list_bytes(element, start, len)?;
                json.raw(b"[");
                for number in 0..len {
                    json.separate(number);
                    self.write(element, start as usize + number * element.layout.size, json)?;
                }
                json.raw(b"]");
            }
            (Type::Record(names), Inner::Fields(fields)) => {
                self.budget.look.value()?;
                self.budget.take(size::shared(fields.len() * size_of::<(Name, Value)>()))?;
                json.raw(b"{");
                for (number, ((name, _), (offset, shape))) in names.iter().zip(fields).enumerate() {
                    json.separate(number);
                    json.name(name);
                    self.write(shape, at + offset, json)?;
                }
                json.raw(b"}");
            }
            (_, Inner::Fields(fields)) => {
                self.budget.look.value()?;
                self.budget.take(size::shared(fields.len() * size_of::<Value>()))?;
                json.raw(b"[");
                for (number, (offset, shape)) in fields.iter().enumerate() {
                    json.separate(number);
                    self.write(shape, at + offset, json)?;
                }
                json.raw(b"]");
            }
            (ty, Inner::Cases(cases)) => {
                self.budget.look.value()?;
                let number = self.case(cases, at)?;
                let payload = payload(cases, number)?;
                if payload.is_some() {
                    self.budget.take(size::shared(size_of::<Value>()))?;
                }
                let tag = tag(ty, number as usize, payload);
                match tag {
                    Some(tag) if payload.is_none() && !matches!(ty, Type::Result(_)) => {
                        json.string(tag);
                        return Ok(());
                    }
                    Some(tag) => {
                        json.raw(b"{");
                        json.name(tag);
                    }
                    None => {}
                }
                match payload {
                    Some(shape) => self.write(shape, at + cases.offset, json)?,
                    None => json.raw(b"null"),
                }
                if tag.is_some() {
                    json.raw(b"}");
                }
            }
            (_, Inner::Whole) => json.value(&self.load(shape, at)?),
        }
        Ok(())
    }
}

/// The name that a case is written with, if it is.
fn tag<'t>(ty: &'t Type, number: usize, payload: Option<&Shape<'_>>) -> Option<&'t str> {
    match ty {
        Type::Variant(cases) => Some(&cases[number].0),
        Type::Enum(cases) => Some(&cases[number]),
        Type::Result(_) => Some(if number == 0 { "ok" } else { "err" }),
        // Null is taken: it is none.
        _ => payload.is_some_and(|some| matches!(*some.ty, Type::Option(_))).then_some("some"),
    }
}
