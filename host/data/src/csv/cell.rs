//! The text of a cell to a value of a type, and back.

use crate::error::RowError;
use crate::json::{Seed, Trail, float32, float64, integer, shown, write};
use purefork::Value;
use purefork::value::Type;
use serde::de::DeserializeSeed as _;
use std::sync::Arc;

/// The value that a cell's text stands for; none if the cell is empty, which is no value of the type.
///
/// # Errors
///
/// A sentence.
pub(super) fn read(text: &str, ty: &Type, strict: bool) -> Result<Option<Value>, String> {
    let bare = text.trim_matches([' ', '\t']);
    let wrong = |form: &str| Err(format!("expected {}, {form}, but was given `{}`", ty.brief(), shown(text)));
    Ok(Some(match ty {
        Type::String => Value::from(text),
        Type::Option(_) if text.is_empty() => Value::Option(None),
        Type::Option(some) => match read(text, some, strict)? {
            Some(value) => Value::Option(Some(Arc::new(value))),
            None => Value::Option(None),
        },
        _ if bare.is_empty() && *ty != Type::Char => return Ok(None),
        Type::Char => match (text.chars().next(), text.chars().nth(1)) {
            (Some(c), None) => Value::Char(c),
            (None, _) => return Ok(None),
            _ => return wrong("one character"),
        },
        Type::Bool if bare.eq_ignore_ascii_case("true") => Value::Bool(true),
        Type::Bool if bare.eq_ignore_ascii_case("false") => Value::Bool(false),
        Type::Bool => return wrong("true or false"),
        Type::F64 if is_word(bare) => Value::F64(bare.parse().unwrap_or(f64::NAN)),
        Type::F32 if is_word(bare) => Value::F32(bare.parse().unwrap_or(f32::NAN)),
        Type::F64 => Value::F64(float64(bare)?),
        Type::F32 => Value::F32(float32(bare)?),
        Type::Enum(names) if names.iter().any(|name| **name == *bare) => {
            Value::Enum(names.iter().find(|name| ***name == *bare).cloned().unwrap_or_default())
        }
        Type::Enum(names) => {
            let names: Vec<_> = names.iter().take(8).map(|name| format!("`{name}`")).collect();
            return wrong(&format!("one of {}", names.join(", ")));
        }
        _ if ty.whole_numbers().is_some() => match integer(ty, bare) {
            Some(value) => value,
            None => return wrong(ty.whole_numbers().unwrap_or_default()),
        },
        _ => return json(text, ty, strict).map(Some),
    }))
}

/// A value that is written in JSON.
fn json(text: &str, ty: &Type, strict: bool) -> Result<Value, String> {
    let trail = Trail::default();
    let mut from = serde_json::Deserializer::from_str(text);
    let read = Seed { ty, strict, trail: &trail }.deserialize(&mut from);
    read.and_then(|value| from.end().map(|()| value)).map_err(|error| {
        // The first step is no column here, but a part of the cell.
        trail.step("");
        trail.error(&error).message
    })
}

/// Whether it is a word that is a float.
fn is_word(text: &str) -> bool {
    let bare = text.trim_start_matches(['-', '+']);
    text.len() - bare.len() <= 1 && ["nan", "inf", "infinity"].iter().any(|word| bare.eq_ignore_ascii_case(word))
}

/// Appends a value's text, before quotes.
///
/// # Errors
///
/// If it is too long.
pub(super) fn text(value: &Value, to: &mut Vec<u8>) -> Result<(), RowError> {
    match value {
        Value::String(text) => to.extend_from_slice(text.as_bytes()),
        Value::Char(c) => to.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        Value::Enum(name) | Value::Variant(name, None) => to.extend_from_slice(name.as_bytes()),
        Value::Option(None) => {}
        Value::Option(Some(value)) => return text(value, to),
        Value::F64(v) if !v.is_finite() => word(*v, to),
        Value::F32(v) if !v.is_finite() => word(f64::from(*v), to),
        value => return write(value, to),
    }
    Ok(())
}

fn word(value: f64, to: &mut Vec<u8>) {
    let word = if value.is_nan() {
        "nan"
    } else if value > 0.0 {
        "inf"
    } else {
        "-inf"
    };
    to.extend_from_slice(word.as_bytes());
}
