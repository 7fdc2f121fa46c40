//! WAVE: the text form of values.
//!
//! The types of core WebAssembly are written as the component model's: `i32` as `s32`, `v128` as a tuple of 16 bytes.

use super::{Type, Value};
use crate::error::{Error, ErrorKind, Result};
use wasm_wave::value::{Type as WaveType, Value as WaveValue};
use wasm_wave::wasm::WasmValue;

impl Value {
    /// Reads a value of type `ty` from its WAVE text.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ArgumentMismatch`] where the text is no value of that type, or out of its range.
    pub fn from_wave(ty: Type, text: &str) -> Result<Value> {
        let value: WaveValue = wasm_wave::from_str(&wave_type(ty), text.trim()).map_err(|_| mismatch(ty, text))?;
        Ok(match ty {
            Type::I32 => Value::I32(value.unwrap_s32()),
            Type::I64 => Value::I64(value.unwrap_s64()),
            Type::F32 => Value::F32(value.unwrap_f32()),
            Type::F64 => Value::F64(value.unwrap_f64()),
            Type::V128 => {
                let mut bytes = [0; 16];
                for (byte, field) in bytes.iter_mut().zip(value.unwrap_tuple()) {
                    *byte = field.unwrap_u8();
                }
                Value::V128(bytes)
            }
        })
    }
}

/// The range or form that values of a type have, for messages.
pub(super) fn range(ty: Type) -> &'static str {
    match ty {
        Type::I32 => "a whole number from -2147483648 to 2147483647",
        Type::I64 => "a whole number from -9223372036854775808 to 9223372036854775807",
        Type::F32 | Type::F64 => "a number, `nan`, `inf` or `-inf`",
        Type::V128 => "16 bytes as `(b0, b1, …, b15)`, each from 0 to 255",
    }
}

pub(super) fn to_string(value: &Value) -> String {
    match value {
        Value::I32(v) => v.to_string(),
        Value::I64(v) => v.to_string(),
        Value::F32(v) => written(&WaveValue::make_f32(*v)),
        Value::F64(v) => written(&WaveValue::make_f64(*v)),
        Value::V128(bytes) => list(bytes.iter().map(u8::to_string)),
        Value::Tuple(values) => list(values.iter().map(to_string)),
    }
}

fn written(value: &WaveValue) -> String {
    // Writing into a string fails only for values that WAVE has no form for; a float is not one.
    wasm_wave::to_string(value).unwrap_or_default()
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("({})", items.collect::<Vec<_>>().join(", "))
}

fn wave_type(ty: Type) -> WaveType {
    match ty {
        Type::I32 => WaveType::S32,
        Type::I64 => WaveType::S64,
        Type::F32 => WaveType::F32,
        Type::F64 => WaveType::F64,
        Type::V128 => WaveType::tuple(vec![WaveType::U8; 16]).unwrap_or(WaveType::U8),
    }
}

fn mismatch(ty: Type, text: &str) -> Error {
    let shown: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    let dots = if text.chars().nth(40).is_some() { "…" } else { "" };
    Error::new(ErrorKind::ArgumentMismatch, format!("expected {ty}, {}, but was given `{shown}{dots}`", range(ty)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_value_written_in_wave_reads_back_as_itself(i in any::<i32>(), l in any::<i64>(), f in any::<f32>(),
            d in any::<f64>(), v in any::<[u8; 16]>()) {
            let canonical_f = if f.is_nan() { f32::NAN } else { f };
            let canonical_d = if d.is_nan() { f64::NAN } else { d };
            for value in [Value::I32(i), Value::I64(l), Value::F32(canonical_f), Value::F64(canonical_d), Value::V128(v)] {
                let ty = value.ty().unwrap();
                prop_assert_eq!(Value::from_wave(ty, &value.to_string()).unwrap(), value);
            }
        }
    }

    #[test]
    fn a_number_out_of_range_names_the_range_and_what_was_given() {
        let error = Value::from_wave(Type::I32, "2147483648").unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected i32, a whole number from -2147483648 to 2147483647, but was given `2147483648`"
        );
    }

    #[test]
    fn text_that_is_no_number_is_quoted_escaped_and_cut() {
        let error = Value::from_wave(Type::F32, &format!("\u{1b}[31m{}", "x".repeat(100))).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("expected f32, a number, `nan`, `inf` or `-inf`, but was given `\\u{{1b}}[31m{}…`", "x".repeat(35))
        );
    }

    #[test]
    fn tuples_are_written_in_parentheses() {
        let value = Value::Tuple(Box::new([Value::I32(1), Value::F64(0.5), Value::V128([7; 16])]));
        assert_eq!(value.to_string(), "(1, 0.5, (7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7))");
        assert_eq!(Value::unit().to_string(), "()");
    }
}
