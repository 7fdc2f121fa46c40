//! Lowering: values into a guest.

use super::Flat;
use super::layout::{Inner, Shape};
use super::look::{Look, PART, Stopped};
use super::strings::encode;
use crate::ir::Encoding;
use crate::value::{Items, List, Type, Value};
use smallvec::SmallVec;
use std::sync::Arc;

/// The spaces that values take. Most calls have few strings and lists.
pub(crate) type Spaces = SmallVec<[Space; 4]>;

/// Where they are.
pub(crate) type Places = SmallVec<[u32; 4]>;

/// Space that is allocated in a guest's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Space {
    pub(crate) size: usize,
    pub(crate) align: usize,
}

/// Why a value cannot be lowered.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// It is not of the type. It was checked before, so this is a defect of the host.
    Value,
    /// The call must not go on.
    Stopped,
}

impl From<Stopped> for Unfit {
    fn from(_: Stopped) -> Unfit {
        Unfit::Stopped
    }
}

type Done = Result<(), Unfit>;

/// The space of values that are passed in memory, as a tuple.
pub(crate) fn tuple_space<'a>(types: impl Iterator<Item = &'a Type>) -> Space {
    let (layout, _) = Shape::all(types);
    Space { size: layout.size, align: layout.align }
}

/// The spaces of what a value points to, in the order in which `realloc` is called for them.
pub(crate) fn spaces(ty: &Type, value: &Value, encoding: Encoding, spaces: &mut Spaces, look: &mut Look<'_>) -> Done {
    spaces_of(&Shape::of(ty), value, encoding, spaces, look)
}

