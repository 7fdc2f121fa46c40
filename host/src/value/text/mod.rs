//! Values from text: WAVE and JSON.
//!
//! Each syntax has a reader that makes a tree; one reading of trees by types serves both, so that both accept the same
//! values and refuse the same with the same words.

mod fault;
mod json;
mod shown;
mod tree;
mod typed;
mod wave;

#[cfg(test)]
mod tests;

pub(super) use shown::unknown;

use super::types::range;
use super::{Type, Value};
use crate::error::{Error, ErrorKind, Result};
use fault::Fault;
use shown::{place, shown};
use std::fmt;
use tree::Syntax;

impl Value {
    /// Reads a value of type `ty` from its WAVE text. A byte order mark is skipped.
    ///
    /// What WAVE has of its own: a case that is called like one of its words is written with a `%`, as `%true`; `some`
    /// and `ok` may be left out where the value in it is neither an option nor a result; what is optional in a record
    /// may be left out. Whole numbers have neither a fraction nor an exponent, and a float is rounded once, to the
    /// nearest of its type; one that is beyond the largest is none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ArgumentMismatch`] where the text is no WAVE, or no value of that type.
    pub fn from_wave(ty: &Type, text: &str) -> Result<Value> {
        read(Syntax::Wave, ty, text)
    }

    /// Reads a value of type `ty` from its JSON text, in the form of [`to_json`](Value::to_json). A byte order mark is
    /// skipped.
    ///
    /// A case without a value may also be `{"case": null}`, a result without one `"ok"` or `"err"`; what is optional in
    /// a record may be left out. A field that is unknown, or given twice, is refused. Numbers are read as in WAVE.
    ///
    /// ```
    /// use purefork::value::Type;
    /// use purefork::Value;
    ///
    /// let point = Type::record([("x", Type::F64), ("label", Type::option(Type::String))]);
    /// let value = Value::from_json(&point, r#"{"x": 1.5}"#)?;
    /// assert_eq!(value.to_string(), "{x: 1.5}");
    ///
    /// let error = Value::from_json(&point, r#"{"x": 1.5, "lable": "a"}"#).unwrap_err();
    /// assert_eq!(error.message(), "at line 1 column 12: there is no field `lable`; there is `x`, `label`");
    /// # Ok::<(), purefork::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ArgumentMismatch`] where the text is no JSON, or no value of that type.
    pub fn from_json(ty: &Type, text: &str) -> Result<Value> {
        read(Syntax::Json, ty, text)
    }
}

fn read(syntax: Syntax, ty: &Type, text: &str) -> Result<Value> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let tree = match syntax {
        Syntax::Wave => wave::parse(text),
        Syntax::Json => json::parse(text),
    };
    let message = match tree {
        Ok(tree) => match typed::read(syntax, text, ty, &tree) {
            Ok(value) => return Ok(value),
            Err(fault) => told(text, fault),
        },
        Err(fault) => {
            let given = shown(text);
            match range(ty) {
                // The rules of a syntax are of no help to who wrote no number.
                Some(range) if ty.is_scalar() && *ty != Type::V128 && *ty != Type::Char => {
                    format!("expected {ty}, {range}, but was given `{given}`")
                }
                _ => {
                    let (ty, why, place) = (ty.brief(), fault.message, place(text, fault.at));
                    format!("expected {ty}, but was given `{given}`, which is no {syntax}: {why} at {place}")
                }
            }
        }
    };
    Err(Error::new(ErrorKind::ArgumentMismatch, message))
}

/// The fault with its place, unless that is the whole text.
fn told(text: &str, fault: Fault) -> String {
    let Fault { at, path, message } = fault;
    let place = place(text, at);
    match path.as_str() {
        "" if text[..at].trim().is_empty() => message,
        "" => format!("at {place}: {message}"),
        path => format!("at `{path}`, {place}: {message}"),
    }
}

impl fmt::Display for Syntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Syntax::Wave => "WAVE",
            Syntax::Json => "JSON",
        })
    }
}
