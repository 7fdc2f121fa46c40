//! WAVE: the text form of values.
//!
//! The types of core WebAssembly are written as the component model's: `i32` as `s32`, `v128` as a tuple of 16 bytes.

use super::{List, Name, Type, Value};
use crate::error::{Error, ErrorKind, Result};
use std::borrow::Cow;
use std::sync::Arc;
use wasm_wave::wasm::{WasmType, WasmTypeKind, WasmValue, WasmValueError};

/// The most characters of a value that a message shows.
const SHOWN: usize = 60;

impl Value {
    /// Reads a value of type `ty` from its WAVE text.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ArgumentMismatch`] where the text is no value of that type, or out of its range.
    pub fn from_wave(ty: &Type, text: &str) -> Result<Value> {
        wasm_wave::from_str(ty, text.trim()).map_err(|error: wasm_wave::parser::ParserError| mismatch(ty, text, &error))
    }
}

/// The range or form that values of a type have, for messages.
pub(super) fn range(ty: &Type) -> Option<&'static str> {
    Some(match ty {
        Type::S8 => "a whole number from -128 to 127",
        Type::U8 => "a whole number from 0 to 255",
        Type::S16 => "a whole number from -32768 to 32767",
        Type::U16 => "a whole number from 0 to 65535",
        Type::I32 | Type::S32 => "a whole number from -2147483648 to 2147483647",
        Type::U32 => "a whole number from 0 to 4294967295",
        Type::I64 | Type::S64 => "a whole number from -9223372036854775808 to 9223372036854775807",
        Type::U64 => "a whole number from 0 to 18446744073709551615",
        Type::F32 | Type::F64 => "a number, `nan`, `inf` or `-inf`",
        Type::V128 => "16 bytes as `(b0, b1, …, b15)`, each from 0 to 255",
        Type::Bool => "`true` or `false`",
        Type::Char => "one character in single quotes",
        Type::String => "text in double quotes",
        _ => return None,
    })
}

pub(super) fn is_integer(ty: &Type) -> bool {
    use Type::*;
    matches!(ty, I32 | I64 | S8 | U8 | S16 | U16 | S32 | U32 | S64 | U64)
}

pub(super) fn to_string(value: &Value) -> String {
    // Writing into a string fails only for values that WAVE has no form for; there are none.
    wasm_wave::to_string(value).unwrap_or_default()
}

/// The value in a form for messages: cut where it is long.
pub(super) fn shown(value: &Value) -> String {
    if value.bytes() > 4096 {
        return format!("{} of {} bytes", value.kind(), value.bytes());
    }
    cut(&to_string(value))
}

fn cut(text: &str) -> String {
    let dots = if text.chars().nth(SHOWN).is_some() { "…" } else { "" };
    let shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    format!("{}{dots}", shown.replace("\\\"", "\"").replace("\\'", "'"))
}

fn mismatch(ty: &Type, text: &str, error: &wasm_wave::parser::ParserError) -> Error {
    let shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    let dots = if text.chars().nth(SHOWN).is_some() { "…" } else { "" };
    let message = match range(ty) {
        Some(range) => format!("expected {ty}, {range}, but was given `{shown}{dots}`"),
        None => {
            let why = error.to_string();
            let why: String = why.chars().take(200).flat_map(char::escape_debug).collect();
            format!("expected {ty}, but was given `{shown}{dots}`: {}", why.replace("\\\"", "\"").replace("\\'", "'"))
        }
    };
    Error::new(ErrorKind::ArgumentMismatch, message)
}