fn spaces_of(shape: &Shape<'_>, value: &Value, encoding: Encoding, spaces: &mut Spaces, look: &mut Look<'_>) -> Done {
    look.value()?;
    match (&shape.inner, value) {
        (Inner::Whole, Value::String(text)) => {
            let encoded = encode(text, encoding, look)?;
            spaces.push(Space { size: encoded.bytes.len(), align: encoded.align });
        }
        (Inner::Element(element), Value::List(list)) => {
            let one = element.layout;
            spaces.push(Space { size: one.size.checked_mul(list.len()).ok_or(Unfit::Value)?, align: one.align });
            for value in list.values().unwrap_or_default() {
                spaces_of(element, value, encoding, spaces, look)?;
            }
        }
        (Inner::Fields(fields), Value::Record(values)) => {
            for ((_, shape), (_, value)) in fields.iter().zip(values.iter()) {
                spaces_of(shape, value, encoding, spaces, look)?;
            }
        }
        (Inner::Fields(fields), Value::Tuple(values)) => {
            for ((_, shape), value) in fields.iter().zip(values.iter()) {
                spaces_of(shape, value, encoding, spaces, look)?;
            }
        }
        (Inner::Cases(_), _) => {
            if let (_, Some((shape, value))) = case(shape, value)? {
                spaces_of(shape, value, encoding, spaces, look)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Writes values into memory, where space was allocated for them.
pub(crate) struct Writer<'a> {
    pub(crate) memory: &'a mut [u8],
    pub(crate) encoding: Encoding,
    /// The addresses of the spaces, in the order of [`spaces`].
    pub(crate) places: <Places as IntoIterator>::IntoIter,
    pub(crate) look: Look<'a>,
}

impl Writer<'_> {
    fn place(&mut self) -> Result<u32, Unfit> {
        self.places.next().ok_or(Unfit::Value)
    }

    fn bytes(&mut self, at: usize, len: usize) -> Result<&mut [u8], Unfit> {
        let end = at.checked_add(len).ok_or(Unfit::Value)?;
        self.memory.get_mut(at..end).ok_or(Unfit::Value)
    }

    /// Copies bytes to an address, and checks now and then whether the call may go on.
    fn copy(&mut self, at: usize, bytes: &[u8]) -> Done {
        let end = at.checked_add(bytes.len()).ok_or(Unfit::Value)?;
        let place = self.memory.get_mut(at..end).ok_or(Unfit::Value)?;
        Ok(self.look.copy(place, bytes)?)
    }

    fn put<const N: usize>(&mut self, at: usize, bytes: [u8; N]) -> Done {
        self.bytes(at, N)?.copy_from_slice(&bytes);
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(u32, u32), Unfit> {
        let place = self.place()?;
        let encoded = encode(text, self.encoding, &mut self.look)?;
        self.copy(place as usize, &encoded.bytes)?;
        let units = u32::try_from(encoded.units).map_err(|_| Unfit::Value)?;
        Ok((place, units | encoded.tag))
    }

    fn list(&mut self, element: &Shape<'_>, list: &List) -> Result<(u32, u32), Unfit> {
        let place = self.place()?;
        let len = u32::try_from(list.len()).map_err(|_| Unfit::Value)?;
        macro_rules! numbers {
            ($values:expr, $size:literal) => {{
                let mut at = place as usize;
                self.bytes(at, $values.len() * $size)?;
                for part in $values.chunks(PART / $size) {
                    self.look.bytes(part.len() * $size)?;
                    let bytes = self.bytes(at, part.len() * $size)?;
                    for (place, value) in bytes.chunks_exact_mut($size).zip(part) {
                        place.copy_from_slice(&value.to_le_bytes());
                    }
                    at += part.len() * $size;
                }
            }};
        }
        match &list.0 {
            Items::Values(values) => {
                for (at, value) in values.iter().enumerate() {
                    self.store(element, value, place as usize + at * element.layout.size)?;
                }
            }
            _ if !list.is_packed(&element.ty) => return Err(Unfit::Value),
            Items::U8(values) => self.copy(place as usize, values)?,
            Items::Bool(values) => {
                let mut at = place as usize;
                for part in values.chunks(PART) {
                    self.look.bytes(part.len())?;
                    let bytes = self.bytes(at, part.len())?;
                    bytes.iter_mut().zip(part).for_each(|(byte, &value)| *byte = value.into());
                    at += part.len();
                }
            }
            Items::Char(values) => {
                let mut at = place as usize;
                for part in values.chunks(PART / 4) {
                    self.look.bytes(part.len() * 4)?;
                    let bytes = self.bytes(at, part.len() * 4)?;
                    for (place, &value) in bytes.chunks_exact_mut(4).zip(part) {
                        place.copy_from_slice(&u32::from(value).to_le_bytes());
                    }
                    at += part.len() * 4;
                }
            }
            Items::I8(values) => numbers!(values, 1),
            Items::I16(values) => numbers!(values, 2),
            Items::U16(values) => numbers!(values, 2),
            Items::I32(values) => numbers!(values, 4),
            Items::U32(values) => numbers!(values, 4),
            Items::I64(values) => numbers!(values, 8),
            Items::U64(values) => numbers!(values, 8),
            Items::F32(values) => numbers!(values, 4),
            Items::F64(values) => numbers!(values, 8),
        }
        Ok((place, len))
    }

    fn store(&mut self, shape: &Shape<'_>, value: &Value, at: usize) -> Done {
        self.look.value()?;
        match (&*shape.ty, &shape.inner, value) {
            (Type::Bool, _, Value::Bool(v)) => self.put(at, [(*v).into()]),
            (Type::S8, _, Value::I8(v)) => self.put(at, v.to_le_bytes()),
            (Type::U8, _, Value::U8(v)) => self.put(at, v.to_le_bytes()),
            (Type::S16, _, Value::I16(v)) => self.put(at, v.to_le_bytes()),
            (Type::U16, _, Value::U16(v)) => self.put(at, v.to_le_bytes()),
            (Type::S32 | Type::I32, _, Value::I32(v)) => self.put(at, v.to_le_bytes()),
            (Type::U32, _, Value::U32(v)) => self.put(at, v.to_le_bytes()),
            (Type::S64 | Type::I64, _, Value::I64(v)) => self.put(at, v.to_le_bytes()),
            (Type::U64, _, Value::U64(v)) => self.put(at, v.to_le_bytes()),
            (Type::F32, _, Value::F32(v)) => self.put(at, v.to_le_bytes()),
            (Type::F64, _, Value::F64(v)) => self.put(at, v.to_le_bytes()),
            (Type::Char, _, Value::Char(v)) => self.put(at, u32::from(*v).to_le_bytes()),
            (Type::String, _, Value::String(text)) => {
                let (place, len) = self.text(text)?;
                self.put(at, place.to_le_bytes())?;
                self.put(at + 4, len.to_le_bytes())
            }
            (_, Inner::Element(element), Value::List(list)) => {
                let (place, len) = self.list(element, list)?;
                self.put(at, place.to_le_bytes())?;
                self.put(at + 4, len.to_le_bytes())
            }
            (Type::Record(_), Inner::Fields(fields), Value::Record(values)) if fields.len() == values.len() => fields
                .iter()
                .zip(values.iter())
                .try_for_each(|((offset, shape), (_, value))| self.store(shape, value, at + offset)),
            (Type::Tuple(_), Inner::Fields(fields), Value::Tuple(values)) if fields.len() == values.len() => fields
                .iter()
                .zip(values.iter())
                .try_for_each(|((offset, shape), value)| self.store(shape, value, at + offset)),
            (Type::Flags(names), _, Value::Flags(set)) => {
                let mut bits = vec![0u8; shape.layout.size];
                for (number, _) in names.iter().enumerate().filter(|(_, name)| set.contains(name)) {
                    bits[number / 8] |= 1 << (number % 8);
                }
                self.bytes(at, bits.len())?.copy_from_slice(&bits);
                Ok(())
            }
            (_, Inner::Cases(cases), _) => {
                let (number, payload) = case(shape, value)?;
                let number = (number as u32).to_le_bytes();
                self.bytes(at, cases.tag)?.copy_from_slice(&number[..cases.tag]);
                match payload {
                    Some((shape, value)) => self.store(shape, value, at + cases.offset),
                    None => Ok(()),
                }
            }
            _ => Err(Unfit::Value),
        }
    }

    fn lower(&mut self, shape: &Shape<'_>, value: &Value, flat: &mut Flat) -> Done {
        let signed = |v: i32| u64::from(v.cast_unsigned());
        match (&*shape.ty, &shape.inner, value) {
            (Type::Bool, _, Value::Bool(v)) => flat.push((*v).into()),
            (Type::S8, _, Value::I8(v)) => flat.push(signed((*v).into())),
            (Type::U8, _, Value::U8(v)) => flat.push((*v).into()),
            (Type::S16, _, Value::I16(v)) => flat.push(signed((*v).into())),
            (Type::U16, _, Value::U16(v)) => flat.push((*v).into()),
            (Type::S32 | Type::I32, _, Value::I32(v)) => flat.push(signed(*v)),
            (Type::U32, _, Value::U32(v)) => flat.push((*v).into()),
            (Type::S64 | Type::I64, _, Value::I64(v)) => flat.push(v.cast_unsigned()),
            (Type::U64, _, Value::U64(v)) => flat.push(*v),
            (Type::F32, _, Value::F32(v)) => flat.push(v.to_bits().into()),
            (Type::F64, _, Value::F64(v)) => flat.push(v.to_bits()),
            (Type::Char, _, Value::Char(v)) => flat.push(u32::from(*v).into()),
            (Type::String, _, Value::String(text)) => {
                let (place, len) = self.text(text)?;
                flat.extend([place.into(), len.into()]);
            }
            (_, Inner::Element(element), Value::List(list)) => {
                let (place, len) = self.list(element, list)?;
                flat.extend([place.into(), len.into()]);
            }
            (Type::Record(_), Inner::Fields(fields), Value::Record(values)) if fields.len() == values.len() => {
                for ((_, shape), (_, value)) in fields.iter().zip(values.iter()) {
                    self.lower(shape, value, flat)?;
                }
            }
            (Type::Tuple(_), Inner::Fields(fields), Value::Tuple(values)) if fields.len() == values.len() => {
                for ((_, shape), value) in fields.iter().zip(values.iter()) {
                    self.lower(shape, value, flat)?;
                }
            }
            (Type::Flags(names), _, Value::Flags(set)) => {
                let mut words = vec![0u32; names.len().div_ceil(32)];
                for (number, _) in names.iter().enumerate().filter(|(_, name)| set.contains(name)) {
                    words[number / 32] |= 1 << (number % 32);
                }
                flat.extend(words.into_iter().map(u64::from));
            }
            (_, Inner::Cases(_), _) => {
                let (number, payload) = case(shape, value)?;
                let end = flat.len() + shape.flat;
                flat.push(number as u64);
                if let Some((shape, value)) = payload {
                    self.lower(shape, value, flat)?;
                }
                // Other cases may take more core values.
                flat.resize(end, 0);
            }
            _ => return Err(Unfit::Value),
        }
        Ok(())
    }
}

/// Writes a value to an address.
pub(crate) fn store(writer: &mut Writer<'_>, ty: &Type, value: &Value, at: usize) -> Done {
    writer.store(&Shape::of(ty), value, at)
}

/// Writes values to an address, laid out as a tuple's.
pub(crate) fn store_all(writer: &mut Writer<'_>, types: &[Type], values: &[Value], at: usize) -> Done {
    let (_, shapes) = Shape::all(types.iter());
    shapes.iter().zip(values).try_for_each(|((offset, shape), value)| writer.store(shape, value, at + offset))
}

/// Lowers a value to core values; what they point to is written to memory.
pub(crate) fn lower(writer: &mut Writer<'_>, ty: &Type, value: &Value, flat: &mut Flat) -> Done {
    writer.lower(&Shape::of(ty), value, flat)
}

/// The number of a value's case, and its payload.
#[allow(clippy::type_complexity)]
fn case<'s, 'v>(shape: &'s Shape<'_>, value: &'v Value) -> Result<(usize, Option<(&'s Shape<'s>, &'v Value)>), Unfit> {
    let Inner::Cases(cases) = &shape.inner else { return Err(Unfit::Value) };
    let (number, value): (_, Option<&Arc<Value>>) = match (&*shape.ty, value) {
        (Type::Variant(names), Value::Variant(name, value)) => {
            (cases.number(name, names.iter().map(|(name, _)| name)).ok_or(Unfit::Value)?, value.as_ref())
        }
        (Type::Enum(names), Value::Enum(name)) => (cases.number(name, names.iter()).ok_or(Unfit::Value)?, None),
        (Type::Option(_), Value::Option(value)) => (value.is_some().into(), value.as_ref()),
        (Type::Result(_), Value::Result(Ok(value))) => (0, value.as_ref()),
        (Type::Result(_), Value::Result(Err(value))) => (1, value.as_ref()),
        _ => return Err(Unfit::Value),
    };
    match (cases.payload(number), value) {
        (Some(shape), Some(value)) => Ok((number, Some((shape, value)))),
        (None, None) => Ok((number, None)),
        _ => Err(Unfit::Value),
    }
}
