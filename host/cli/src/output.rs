//! How a result is written, and where it goes.

use crate::flags::Run;
use crate::layout::brief;
use crate::report::{Usage, shown_path};
use crate::target::Target;
use crate::{array, json, npy, stdout};
use anyhow::{Context as _, Result, anyhow};
use purefork::Value;
use purefork::inspect::InspectedFunction;
use purefork::value::{List, Tensor, Type, Typed as _};
use std::io::{self, Write as _};
use std::path::Path;

/// Where a result goes, and in which form.
pub(crate) struct Output<'a> {
    /// The file and its name; none if the result is printed.
    target: Option<(&'a Path, Target)>,
    form: Form,
    json: bool,
}

enum Form {
    Wave,
    Json,
    /// A string's text, or a list of bytes.
    Raw,
    /// A tensor, or a list of numbers of that type.
    Npy(Option<Type>),
}

impl<'a> Output<'a> {
    /// The output that was asked for. Fails here, before the call, as far as failure can be foreseen.
    pub(crate) fn new(run: &'a Run, function: &InspectedFunction) -> Result<Output<'a>, Usage> {
        let Some(path) = run.output.as_deref() else {
            let form = if run.json { Form::Json } else { Form::Wave };
            return Ok(Output { target: None, form, json: run.json });
        };
        let form = form(run, function, path)?;
        Ok(Output { target: Some((path, Target::open(path)?)), form, json: run.json })
    }

    /// Writes the result, and to stdout as JSON also what the call has used, if that is given. Returns whether it is a success: an `err`
    /// is none, and goes to stdout in any case.
    pub(crate) fn write(
        &self,
        function: &InspectedFunction,
        value: Value,
        usage: Option<purefork::Usage>,
    ) -> Result<bool> {
        let printed = |value: &Value| match usage {
            Some(usage) if self.json => json::with_usage(value, usage),
            _ if self.json => json::to_string(value),
            _ => value.to_string(),
        };
        if let Value::Result(Err(_)) = value {
            stdout::print(&printed(&value))?;
            let mut text = format!("error: `{}` returned an error", function.name);
            if let Some((path, _)) = self.target {
                text.push_str(&format!("\n  `{}` was not written", shown_path(path)));
            }
            // If stderr is closed, nobody can be told.
            let _ = writeln!(io::stderr().lock(), "{text}");
            return Ok(false);
        }
        let Some((_, target)) = &self.target else {
            stdout::print(&printed(&value))?;
            return Ok(true);
        };
        let value = match value {
            Value::Result(Ok(value)) => value.map_or_else(Value::unit, std::sync::Arc::unwrap_or_clone),
            value => value,
        };
        target.write(&self.bytes(function, value)?)?;
        Ok(true)
    }

    /// Writes bytes as they are.
    pub(crate) fn write_bytes(&self, bytes: &[u8]) -> Result<()> {
        match &self.target {
            Some((_, target)) => target.write(bytes),
            None => stdout::write(bytes),
        }
    }

    fn bytes(&self, function: &InspectedFunction, value: Value) -> Result<Vec<u8>> {
        Ok(match (&self.form, value) {
            (Form::Raw, Value::String(text)) => text.as_bytes().to_vec(),
            (Form::Raw, Value::List(bytes)) => bytes.into_vec().unwrap_or_default(),
            (Form::Npy(Some(element)), Value::List(list)) => numbers(element, &list)
                .with_context(|| format!("`{}` gave a list that is not held as numbers", function.name))?,
            (Form::Npy(_), value) => {
                let tensor = Tensor::try_from(value).map_err(|_| {
                    anyhow!("`{}` gave a tensor that has not as many bytes as its dimensions say", function.name)
                })?;
                let dtype = array::tensor_dtype(tensor.ty()).ok_or_else(|| {
                    let message = format!(
                        "`{}` gave a tensor of {}, which numpy does not have",
                        function.name,
                        tensor.ty().name()
                    );
                    Usage::new(message).with_help("write to another file: .json, or any other for WAVE")
                })?;
                npy::write(dtype, &array::shape(&tensor), tensor.data())
            }
            (Form::Json, value) => (json::to_string(&value) + "\n").into_bytes(),
            (_, value) => format!("{value}\n").into_bytes(),
        })
    }
}

/// How a result is written into a file of that name.
fn form(run: &Run, function: &InspectedFunction, path: &Path) -> Result<Form, Usage> {
    let ty = match function.results.as_slice() {
        [Type::Result(types)] => types.0.as_ref(),
        [ty] => Some(ty),
        _ => None,
    };
    let npy = npy::is_named_so(path);
    let json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    Ok(match ty {
        _ if run.json && npy => {
            let message = format!("`--json` asks for JSON, and `{}` for an array of numpy's", shown_path(path));
            return Err(Usage::new(message).with_help("leave `--json` away, or write to a file that is called .json"));
        }
        _ if run.json => Form::Json,
        // A program's output is written as it is.
        _ if function.program => Form::Raw,
        _ if json => Form::Json,
        Some(ty) if npy && Tensor::is(ty) => Form::Npy(None),
        Some(Type::List(element)) if npy && array::of_element(element).is_some() => {
            Form::Npy(Some(Type::clone(element)))
        }
        ty if npy => {
            let ty = ty.map_or_else(|| "no value".to_owned(), brief);
            let message =
                format!("a .npy file holds a tensor or a list of numbers, but `{}` gives {ty}", function.name);
            return Err(Usage::new(message).with_help("write to another file: .json, or any other for WAVE"));
        }
        Some(Type::String) => Form::Raw,
        Some(Type::List(element)) if **element == Type::U8 => Form::Raw,
        _ => Form::Wave,
    })
}

fn numbers(element: &Type, list: &List) -> Option<Vec<u8>> {
    Some(npy::write(array::of_element(element)?, &[list.len()], &array::bytes(element, list)?))
}
