//! Arguments as they are typed: a value's text, or the file that it is in.

use crate::array;
use crate::file;
use crate::layout::brief;
use crate::report::{Usage, shown_path};
use crate::{json, npy};
use anyhow::{Context as _, Result};
use purefork::{ErrorKind, List, Tensor, Type, Typed as _, Value};
use std::ffi::OsStr;
use std::path::Path;

/// Reads the arguments of one call.
#[derive(Default)]
pub(crate) struct Reader {
    /// The parameter that standard input was read for.
    stdin: Option<String>,
}

impl Reader {
    /// The value of type `ty` that `text` stands for: in WAVE, or else in JSON; after `@` the file that it is in. A string
    /// is its text, unless that is in double quotes.
    ///
    /// # Errors
    ///
    /// A [`Usage`], or the library's [`ErrorKind::ArgumentMismatch`].
    pub(crate) fn read(&mut self, param: &str, ty: &Type, text: &str) -> Result<Value> {
        match text.strip_prefix('@') {
            Some("") => Err(Usage::new("expected the path of a file after `@`")
                .with_help("write `@-` for standard input, `@@` for a text that is an `@`")
                .into()),
            Some("-") => {
                let bytes = self.stdin(param)?;
                from_file(ty, bytes).context("standard input")
            }
            Some(path) if !path.starts_with('@') => {
                let path = Path::new(OsStr::new(path));
                let bytes = file::read(path).map_err(|error| {
                    let usage = Usage::new(format!("cannot read `{}`: {error}", shown_path(path)));
                    let usage = usage.with_kind(ErrorKind::Unreadable);
                    match ty {
                        Type::String => usage.with_help("a text that begins with `@` is written with two: `@@`"),
                        _ => usage,
                    }
                })?;
                from_file(ty, bytes).with_context(|| format!("`{}`", shown_path(path)))
            }
            escaped => from_word(ty, escaped.unwrap_or(text)),
        }
    }

    /// The bytes that `text` stands for: its own, or after `@` those of a file.
    ///
    /// # Errors
    ///
    /// A [`Usage`].
    pub(crate) fn bytes(&mut self, param: &str, text: &str) -> Result<Vec<u8>> {
        match text.strip_prefix('@') {
            Some(file) if !file.starts_with('@') => match self.read(param, &Type::list(Type::U8), text)? {
                Value::List(bytes) => Ok(bytes.into_vec().unwrap_or_default()),
                _ => Ok(Vec::new()),
            },
            escaped => Ok(escaped.unwrap_or(text).as_bytes().to_vec()),
        }
    }

    fn stdin(&mut self, param: &str) -> Result<Vec<u8>, Usage> {
        if let Some(other) = &self.stdin {
            return Err(Usage::new(format!("standard input is read for `{other}` already")));
        }
        self.stdin = Some(param.to_owned());
        file::read_all(std::io::stdin().lock()).map_err(|error| {
            Usage::new(format!("cannot read standard input: {error}")).with_kind(ErrorKind::Unreadable)
        })
    }
}

