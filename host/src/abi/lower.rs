//! Values into a guest.

use super::Flat;
use super::layout::{Fields, discriminant, layout, of_all, variant};
use super::strings::encode;
use crate::audit::recipe::Encoding;
use crate::value::{Items, List, Type, Value};
use std::sync::Arc;

/// Room in a guest's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) size: usize,
    pub(crate) align: usize,
}

/// A value that is not of the type it is lowered as; it was checked before, so that this is a mistake of the host's.
#[derive(Debug)]
pub(crate) struct Unfit;

type Done = Result<(), Unfit>;

/// The room that values take which are passed in memory as a whole.
pub(crate) fn tuple_room<'a>(types: impl Iterator<Item = &'a Type>) -> Room {
    let layout = of_all(types);
    Room { size: layout.size, align: layout.align }
}

/// The rooms that a value takes beside its own place, in the order in which they are asked for.
pub(crate) fn rooms(ty: &Type, value: &Value, encoding: Encoding, rooms: &mut Vec<Room>) -> Done {
    match (ty, value) {
        (Type::String, Value::String(text)) => {
            let encoded = encode(text, encoding);
            rooms.push(Room { size: encoded.bytes.len(), align: encoded.align });
        }
        (Type::List(element), Value::List(list)) => {
            let one = layout(element);
            rooms.push(Room { size: one.size.checked_mul(list.len()).ok_or(Unfit)?, align: one.align });
            for value in list.values().unwrap_or_default() {
                self::rooms(element, value, encoding, rooms)?;
            }
        }
        (Type::Record(fields), Value::Record(values)) => {
            for ((_, ty), (_, value)) in fields.iter().zip(values.iter()) {
                self::rooms(ty, value, encoding, rooms)?;
            }
        }
        (Type::Tuple(types), Value::Tuple(values)) => {
            for (ty, value) in types.iter().zip(values.iter()) {
                self::rooms(ty, value, encoding, rooms)?;
            }
        }
        (Type::Variant(_) | Type::Option(_) | Type::Result(_), _) => {
            let (_, _, payload) = case(ty, value)?;
            if let Some((ty, value)) = payload {
                self::rooms(ty, value, encoding, rooms)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Writes values into memory, where room was made for them.
pub(crate) struct Writer<'a> {
    pub(crate) memory: &'a mut [u8],
    pub(crate) encoding: Encoding,
    /// Where the rooms are, in the order of [`rooms`].
    pub(crate) places: std::vec::IntoIter<u32>,
}

impl Writer<'_> {
    fn place(&mut self) -> Result<u32, Unfit> {
        self.places.next().ok_or(Unfit)
    }

    fn bytes(&mut self, at: usize, len: usize) -> Result<&mut [u8], Unfit> {
        let end = at.checked_add(len).ok_or(Unfit)?;
        self.memory.get_mut(at..end).ok_or(Unfit)
    }

    fn put<const N: usize>(&mut self, at: usize, bytes: [u8; N]) -> Done {
        self.bytes(at, N)?.copy_from_slice(&bytes);
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(u32, u32), Unfit> {
        let place = self.place()?;
        let encoded = encode(text, self.encoding);
        self.bytes(place as usize, encoded.bytes.len())?.copy_from_slice(&encoded.bytes);
        let units = u32::try_from(encoded.units).map_err(|_| Unfit)?;
        Ok((place, units | encoded.tag))
    }

    fn list(&mut self, element: &Type, list: &List) -> Result<(u32, u32), Unfit> {
        let place = self.place()?;
        let len = u32::try_from(list.len()).map_err(|_| Unfit)?;
        macro_rules! numbers {
            ($values:expr, $size:literal) => {{
                let bytes = self.bytes(place as usize, $values.len() * $size)?;
                for (place, value) in bytes.chunks_exact_mut($size).zip($values.iter()) {
                    place.copy_from_slice(&value.to_le_bytes());
                }
            }};
        }
        match &list.0 {
            Items::Values(values) => {
                let size = layout(element).size;
                for (at, value) in values.iter().enumerate() {
                    store(self, element, value, place as usize + at * size)?;
                }
            }
            _ if !list.is_packed(element) => return Err(Unfit),
            Items::U8(values) => self.bytes(place as usize, values.len())?.copy_from_slice(values),
            Items::Bool(values) => {
                let bytes = self.bytes(place as usize, values.len())?;
                bytes.iter_mut().zip(values.iter()).for_each(|(byte, &value)| *byte = value.into());
            }
            Items::Char(values) => {
                let bytes = self.bytes(place as usize, values.len() * 4)?;
                for (place, &value) in bytes.chunks_exact_mut(4).zip(values.iter()) {
                    place.copy_from_slice(&u32::from(value).to_le_bytes());
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
}

/// Writes a value at a place in memory.
pub(crate) fn store(writer: &mut Writer<'_>, ty: &Type, value: &Value, at: usize) -> Done {
    match (ty, value) {
        (Type::Bool, Value::Bool(v)) => writer.put(at, [(*v).into()]),
        (Type::S8, Value::I8(v)) => writer.put(at, v.to_le_bytes()),
        (Type::U8, Value::U8(v)) => writer.put(at, v.to_le_bytes()),
        (Type::S16, Value::I16(v)) => writer.put(at, v.to_le_bytes()),
        (Type::U16, Value::U16(v)) => writer.put(at, v.to_le_bytes()),
        (Type::S32 | Type::I32, Value::I32(v)) => writer.put(at, v.to_le_bytes()),
        (Type::U32, Value::U32(v)) => writer.put(at, v.to_le_bytes()),
        (Type::S64 | Type::I64, Value::I64(v)) => writer.put(at, v.to_le_bytes()),
        (Type::U64, Value::U64(v)) => writer.put(at, v.to_le_bytes()),
        (Type::F32, Value::F32(v)) => writer.put(at, v.to_le_bytes()),
        (Type::F64, Value::F64(v)) => writer.put(at, v.to_le_bytes()),
        (Type::Char, Value::Char(v)) => writer.put(at, u32::from(*v).to_le_bytes()),
        (Type::String, Value::String(text)) => {
            let (place, len) = writer.text(text)?;
            writer.put(at, place.to_le_bytes())?;
            writer.put(at + 4, len.to_le_bytes())
        }
        (Type::List(element), Value::List(list)) => {
            let (place, len) = writer.list(element, list)?;
            writer.put(at, place.to_le_bytes())?;
            writer.put(at + 4, len.to_le_bytes())
        }
        (Type::Record(fields), Value::Record(values)) if fields.len() == values.len() => {
            let mut offsets = Fields::default();
            for ((_, ty), (_, value)) in fields.iter().zip(values.iter()) {
                store(writer, ty, value, at + offsets.next(layout(ty)))?;
            }
            Ok(())
        }
        (Type::Tuple(types), Value::Tuple(values)) if types.len() == values.len() => {
            let mut offsets = Fields::default();
            for (ty, value) in types.iter().zip(values.iter()) {
                store(writer, ty, value, at + offsets.next(layout(ty)))?;
            }
            Ok(())
        }
        (Type::Flags(names), Value::Flags(set)) => {
            let size = layout(ty).size;
            let mut bits = vec![0u8; size];
            for (number, _) in names.iter().enumerate().filter(|(_, name)| set.contains(name)) {
                bits[number / 8] |= 1 << (number % 8);
            }
            writer.bytes(at, size)?.copy_from_slice(&bits);
            Ok(())
        }
        _ => {
            let (number, cases, payload) = case(ty, value)?;
            let number = (number as u32).to_le_bytes();
            let tag = discriminant(cases.len());
            writer.bytes(at, tag)?.copy_from_slice(&number[..tag]);
            match payload {
                Some((ty, value)) => {
                    let (_, offset) = variant(cases.len(), cases.into_iter());
                    store(writer, ty, value, at + offset)
                }
                None => Ok(()),
            }
        }
    }
}

/// Writes values one after another, as a tuple's.
pub(crate) fn store_all(writer: &mut Writer<'_>, types: &[Type], values: &[Value], at: usize) -> Done {
    let mut offsets = Fields::default();
    for (ty, value) in types.iter().zip(values) {
        store(writer, ty, value, at + offsets.next(layout(ty)))?;
    }
    Ok(())
}

/// A variant's case by number, the payloads of all cases, and the payload.
#[allow(clippy::type_complexity)]
fn case<'a>(
    ty: &'a Type,
    value: &'a Value,
) -> Result<(usize, Vec<Option<&'a Type>>, Option<(&'a Type, &'a Value)>), Unfit> {
    fn both<'a>(ty: Option<&'a Type>, value: &'a Option<Arc<Value>>) -> Result<Option<(&'a Type, &'a Value)>, Unfit> {
        match (ty, value) {
            (Some(ty), Some(value)) => Ok(Some((ty, value))),
            (None, None) => Ok(None),
            _ => Err(Unfit),
        }
    }
    Ok(match (ty, value) {
        (Type::Variant(cases), Value::Variant(name, payload)) => {
            let number = cases.iter().position(|(known, _)| known == name).ok_or(Unfit)?;
            let payload = both(cases[number].1.as_ref(), payload)?;
            (number, cases.iter().map(|(_, ty)| ty.as_ref()).collect(), payload)
        }
        (Type::Enum(cases), Value::Enum(name)) => {
            let number = cases.iter().position(|known| known == name).ok_or(Unfit)?;
            (number, vec![None; cases.len()], None)
        }
        (Type::Option(some), Value::Option(payload)) => {
            let ty = payload.as_ref().map(|_| &**some);
            (payload.is_some().into(), vec![None, Some(some)], both(ty, payload)?)
        }
        (Type::Result(types), Value::Result(result)) => {
            let cases = vec![types.0.as_ref(), types.1.as_ref()];
            match result {
                Ok(payload) => (0, cases, both(types.0.as_ref(), payload)?),
                Err(payload) => (1, cases, both(types.1.as_ref(), payload)?),
            }
        }
        _ => return Err(Unfit),
    })
}

/// Puts a value on the stack; what it holds beside goes to memory.
pub(crate) fn lower(writer: &mut Writer<'_>, ty: &Type, value: &Value, flat: &mut Flat) -> Done {
    let signed = |v: i32| u64::from(v.cast_unsigned());
    match (ty, value) {
        (Type::Bool, Value::Bool(v)) => flat.push((*v).into()),
        (Type::S8, Value::I8(v)) => flat.push(signed((*v).into())),
        (Type::U8, Value::U8(v)) => flat.push((*v).into()),
        (Type::S16, Value::I16(v)) => flat.push(signed((*v).into())),
        (Type::U16, Value::U16(v)) => flat.push((*v).into()),
        (Type::S32 | Type::I32, Value::I32(v)) => flat.push(signed(*v)),
        (Type::U32, Value::U32(v)) => flat.push((*v).into()),
        (Type::S64 | Type::I64, Value::I64(v)) => flat.push(v.cast_unsigned()),
        (Type::U64, Value::U64(v)) => flat.push(*v),
        (Type::F32, Value::F32(v)) => flat.push(v.to_bits().into()),
        (Type::F64, Value::F64(v)) => flat.push(v.to_bits()),
        (Type::Char, Value::Char(v)) => flat.push(u32::from(*v).into()),
        (Type::String, Value::String(text)) => {
            let (place, len) = writer.text(text)?;
            flat.extend([place.into(), len.into()]);
        }
        (Type::List(element), Value::List(list)) => {
            let (place, len) = writer.list(element, list)?;
            flat.extend([place.into(), len.into()]);
        }
        (Type::Record(fields), Value::Record(values)) if fields.len() == values.len() => {
            for ((_, ty), (_, value)) in fields.iter().zip(values.iter()) {
                lower(writer, ty, value, flat)?;
            }
        }
        (Type::Tuple(types), Value::Tuple(values)) if types.len() == values.len() => {
            for (ty, value) in types.iter().zip(values.iter()) {
                lower(writer, ty, value, flat)?;
            }
        }
        (Type::Flags(names), Value::Flags(set)) => {
            let mut words = vec![0u32; names.len().div_ceil(32)];
            for (number, _) in names.iter().enumerate().filter(|(_, name)| set.contains(name)) {
                words[number / 32] |= 1 << (number % 32);
            }
            flat.extend(words.into_iter().map(u64::from));
        }
        _ => {
            let (number, _, payload) = case(ty, value)?;
            let end = flat.len() + super::flat_count(ty);
            flat.push(number as u64);
            if let Some((ty, value)) = payload {
                lower(writer, ty, value, flat)?;
            }
            // The place that other cases would take.
            flat.resize(end, 0);
        }
    }
    Ok(())
}
