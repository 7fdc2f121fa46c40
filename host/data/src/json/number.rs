//! Numbers from their text: exactly, or not at all.

use purefork::Value;
use purefork::value::Type;
use std::fmt::Display;
use std::str::FromStr;

/// The most characters of a value that a message shows.
const SHOWN: usize = 40;

/// The integer of type `ty` that the text is; none if it is no integer, or not in its range. `1.0` and `1e0` are none.
pub(crate) fn integer(ty: &Type, text: &str) -> Option<Value> {
    // The standard library takes a sign that JSON has not.
    if text.starts_with('+') {
        return None;
    }
    Some(match ty {
        Type::I32 | Type::S32 => Value::I32(text.parse().ok()?),
        Type::I64 | Type::S64 => Value::I64(text.parse().ok()?),
        Type::S8 => Value::I8(text.parse().ok()?),
        Type::U8 => Value::U8(unsigned(text)?),
        Type::S16 => Value::I16(text.parse().ok()?),
        Type::U16 => Value::U16(unsigned(text)?),
        Type::U32 => Value::U32(unsigned(text)?),
        Type::U64 => Value::U64(unsigned(text)?),
        _ => return None,
    })
}

/// JSON has a zero with a sign, which the standard library's unsigned integers have not.
fn unsigned<T: FromStr>(text: &str) -> Option<T> {
    if text == "-0" { "0".parse().ok() } else { text.parse().ok() }
}

/// The float that the text of a number is nearest to.
///
/// # Errors
///
/// A sentence, if it is beyond the largest; or if it is written as a whole number, and the nearest is another one: those who write an
/// identifier of 17 digits want that one.
pub(crate) fn float64(text: &str) -> Result<f64, String> {
    float(text, 15, f64::is_finite, "f64", "1.7976931348623157e308")
}

/// The same, of 32 bits.
pub(crate) fn float32(text: &str) -> Result<f32, String> {
    float(text, 7, f32::is_finite, "f32", "3.4028235e38")
}

/// `digits`: whole numbers of so many digits are all exact.
fn float<T: FromStr + Display + Copy>(
    text: &str,
    digits: usize,
    is_finite: impl Fn(T) -> bool,
    ty: &str,
    most: &str,
) -> Result<T, String> {
    let Some(value) = text.parse::<T>().ok() else {
        return Err(format!("expected {ty}, a number, but was given `{}`", shown(text)));
    };
    if !is_finite(value) {
        return Err(format!("expected {ty}, a number from -{most} to {most}, but was given `{}`", shown(text)));
    }
    if text.len() > digits && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        let nearest = format!("{value:.0}");
        let bare = |text: &str| {
            let digits = text.trim_start_matches(['-', '0']);
            (text.starts_with('-') && !digits.is_empty(), digits.to_owned())
        };
        if bare(&nearest) != bare(text) {
            let (text, nearest) = (shown(text), shown(&nearest));
            return Err(format!(
                "expected {ty}, but `{text}` is none: the nearest is {nearest}; with a fraction, as `{text}.0`, it is rounded"
            ));
        }
    }
    Ok(value)
}

/// A text in a message: cut where it is long, and escaped.
pub(crate) fn shown(text: &str) -> String {
    let text = text.trim();
    let mut out = String::new();
    for (number, c) in text.chars().enumerate() {
        match c {
            _ if number == SHOWN => {
                out.push('…');
                break;
            }
            '"' | '\'' | '\\' => out.push(c),
            _ => out.extend(c.escape_debug()),
        }
    }
    out
}
