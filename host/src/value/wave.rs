//! Values as WAVE.
//!
//! The types of core WebAssembly are written as the component model's: `i32` as `s32`, `v128` as a tuple of 16 bytes.

use super::{Name, Value};
use crate::escape::printable;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use wasm_wave::wasm::{WasmType, WasmTypeKind, WasmValue};

/// The most characters of a value that a message shows.
const SHOWN: usize = 60;

pub(super) fn to_string(value: &Value) -> String {
    // Writing into a string fails only for values that WAVE has no form for; there are none.
    wasm_wave::to_string(&Wave(value.clone())).unwrap_or_default()
}

/// The value in a form for messages: cut where it is long.
pub(super) fn shown(value: &Value) -> String {
    if value.bytes() > 4096 {
        return format!("{} of {} bytes", value.kind(), value.bytes());
    }
    printable(&to_string(value), SHOWN)
}

impl Value {
    /// The value in WAVE, at most so many characters of it, and then `…`. Of a value that is longer no more is written, however large it is.
    /// What does not print is escaped.
    pub fn wave_within(&self, most: usize) -> String {
        // A character takes four bytes at most, and one more than what is shown tells that there are more.
        let mut text = Bounded { text: String::new(), room: 4 * most + 4 };
        // What is too long ends in an error here, and is cut below.
        let _ = wasm_wave::writer::Writer::new(&mut text).write_value(&Wave(self.clone()));
        printable(&text.text, most)
    }
}

/// A text that refuses to grow beyond its room.
struct Bounded {
    text: String,
    room: usize,
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.text.len() >= self.room {
            return Err(fmt::Error);
        }
        self.text.push_str(text);
        Ok(())
    }
}

/// A value for `wasm-wave`, whose trait is none that the public [`Value`] has.
#[derive(Clone)]
struct Wave(Value);

/// What is written says itself of what type it is.
#[derive(Clone)]
enum NoType {}

impl WasmType for NoType {
    fn kind(&self) -> WasmTypeKind {
        match *self {}
    }
}

fn borrowed(name: &Name) -> Cow<'_, str> {
    Cow::Borrowed(name)
}

fn wave(value: &Value) -> Cow<'_, Wave> {
    Cow::Owned(Wave(value.clone()))
}

fn payload(value: &Option<Arc<Value>>) -> Option<Cow<'_, Wave>> {
    value.as_deref().map(wave)
}

macro_rules! scalars {
    ($($unwrap:ident $variant:ident $rust:ty;)*) => {
        $(
            fn $unwrap(&self) -> $rust {
                match &self.0 {
                    Value::$variant(value) => *value,
                    _ => Default::default(),
                }
            }
        )*
    };
}

impl WasmValue for Wave {
    type Type = NoType;

    fn kind(&self) -> WasmTypeKind {
        match &self.0 {
            Value::I32(_) => WasmTypeKind::S32,
            Value::I64(_) => WasmTypeKind::S64,
            Value::F32(_) => WasmTypeKind::F32,
            Value::F64(_) => WasmTypeKind::F64,
            Value::V128(_) | Value::Tuple(_) => WasmTypeKind::Tuple,
            Value::Bool(_) => WasmTypeKind::Bool,
            Value::I8(_) => WasmTypeKind::S8,
            Value::U8(_) => WasmTypeKind::U8,
            Value::I16(_) => WasmTypeKind::S16,
            Value::U16(_) => WasmTypeKind::U16,
            Value::U32(_) => WasmTypeKind::U32,
            Value::U64(_) => WasmTypeKind::U64,
            Value::Char(_) => WasmTypeKind::Char,
            Value::String(_) => WasmTypeKind::String,
            Value::List(_) => WasmTypeKind::List,
            Value::Record(_) => WasmTypeKind::Record,
            Value::Variant(..) => WasmTypeKind::Variant,
            Value::Enum(_) => WasmTypeKind::Enum,
            Value::Option(_) => WasmTypeKind::Option,
            Value::Result(_) => WasmTypeKind::Result,
            Value::Flags(_) => WasmTypeKind::Flags,
        }
    }

    scalars! {
        unwrap_bool Bool bool;
        unwrap_s8 I8 i8;
        unwrap_u8 U8 u8;
        unwrap_s16 I16 i16;
        unwrap_u16 U16 u16;
        unwrap_s32 I32 i32;
        unwrap_u32 U32 u32;
        unwrap_s64 I64 i64;
        unwrap_u64 U64 u64;
        unwrap_f32 F32 f32;
        unwrap_f64 F64 f64;
        unwrap_char Char char;
    }

    fn unwrap_string(&self) -> Cow<'_, str> {
        match &self.0 {
            Value::String(text) => Cow::Borrowed(text),
            _ => Cow::Borrowed(""),
        }
    }

    fn unwrap_list(&self) -> Box<dyn Iterator<Item = Cow<'_, Wave>> + '_> {
        match &self.0 {
            Value::List(list) => Box::new(list.iter().map(|value| Cow::Owned(Wave(value)))),
            _ => Box::new(std::iter::empty()),
        }
    }

    fn unwrap_record(&self) -> Box<dyn Iterator<Item = (Cow<'_, str>, Cow<'_, Wave>)> + '_> {
        match &self.0 {
            Value::Record(fields) => Box::new(fields.iter().map(|(name, value)| (borrowed(name), wave(value)))),
            _ => Box::new(std::iter::empty()),
        }
    }

    fn unwrap_tuple(&self) -> Box<dyn Iterator<Item = Cow<'_, Wave>> + '_> {
        match &self.0 {
            Value::Tuple(values) => Box::new(values.iter().map(wave)),
            Value::V128(bytes) => Box::new(bytes.iter().map(|&byte| Cow::Owned(Wave(Value::U8(byte))))),
            _ => Box::new(std::iter::empty()),
        }
    }

    fn unwrap_variant(&self) -> (Cow<'_, str>, Option<Cow<'_, Wave>>) {
        match &self.0 {
            Value::Variant(case, value) => (borrowed(case), payload(value)),
            _ => (Cow::Borrowed(""), None),
        }
    }

    fn unwrap_enum(&self) -> Cow<'_, str> {
        match &self.0 {
            Value::Enum(case) => borrowed(case),
            _ => Cow::Borrowed(""),
        }
    }

    fn unwrap_option(&self) -> Option<Cow<'_, Wave>> {
        match &self.0 {
            Value::Option(value) => payload(value),
            _ => None,
        }
    }

    fn unwrap_result(&self) -> Result<Option<Cow<'_, Wave>>, Option<Cow<'_, Wave>>> {
        match &self.0 {
            Value::Result(Ok(value)) => Ok(payload(value)),
            Value::Result(Err(value)) => Err(payload(value)),
            _ => Ok(None),
        }
    }

    fn unwrap_flags(&self) -> Box<dyn Iterator<Item = Cow<'_, str>> + '_> {
        match &self.0 {
            Value::Flags(flags) => Box::new(flags.iter().map(borrowed)),
            _ => Box::new(std::iter::empty()),
        }
    }
}

impl fmt::Display for Value {
    /// Writes the value in WAVE.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_string(self))
    }
}