fn names(names: &[Name]) -> Box<dyn Iterator<Item = Cow<'_, str>> + '_> {
    Box::new(names.iter().map(|name| Cow::Borrowed(&**name)))
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

    fn list_element_type(&self) -> Option<Type> {
        match self {
            Type::List(element) => Some(Type::clone(element)),
            _ => None,
        }
    }

    fn record_fields(&self) -> Box<dyn Iterator<Item = (Cow<'_, str>, Type)> + '_> {
        match self {
            Type::Record(fields) => Box::new(fields.iter().map(|(name, ty)| (Cow::Borrowed(&**name), ty.clone()))),
            _ => Box::new(std::iter::empty()),
        }
    }

    fn tuple_element_types(&self) -> Box<dyn Iterator<Item = Type> + '_> {
        match self {
            Type::Tuple(members) => Box::new(members.iter().cloned()),
            _ => Box::new(std::iter::repeat_n(Type::U8, 16)),
        }
    }

    fn variant_cases(&self) -> Box<dyn Iterator<Item = (Cow<'_, str>, Option<Type>)> + '_> {
        match self {
            Type::Variant(cases) => Box::new(cases.iter().map(|(name, ty)| (Cow::Borrowed(&**name), ty.clone()))),
            _ => Box::new(std::iter::empty()),
        }
    }

    fn enum_cases(&self) -> Box<dyn Iterator<Item = Cow<'_, str>> + '_> {
        match self {
            Type::Enum(cases) => names(cases),
            _ => Box::new(std::iter::empty()),
        }
    }

    fn option_some_type(&self) -> Option<Type> {
        match self {
            Type::Option(some) => Some(Type::clone(some)),
            _ => None,
        }
    }

    fn result_types(&self) -> Option<(Option<Type>, Option<Type>)> {
        match self {
            Type::Result(types) => Some((types.0.clone(), types.1.clone())),
            _ => None,
        }
    }

    fn flags_names(&self) -> Box<dyn Iterator<Item = Cow<'_, str>> + '_> {
        match self {
            Type::Flags(flags) => names(flags),
            _ => Box::new(std::iter::empty()),
        }
    }
}

macro_rules! scalars {
    ($($make:ident $unwrap:ident $variant:ident $rust:ty;)*) => {
        $(
            fn $make(value: $rust) -> Value {
                Value::$variant(value)
            }

            fn $unwrap(&self) -> $rust {
                match self {
                    Value::$variant(value) => *value,
                    _ => Default::default(),
                }
            }
        )*
    };
}

type Made = Result<Value, WasmValueError>;

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
        make_bool unwrap_bool Bool bool;
        make_s8 unwrap_s8 I8 i8;
        make_u8 unwrap_u8 U8 u8;
        make_s16 unwrap_s16 I16 i16;
        make_u16 unwrap_u16 U16 u16;
        make_s32 unwrap_s32 I32 i32;
        make_u32 unwrap_u32 U32 u32;
        make_s64 unwrap_s64 I64 i64;
        make_u64 unwrap_u64 U64 u64;
        make_f32 unwrap_f32 F32 f32;
        make_f64 unwrap_f64 F64 f64;
        make_char unwrap_char Char char;
    }

    fn make_string(text: Cow<'_, str>) -> Value {
        Value::String(text.into())
    }

    fn make_list(ty: &Type, values: impl IntoIterator<Item = Value>) -> Made {
        let values = values.into_iter().collect();
        Ok(Value::List(match ty {
            Type::List(element) => List::packed(values, element),
            _ => List::from(values),
        }))
    }

    fn make_record<'a>(ty: &Type, fields: impl IntoIterator<Item = (&'a str, Value)>) -> Made {
        fitted(ty, Value::record(fields))
    }

    fn make_tuple(ty: &Type, values: impl IntoIterator<Item = Value>) -> Made {
        if *ty == Type::V128 {
            let bytes: Option<Vec<u8>> = values
                .into_iter()
                .map(|value| match value {
                    Value::U8(byte) => Some(byte),
                    _ => None,
                })
                .collect();
            let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
            return bytes.map(Value::V128).ok_or_else(|| WasmValueError::Other("expected 16 bytes".to_owned()));
        }
        fitted(ty, Value::tuple(values))
    }

    fn make_variant(ty: &Type, case: &str, value: Option<Value>) -> Made {
        fitted(ty, Value::variant(case, value))
    }

    fn make_enum(ty: &Type, case: &str) -> Made {
        fitted(ty, Value::Enum(case.into()))
    }

    fn make_option(ty: &Type, value: Option<Value>) -> Made {
        fitted(ty, Value::Option(value.map(Arc::new)))
    }

    fn make_result(ty: &Type, value: Result<Option<Value>, Option<Value>>) -> Made {
        fitted(ty, Value::Result(value.map(|v| v.map(Arc::new)).map_err(|v| v.map(Arc::new))))
    }

    fn make_flags<'a>(ty: &Type, names: impl IntoIterator<Item = &'a str>) -> Made {
        fitted(ty, Value::Flags(names.into_iter().map(Name::from).collect()))
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
            Value::Flags(flags) => names(flags),
            _ => Box::new(std::iter::empty()),
        }
    }
}

/// The value as `ty` wants it: a record's fields in the type's order.
fn fitted(ty: &Type, value: Value) -> Made {
    super::fit(ty, value).map_err(WasmValueError::Other)
}
