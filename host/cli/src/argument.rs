//! Arguments as they are typed: a value's text, or the file that it is in.

use crate::array;
use crate::file;
use crate::layout::brief;
use crate::npy;
use crate::report::{Usage, shown_path};
use anyhow::{Context as _, Result};
use purefork::value::{List, Tensor, Type, Typed as _};
use purefork::{ErrorKind, Value};
use std::ffi::OsStr;
use std::path::Path;

/// Reads the arguments of one call.
#[derive(Default)]
pub(crate) struct Reader {}

impl Reader {
    /// The value of type `ty` that `text` stands for, in WAVE or JSON, or after `@` in a file. A string is taken verbatim, quotes
    /// included.
    ///
    /// # Errors
    ///
    /// A [`Usage`], or the library's [`ErrorKind::ArgumentMismatch`].
    pub(crate) fn read(&mut self, param: &str, ty: &Type, text: &str) -> Result<Value> {
        match text.strip_prefix('@') {
            Some(path) if !path.starts_with('@') => {
                let (bytes, whence) = self.contents(param, ty, path)?;
                let npy = npy::is_npy(&bytes) || npy::is_named_so(Path::new(path));
                from_file(ty, bytes, npy).context(whence)
            }
            escaped => from_word(ty, escaped.unwrap_or(text)),
        }
    }

    /// The bytes that `text` stands for: its own, or those of the file after `@`.
    ///
    /// # Errors
    ///
    /// A [`Usage`].
    pub(crate) fn bytes(&mut self, param: &str, text: &str) -> Result<Vec<u8>> {
        match text.strip_prefix('@') {
            Some(path) if !path.starts_with('@') => Ok(self.contents(param, &Type::list(Type::U8), path)?.0),
            escaped => Ok(escaped.unwrap_or(text).as_bytes().to_vec()),
        }
    }

    /// The content of a file or of standard input, and its name for messages.
    fn contents(&mut self, param: &str, ty: &Type, path: &str) -> Result<(Vec<u8>, String), Usage> {
        match path {
            "" => Err(Usage::new("expected the path of a file after `@`")
                .with_help("write `@-` for standard input, `@@` for a text that is an `@`")),
            "-" => Ok((file::stdin(&format!("`{param}`"))?, "standard input".to_owned())),
            path => {
                let path = Path::new(OsStr::new(path));
                let bytes = file::read(path).map_err(|error| {
                    let usage = Usage::new(format!("cannot read `{}`: {error}", shown_path(path)));
                    let usage = usage.with_kind(ErrorKind::Unreadable);
                    match ty {
                        Type::String => usage.with_help("a text that begins with `@` is written with two: `@@`"),
                        _ => usage,
                    }
                })?;
                Ok((bytes, format!("`{}`", shown_path(path))))
            }
        }
    }
}

fn from_word(ty: &Type, text: &str) -> Result<Value> {
    match ty {
        // Verbatim: callers that pass JSON, code or a stranger's input must not have to escape it.
        Type::String => Ok(Value::from(text)),
        Type::Char if text.chars().count() == 1 => Ok(Value::Char(text.chars().next().unwrap_or_default())),
        _ => from_text(ty, text),
    }
}

/// `npy`: whether it is a .npy file, by its name or its first bytes.
fn from_file(ty: &Type, bytes: Vec<u8>, npy: bool) -> Result<Value> {
    match ty {
        Type::String => Ok(Value::from(utf8(bytes)?)),
        Type::List(element) if npy => Ok(Value::List(list(element, &bytes)?)),
        Type::List(element) if **element == Type::U8 => Ok(Value::from(bytes)),
        _ if Tensor::is(ty) && npy => Ok(Value::from(tensor(&bytes)?)),
        _ if npy => Err(mismatch(format!("expected {}, but was given a .npy file", brief(ty)))),
        _ => from_text(ty, &utf8(bytes)?),
    }
}

/// A value in JSON, or else in WAVE. A text that is both has the same value in both, except `null`, which in WAVE is the name of a
/// case. If it is neither, the error is that of the syntax it looks like.
fn from_text(ty: &Type, text: &str) -> Result<Value> {
    let json = match Value::from_json(ty, text) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let wave = match Value::from_wave(ty, text) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    Err(if looks_like_json(text) { json } else { wave }.into())
}

/// Whether it is JSON, but not a single word or number; or has a member name in quotes, which WAVE does not.
fn looks_like_json(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim();
    let inner = text.trim_start_matches(|c: char| c == '[' || c == '{' || c.is_whitespace());
    let is_json = || serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    text.starts_with(['[', '{', '"']) && (inner.starts_with('"') && text.contains("\":") || is_json())
}

/// A one-dimensional array as a list of exactly that type.
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
    if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] = bytes[..] {
        let usage = Usage::new("expected text in UTF-8, but was given text in UTF-16").with_help("save it in UTF-8");
        return Err(usage.with_kind(ErrorKind::ArgumentMismatch).into());
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let byte = error.as_bytes()[at];
        mismatch(format!("expected text in UTF-8, but at byte {at} there is {byte:#04x}, which is none"))
    })
}

fn mismatch(message: impl Into<String>) -> anyhow::Error {
    Usage::new(message).with_kind(ErrorKind::ArgumentMismatch).into()
}
