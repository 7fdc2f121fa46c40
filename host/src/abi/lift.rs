//! Lifting: values out of a guest.

use super::layout::{Cases, Inner, Layout, Shape};
use super::look::{Look, PART, Stopped};
use super::strings::{decode, extent};
use crate::ir::Encoding;
use crate::value::types::scalar;
use crate::value::{List, Name, Type, Value, size};
use std::sync::Arc;

/// How much memory the host may take for what a guest has it read, in bytes.
///
/// A long list costs a guest nothing: its elements may all point to the same megabyte.
pub(crate) struct Budget<'s> {
    left: usize,
    pub(super) look: Look<'s>,
}

impl<'s> Budget<'s> {
    /// A budget of so many bytes, with the check whether the call may go on.
    pub(crate) fn new(bytes: usize, look: Look<'s>) -> Budget<'s> {
        Budget { left: bytes, look }
    }

    pub(super) fn take(&mut self, bytes: usize) -> Result<(), Wrong> {
        self.left = self.left.checked_sub(bytes).ok_or(Wrong::TooMuch)?;
        Ok(())
    }
}

/// Why a value cannot be lifted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// It breaks the canonical ABI.
    Broken(String),
    /// It is more than a call may have the host read.
    TooMuch,
    /// Nothing is wrong, but the call must not go on.
    Stopped,
}

impl From<Stopped> for Wrong {
    fn from(_: Stopped) -> Wrong {
        Wrong::Stopped
    }
}

type Lifted = Result<Value, Wrong>;

fn broken<T>(message: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong::Broken(message.into()))
}

/// Lifts a value from core values; what they point to is read from memory.
pub(crate) fn lift(
    memory: &[u8],
    encoding: Encoding,
    shape: &Shape<'_>,
    flat: &mut &[u64],
    budget: &mut Budget<'_>,
) -> Lifted {
    Lift { memory, encoding, budget }.flat(shape, flat)
}

/// Reads a value from memory. The address has to be aligned for its type.
pub(crate) fn load(memory: &[u8], encoding: Encoding, shape: &Shape<'_>, at: u32, budget: &mut Budget<'_>) -> Lifted {
    let mut lift = Lift { memory, encoding, budget };
    lift.bytes(at, shape.layout.size, shape.layout.align, "a value")?;
    lift.load(shape, at as usize)
}

/// Reads values from memory that are laid out as a tuple's.
pub(crate) fn load_all(
    memory: &[u8],
    encoding: Encoding,
    types: &[Type],
    at: u32,
    budget: &mut Budget<'_>,
) -> Result<Vec<Value>, Wrong> {
    let (Layout { size, align }, shapes) = Shape::all(types.iter());
    let mut lift = Lift { memory, encoding, budget };
    lift.bytes(at, size, align, "parameters")?;
    shapes.iter().map(|(offset, shape)| lift.load(shape, at as usize + offset)).collect()
}

pub(super) struct Lift<'a, 'b, 's> {
    pub(super) memory: &'a [u8],
    pub(super) encoding: Encoding,
    pub(super) budget: &'b mut Budget<'s>,
}

