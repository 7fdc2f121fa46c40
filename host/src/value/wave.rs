//! Values as WAVE.
//!
//! The types of core WebAssembly are written as the component model's: `i32` as `s32`, `v128` as a tuple of 16 bytes.

use super::text::cut;
use super::{Type, Value};
use std::borrow::Cow;
use wasm_wave::wasm::{WasmType, WasmTypeKind, WasmValue};

/// The most characters of a value that a message shows.
const SHOWN: usize = 60;

pub(super) fn to_string(value: &Value) -> String {
    // Writing into a string fails only for values that WAVE has no form for; there are none.
    wasm_wave::to_string(value).unwrap_or_default()
}

/// The value in a form for messages: cut where it is long.
pub(super) fn shown(value: &Value) -> String {
    if value.bytes() > 4096 {
        return format!("{} of {} bytes", value.kind(), value.bytes());
    }
    cut(&to_string(value), SHOWN)
}

impl WasmType for Type {
    fn kind(&self) -> WasmTypeKind {
        match self {
            Type::I32 | Type::S32 => WasmTypeKind::S32,
            Type::I64 | Type::S64 => WasmTypeKind::S64,
            Type::F32 => WasmTypeKind::F32,
            Type::F64 => WasmTypeKind::F64,
            Type::V128 | Type::Tuple(_) => WasmTypeKind::Tuple,
            Type::Bool => WasmTypeKind::Bool,
            Type::S8 => WasmTypeKind::S8,
            Type::U8 => WasmTypeKind::U8,
            Type::S16 => WasmTypeKind::S16,
            Type::U16 => WasmTypeKind::U16,
            Type::U32 => WasmTypeKind::U32,
            Type::U64 => WasmTypeKind::U64,
            Type::Char => WasmTypeKind::Char,
            Type::String => WasmTypeKind::String,
            Type::List(_) => WasmTypeKind::List,
            Type::Record(_) => WasmTypeKind::Record,
            Type::Variant(_) => WasmTypeKind::Variant,
            Type::Enum(_) => WasmTypeKind::Enum,
            Type::Option(_) => WasmTypeKind::Option,
            Type::Result(_) => WasmTypeKind::Result,
            Type::Flags(_) => WasmTypeKind::Flags,
        }
    }
}

macro_rules! scalars {
    ($($unwrap:ident $variant:ident $rust:ty;)*) => {
        $(
            fn $unwrap(&self) -> $rust {
                match self {
                    Value::$variant(value) => *value,
                    _ => Default::default(),
                }
            }
        )*
    };
}

impl WasmValue for Value {
    type Type = Type;

    fn kind(&self) -> WasmTypeKind {
        match self {
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
        match self {
            Value::String(text) => Cow::Borrowed(text),
            _ => Cow::Borrowed(""),
        }
    }

    fn unwrap_list(&self) -> Box<dyn Iterator<Item = Cow<'_, Value>> + '_> {
        match self {
            Value::List(list) => Box::new(list.iter().map(Cow::Owned)),
            _ => Box::new(std::iter::empty()),
        }
    }

    fn unwrap_record(&self) -> Box<dyn Iterator<Item = (Cow<'_, str>, Cow<'_, Value>)> + '_> {
        match self {
            Value::Record(fields) => {
                Box::new(fields.iter().map(|(name, value)| (Cow::Borrowed(&**name), Cow::Borrowed(value))))
            }
            _ => Box::new(std::iter::empty()),
        }
    }

    fn unwrap_tuple(&self) -> Box<dyn Iterator<Item = Cow<'_, Value>> + '_> {
        match self {
            Value::Tuple(values) => Box::new(values.iter().map(Cow::Borrowed)),
            Value::V128(bytes) => Box::new(bytes.iter().map(|&byte| Cow::Owned(Value::U8(byte)))),
            _ => Box::new(std::iter::empty()),
        }
    }

    fn unwrap_variant(&self) -> (Cow<'_, str>, Option<Cow<'_, Value>>) {
        match self {
            Value::Variant(case, value) => (Cow::Borrowed(case), value.as_deref().map(Cow::Borrowed)),
            _ => (Cow::Borrowed(""), None),
        }
    }

    fn unwrap_enum(&self) -> Cow<'_, str> {
        match self {
            Value::Enum(case) => Cow::Borrowed(case),
            _ => Cow::Borrowed(""),
        }
    }

    fn unwrap_option(&self) -> Option<Cow<'_, Value>> {
        match self {
            Value::Option(value) => value.as_deref().map(Cow::Borrowed),
            _ => None,
        }
    }

    fn unwrap_result(&self) -> Result<Option<Cow<'_, Value>>, Option<Cow<'_, Value>>> {
        match self {
            Value::Result(Ok(value)) => Ok(value.as_deref().map(Cow::Borrowed)),
            Value::Result(Err(value)) => Err(value.as_deref().map(Cow::Borrowed)),
            _ => Ok(None),
        }
    }

    fn unwrap_flags(&self) -> Box<dyn Iterator<Item = Cow<'_, str>> + '_> {
        match self {
            Value::Flags(flags) => Box::new(flags.iter().map(|name| Cow::Borrowed(&**name))),
            _ => Box::new(std::iter::empty()),
        }
    }
}