fn from_word(ty: &Type, text: &str) -> Result<Value> {
    match ty {
        Type::String if text.len() >= 2 && text.starts_with('"') && text.ends_with('"') => {
            from_text(ty, text).map_err(|_| {
                let shown = shown(text);
                Usage::new(format!(
                    "expected a string in WAVE or JSON, as it is in double quotes, but was given `{shown}`"
                ))
                .with_help(r#"escape what is within the quotes with `\`, or put the text into a file and give `@FILE`"#)
                .with_kind(ErrorKind::ArgumentMismatch)
                .into()
            })
        }
        Type::String => Ok(Value::from(text)),
        Type::Char if text.chars().count() == 1 => Ok(Value::Char(text.chars().next().unwrap_or_default())),
        _ => from_text(ty, text),
    }
}

fn from_file(ty: &Type, bytes: Vec<u8>) -> Result<Value> {
    match ty {
        Type::String => Ok(Value::from(utf8(bytes)?)),
        Type::List(element) if **element == Type::U8 => Ok(Value::from(bytes)),
        Type::List(element) if npy::is_npy(&bytes) => Ok(Value::List(list(element, &bytes)?)),
        _ if Tensor::is(ty) && npy::is_npy(&bytes) => Ok(Value::from(tensor(&bytes)?)),
        _ if npy::is_npy(&bytes) => Err(mismatch(format!("expected {}, but was given a .npy file", brief(ty)))),
        _ => from_text(ty, &utf8(bytes)?),
    }
}

/// A value in WAVE, or else in JSON. If it is neither, the error is about what it looks like.
fn from_text(ty: &Type, text: &str) -> Result<Value> {
    let wave = match Value::from_wave(ty, text) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let composite = || {
        use Type::*;
        matches!(ty, List(_) | Record(_) | Tuple(_) | Variant(_) | Enum(_) | Option(_) | Result(_) | Flags(_))
    };
    match json::from_str(ty, text) {
        Ok(value) => Ok(value),
        Err(json::Mismatch::Value(why)) if composite() => Err(mismatch(why)),
        Err(json::Mismatch::Syntax(why)) if looks_like_json(text) => {
            Err(mismatch(format!("expected {}, but was given `{}`, which is no JSON: {why}", brief(ty), shown(text))))
        }
        Err(_) => Err(told(wave, ty, text)),
    }
}

/// Whether there is a member's name in quotes, which WAVE has not.
fn looks_like_json(text: &str) -> bool {
    let inner = text.trim_start_matches(|c: char| c == '[' || c == '{' || c.is_whitespace());
    inner.starts_with('"') && text.trim_start().starts_with(['[', '{']) && text.contains("\":")
}

/// The library's error, if the type is of several parts: in few words, and with the line where the reader of WAVE gives
/// a range of bytes.
fn told(error: purefork::Error, ty: &Type, text: &str) -> anyhow::Error {
    let Some((_, why)) = error.message().split_once(&format!("but was given `{}`: ", cut(text))) else {
        return error.into();
    };
    let why = why.strip_prefix("error converting Wasm value: ").unwrap_or(why);
    mismatch(format!("expected {}, but was given `{}`: {}", brief(ty), shown(text), located(why, text.trim())))
}

/// `invalid value at 17..20` as ``invalid value, `300`, at line 1 column 18``.
fn located(why: &str, text: &str) -> String {
    let Some((what, range)) = why.rsplit_once(" at ") else { return why.to_owned() };
    let range = range.split_once("..").and_then(|(start, end)| Some((start.parse().ok()?, end.parse().ok()?)));
    let Some((start, end)) = range else { return why.to_owned() };
    let (Some(before), Some(part)) = (text.get(..start), text.get(start..end)) else { return what.to_owned() };
    if part == text {
        return what.to_owned();
    }
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    match part {
        "" => format!("{what} at line {line} column {column}"),
        part => format!("{what}, `{}`, at line {line} column {column}", shown(part)),
    }
}

/// A one-dimensional array as a list of the very type.
fn list(element: &Type, file: &[u8]) -> Result<List> {
    let Some(wanted) = array::of_element(element) else {
        return Err(mismatch(format!("expected list<{}>, but was given a .npy file", brief(element))));
    };
    let array = npy::parse(file).map_err(mismatch)?;
    if array.dtype != wanted || array.shape.len() != 1 {
        return Err(mismatch(format!(
            "expected list<{element}>, a one-dimensional array of dtype `{wanted}`, but was given one of `{}` with shape {:?}",
            array.dtype, array.shape
        )));
    }
    Ok(array::list(element, &array.data))
}

fn tensor(file: &[u8]) -> Result<Tensor> {
    let array = npy::parse(file).map_err(mismatch)?;
    let ty = array::tensor_type(&array.dtype).ok_or_else(|| {
        mismatch(format!("a tensor has no elements of dtype `{}`; there are {}", array.dtype, array::tensor_dtypes()))
    })?;
    let dimensions = array.shape.iter().map(|&n| u32::try_from(n)).collect::<Result<Vec<_>, _>>();
    let dimensions = dimensions.map_err(|_| {
        mismatch(format!(
            "a tensor has at most {} elements along a dimension, but was given shape {:?}",
            u32::MAX,
            array.shape
        ))
    })?;
    Ok(Tensor::new(dimensions, ty, array.data.into_owned())?)
}

fn utf8(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let byte = error.as_bytes()[at];
        mismatch(format!("expected text in UTF-8, but at byte {at} there is {byte:#04x}, which is none"))
    })
}

fn mismatch(message: impl Into<String>) -> anyhow::Error {
    Usage::new(message).with_kind(ErrorKind::ArgumentMismatch).into()
}

fn shown(text: &str) -> String {
    cut(text.trim()).replace("\\\"", "\"").replace("\\'", "'")
}

/// As the library shows what it was given.
fn cut(text: &str) -> String {
    const SHOWN: usize = 40;
    let dots = if text.chars().nth(SHOWN).is_some() { "…" } else { "" };
    text.chars().take(SHOWN).flat_map(char::escape_debug).collect::<String>() + dots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wave_says_of_bytes_is_told_of_lines() {
        for (why, text, told) in [
            ("invalid value at 5..8", "[1, \n300]", "invalid value, `300`, at line 2 column 1"),
            ("unexpected end of input at 3..3", "[1,", "unexpected end of input at line 1 column 4"),
            ("there is no case `a`; there is `b` at 0..1", "a", "there is no case `a`; there is `b`"),
            ("invalid value at 1..2", "ä", "invalid value"),
            ("looks odd at first", "a", "looks odd at first"),
        ] {
            assert_eq!(located(why, text), told);
        }
    }
}