impl<'a> Lift<'a, '_, '_> {
    pub(super) fn bytes(&self, at: u32, len: usize, align: usize, what: &str) -> Result<&'a [u8], Wrong> {
        let at = at as usize;
        if !at.is_multiple_of(align) {
            return broken(format!("{what} at address {at}, which is not a multiple of {align}"));
        }
        match at.checked_add(len).and_then(|end| self.memory.get(at..end)) {
            Some(bytes) => Ok(bytes),
            None => broken(format!("{what} of {len} bytes at address {at}, beyond the end of its memory")),
        }
    }

    /// The bytes of a number.
    fn number<const N: usize>(&self, at: usize) -> Result<[u8; N], Wrong> {
        let bytes = self.memory.get(at..).and_then(|bytes| bytes.first_chunk::<N>());
        bytes.copied().map_or_else(|| broken("a value beyond the end of its memory"), Ok)
    }

    pub(super) fn word(&self, at: usize) -> Result<u32, Wrong> {
        self.number(at).map(u32::from_le_bytes)
    }

    /// The number of a case.
    pub(super) fn case(&self, cases: &Cases<'_>, at: usize) -> Result<u32, Wrong> {
        Ok(match cases.tag {
            1 => self.number::<1>(at)?[0].into(),
            2 => u16::from_le_bytes(self.number(at)?).into(),
            _ => self.word(at)?,
        })
    }

    fn char(&self, code: u32) -> Result<char, Wrong> {
        char::from_u32(code).map_or_else(|| broken(format!("{code:#x}, which is no character")), Ok)
    }

    /// A string as it stands in memory; none if it is long, not in UTF-8, or broken: then nothing is charged.
    pub(super) fn short_text(&mut self, at: u32, units: u32) -> Result<Option<&'a str>, Wrong> {
        let len = units as usize;
        if self.encoding != Encoding::Utf8 || len > PART {
            return Ok(None);
        }
        let Ok(text) = std::str::from_utf8(self.bytes(at, len, 1, "a string")?) else { return Ok(None) };
        self.budget.take(size::shared(len))?;
        self.budget.look.bytes(len)?;
        Ok(Some(text))
    }

    pub(super) fn text(&mut self, at: u32, units: u32) -> Lifted {
        let (len, align, wide) = extent(units, self.encoding);
        let bytes = self.bytes(at, len, align, "a string")?;
        self.budget.take(size::shared(len))?;
        match decode(bytes, self.encoding, wide, &mut self.budget.look)? {
            Some(text) => {
                // Text of another encoding may be longer in UTF-8.
                self.budget.take(size::shared(text.len()).saturating_sub(size::shared(len)))?;
                Ok(Value::String(text))
            }
            None => {
                broken(format!("a string at address {at} that is not valid {}", if wide { "UTF-16" } else { "UTF-8" }))
            }
        }
    }

    /// The bytes of a list's elements.
    pub(super) fn list_bytes(&mut self, element: &Shape<'_>, at: u32, len: usize) -> Result<&'a [u8], Wrong> {
        let size = element.layout.size.saturating_mul(len);
        let bytes = self.bytes(at, size, element.layout.align, "a list")?;
        // v128 is the only number type without a list of its own.
        let packed = element.ty.is_scalar() && *element.ty != Type::V128;
        self.budget.take(size::list(if packed { size } else { len.saturating_mul(size_of::<Value>()) }))?;
        Ok(bytes)
    }

    fn list(&mut self, shape: &Shape<'_>, at: u32, len: u32) -> Lifted {
        let (element, one, len) = (&*shape.ty, shape.layout, len as usize);
        let bytes = self.list_bytes(shape, at, len)?;
        let look = &mut self.budget.look;
        macro_rules! numbers {
            ($rust:ty, $size:literal) => {{
                let mut values: Vec<$rust> = Vec::with_capacity(len);
                for part in bytes.chunks(PART) {
                    look.bytes(part.len())?;
                    values.extend(part.chunks_exact($size).map(|chunk| {
                        let mut bytes = [0; $size];
                        bytes.copy_from_slice(chunk);
                        <$rust>::from_le_bytes(bytes)
                    }));
                }
                List::from(values)
            }};
        }
        Ok(Value::List(match element {
            Type::U8 => {
                let mut values = Vec::with_capacity(len);
                for part in bytes.chunks(PART) {
                    look.bytes(part.len())?;
                    values.extend_from_slice(part);
                }
                List::from(values)
            }
            Type::Bool => {
                let mut values = Vec::with_capacity(len);
                for part in bytes.chunks(PART) {
                    look.bytes(part.len())?;
                    values.extend(part.iter().map(|&byte| byte != 0));
                }
                List::from(values)
            }
            Type::S8 => numbers!(i8, 1),
            Type::S16 => numbers!(i16, 2),
            Type::U16 => numbers!(u16, 2),
            Type::S32 | Type::I32 => numbers!(i32, 4),
            Type::U32 => numbers!(u32, 4),
            Type::S64 | Type::I64 => numbers!(i64, 8),
            Type::U64 => numbers!(u64, 8),
            Type::F32 => numbers!(f32, 4),
            Type::F64 => numbers!(f64, 8),
            Type::Char => {
                // With capacity for all: a vector that grows takes up to twice as much.
                let mut values = Vec::with_capacity(len);
                for part in bytes.chunks(PART) {
                    self.budget.look.bytes(part.len())?;
                    for code in part.chunks_exact(4) {
                        values.push(self.char(u32::from_le_bytes([code[0], code[1], code[2], code[3]]))?);
                    }
                }
                List::from(values)
            }
            Type::V128
            | Type::String
            | Type::List(_)
            | Type::Record(_)
            | Type::Tuple(_)
            | Type::Variant(_)
            | Type::Enum(_)
            | Type::Option(_)
            | Type::Result(_)
            | Type::Flags(_) => {
                let at = at as usize;
                let mut values = Vec::with_capacity(len);
                for i in 0..len {
                    values.push(self.load(shape, at + i * one.size)?);
                }
                List::from(values)
            }
        }))
    }

    /// Reads a value from an address that is aligned and within memory.
    pub(super) fn load(&mut self, shape: &Shape<'_>, at: usize) -> Lifted {
        self.budget.look.value()?;
        let ty = &*shape.ty;
        Ok(match (ty, &shape.inner) {
            (Type::List(_), Inner::Element(element)) => self.list(element, self.word(at)?, self.word(at + 4)?)?,
            (Type::Record(names), Inner::Fields(fields)) => {
                self.budget.take(size::shared(fields.len() * size_of::<(Name, Value)>()))?;
                let values = names
                    .iter()
                    .zip(fields)
                    .map(|((name, _), (offset, shape))| Ok((name.clone(), self.load(shape, at + offset)?)));
                Value::Record(values.collect::<Result<_, Wrong>>()?)
            }
            (_, Inner::Fields(fields)) => {
                self.budget.take(size::shared(fields.len() * size_of::<Value>()))?;
                let values = fields.iter().map(|(offset, shape)| self.load(shape, at + offset));
                Value::Tuple(values.collect::<Result<_, Wrong>>()?)
            }
            (_, Inner::Cases(cases)) => {
                let number = self.case(cases, at)?;
                let payload = match payload(cases, number)? {
                    Some(shape) => {
                        self.budget.take(size::shared(size_of::<Value>()))?;
                        Some(Arc::new(self.load(shape, at + cases.offset)?))
                    }
                    None => None,
                };
                made(ty, number as usize, payload)
            }
            (Type::Bool, _) => Value::Bool(self.number::<1>(at)?[0] != 0),
            (Type::S8, _) => Value::I8(i8::from_le_bytes(self.number(at)?)),
            (Type::U8, _) => Value::U8(u8::from_le_bytes(self.number(at)?)),
            (Type::S16, _) => Value::I16(i16::from_le_bytes(self.number(at)?)),
            (Type::U16, _) => Value::U16(u16::from_le_bytes(self.number(at)?)),
            (Type::S32 | Type::I32, _) => Value::I32(i32::from_le_bytes(self.number(at)?)),
            (Type::U32, _) => Value::U32(self.word(at)?),
            (Type::S64 | Type::I64, _) => Value::I64(i64::from_le_bytes(self.number(at)?)),
            (Type::U64, _) => Value::U64(u64::from_le_bytes(self.number(at)?)),
            (Type::F32, _) => Value::F32(f32::from_le_bytes(self.number(at)?)),
            (Type::F64, _) => Value::F64(f64::from_le_bytes(self.number(at)?)),
            (Type::V128, _) => Value::V128(self.number(at)?),
            (Type::Char, _) => Value::Char(self.char(self.word(at)?)?),
            (Type::String, _) => self.text(self.word(at)?, self.word(at + 4)?)?,
            (Type::Flags(names), _) => {
                let bits = names.iter().enumerate().map(|(number, name)| {
                    Ok((self.number::<1>(at + number / 8)?[0] & 1 << (number % 8) != 0).then(|| name.clone()))
                });
                let set: Vec<Option<Name>> = bits.collect::<Result<_, Wrong>>()?;
                let set: Vec<Name> = set.into_iter().flatten().collect();
                self.budget.take(size::shared(set.len() * size_of::<Name>()))?;
                Value::Flags(set.into())
            }
            // These have parts.
            (Type::List(_) | Type::Record(_) | Type::Tuple(_) | Type::Variant(_) | Type::Enum(_), _) => Value::unit(),
            (Type::Option(_) | Type::Result(_), _) => Value::unit(),
        })
    }

    fn flat(&mut self, shape: &Shape<'_>, flat: &mut &[u64]) -> Lifted {
        let mut next = || match flat.split_first() {
            Some((first, rest)) => {
                *flat = rest;
                Ok(*first)
            }
            None => broken("fewer values than its type has"),
        };
        let ty = &*shape.ty;
        Ok(match (ty, &shape.inner) {
            (Type::String, _) => {
                let (at, len) = (next()? as u32, next()? as u32);
                self.text(at, len)?
            }
            (_, Inner::Element(element)) => {
                let (at, len) = (next()? as u32, next()? as u32);
                self.list(element, at, len)?
            }
            (Type::Char, _) => Value::Char(self.char(next()? as u32)?),
            (Type::Record(names), Inner::Fields(fields)) => {
                self.budget.take(size::shared(fields.len() * size_of::<(Name, Value)>()))?;
                let values =
                    names.iter().zip(fields).map(|((name, _), (_, shape))| Ok((name.clone(), self.flat(shape, flat)?)));
                Value::Record(values.collect::<Result<_, Wrong>>()?)
            }
            (_, Inner::Fields(fields)) => {
                self.budget.take(size::shared(fields.len() * size_of::<Value>()))?;
                Value::Tuple(fields.iter().map(|(_, shape)| self.flat(shape, flat)).collect::<Result<_, _>>()?)
            }
            (Type::Flags(names), _) => {
                let words = (0..names.len().div_ceil(32)).map(|_| next()).collect::<Result<Vec<_>, _>>()?;
                let set = names.iter().enumerate().filter(|(number, _)| words[number / 32] & 1 << (number % 32) != 0);
                let set: Vec<Name> = set.map(|(_, name)| name.clone()).collect();
                self.budget.take(size::shared(set.len() * size_of::<Name>()))?;
                Value::Flags(set.into())
            }
            (_, Inner::Cases(cases)) => {
                let number = next()? as u32;
                let payload = payload(cases, number)?;
                let (mut own, rest) = flat
                    .split_at_checked(shape.flat - 1)
                    .map_or_else(|| broken("fewer values than its type has"), Ok)?;
                *flat = rest;
                let payload = match payload {
                    Some(shape) => {
                        self.budget.take(size::shared(size_of::<Value>()))?;
                        Some(Arc::new(self.flat(shape, &mut own)?))
                    }
                    None => None,
                };
                made(ty, number as usize, payload)
            }
            (scalar, _) => crate::value::from_slots(scalar, &mut next)?,
        })
    }
}

/// The payload of a case, if it has one; fails if there is no such case.
pub(super) fn payload<'s, 'a>(cases: &'s Cases<'a>, number: u32) -> Result<Option<&'s Shape<'a>>, Wrong> {
    if number as usize >= cases.count {
        return broken(format!("case number {number} of a type that has {} cases", cases.count));
    }
    Ok(cases.payload(number as usize))
}

/// The value of a case whose number was checked.
fn made(ty: &Type, number: usize, payload: Option<Arc<Value>>) -> Value {
    match ty {
        Type::Variant(cases) => Value::Variant(cases[number].0.clone(), payload),
        Type::Enum(cases) => Value::Enum(cases[number].clone()),
        Type::Result(_) if number == 0 => Value::Result(Ok(payload)),
        Type::Result(_) => Value::Result(Err(payload)),
        Type::Option(_) => Value::Option(payload),
        // These have no cases.
        scalar!() | Type::String | Type::List(_) | Type::Record(_) | Type::Tuple(_) | Type::Flags(_) => Value::unit(),
    }
}
