//! Where a result goes: to stdout, or into a file as a whole or not at all.

use crate::flags::Run;
use crate::layout::brief;
use crate::report::{Usage, shown_path};
use crate::{array, json, npy, stdout};
use anyhow::{Context as _, Result, anyhow};
use purefork::{InspectedFunction, List, Tensor, Type, Typed as _, Value};
use std::fs::{File, Metadata};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Where a result goes, and how it is written there.
pub(crate) struct Output<'a> {
    /// Where to, if not to stdout.
    path: Option<&'a Path>,
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
    /// What was asked for. Whatever can be known to fail fails here, before the call.
    pub(crate) fn new(run: &'a Run, function: &InspectedFunction) -> Result<Output<'a>, Usage> {
        let Some(path) = run.output.as_deref() else {
            let form = if run.json { Form::Json } else { Form::Wave };
            return Ok(Output { path: None, form, json: run.json });
        };
        let ty = match function.results.as_slice() {
            [Type::Result(types)] => types.0.as_ref(),
            [ty] => Some(ty),
            _ => None,
        };
        let named = |extension: &str| path.extension().is_some_and(|known| known.eq_ignore_ascii_case(extension));
        let form = match ty {
            _ if run.json => Form::Json,
            Some(Type::String) => Form::Raw,
            Some(Type::List(element)) if **element == Type::U8 => Form::Raw,
            Some(ty) if named("npy") && Tensor::is(ty) => Form::Npy(None),
            Some(Type::List(element)) if named("npy") && array::of_element(element).is_some() => {
                Form::Npy(Some(Type::clone(element)))
            }
            ty if named("npy") => {
                let ty = ty.map_or_else(|| "no value".to_owned(), brief);
                let message =
                    format!("a .npy file holds a tensor or a list of numbers, but `{}` gives {ty}", function.name);
                return Err(Usage::new(message).with_help("write to another file: .json, or any other for WAVE"));
            }
            _ if named("json") => Form::Json,
            _ => Form::Wave,
        };
        writable(path)?;
        Ok(Output { path: Some(path), form, json: run.json })
    }

    /// Writes the result. Returns whether it is none of failure: an `err` goes to stdout wherever the result was to go.
    pub(crate) fn write(&self, function: &InspectedFunction, value: Value) -> Result<bool> {
        if let Value::Result(Err(_)) = value {
            stdout::print(&if self.json { json::to_string(&value) } else { value.to_string() })?;
            let mut text = format!("error: `{}` returned an error", function.name);
            if let Some(path) = self.path {
                text.push_str(&format!("\n  `{}` was not written", shown_path(path)));
            }
            // Where stderr is closed there is nobody to tell.
            let _ = writeln!(io::stderr().lock(), "{text}");
            return Ok(false);
        }
        let Some(path) = self.path else {
            stdout::print(&if self.json { json::to_string(&value) } else { value.to_string() })?;
            return Ok(true);
        };
        let value = match value {
            Value::Result(Ok(value)) => value.map_or_else(Value::unit, std::sync::Arc::unwrap_or_clone),
            value => value,
        };
        let bytes = self.bytes(function, value)?;
        put(path, &bytes)?;
        Ok(true)
    }

    /// Writes bytes as they are.
    pub(crate) fn write_bytes(&self, bytes: &[u8]) -> Result<()> {
        match self.path {
            Some(path) if !is_stdout(path) => {
                save(path, bytes).with_context(|| format!("cannot write `{}`", shown_path(path)))
            }
            _ => stdout::write(bytes),
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

fn numbers(element: &Type, list: &List) -> Option<Vec<u8>> {
    Some(npy::write(array::of_element(element)?, &[list.len()], &array::bytes(element, list)?))
}

/// Whether it names stdout, which may be a file that others write to as well.
fn is_stdout(path: &Path) -> bool {
    ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].iter().any(|name| path == Path::new(name))
}

/// Writes a file, or to stdout, if that is what the path names.
pub(crate) fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    if is_stdout(path) {
        return stdout::write(bytes);
    }
    save(path, bytes).with_context(|| format!("cannot write `{}`", shown_path(path)))
}

/// Fails if nothing can be written there.
pub(crate) fn writable(path: &Path) -> Result<(), Usage> {
    if is_stdout(path) {
        return Ok(());
    }
    let cannot = |why: String| Err(Usage::new(format!("cannot write `{}`: {why}", shown_path(path))));
    if path.is_dir() {
        return cannot("it is a directory".to_owned());
    }
    match std::fs::metadata(directory(path)) {
        Ok(directory) if directory.is_dir() => Ok(()),
        Ok(_) => cannot(format!("`{}` is no directory", shown_path(directory(path)))),
        Err(error) => cannot(format!("`{}`: {error}", shown_path(directory(path)))),
    }
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes a file as a whole: it is written under another name first. A symbolic link is followed; a pipe or a device is
/// written to.
fn save(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path));
    let old = std::fs::metadata(&target).ok();
    if old.as_ref().is_some_and(|old| !old.is_file()) {
        return File::options().write(true).open(&target)?.write_all(bytes);
    }
    let mut draft = draft(directory(&target), old.as_ref())?;
    draft.write_all(bytes)?;
    draft.persist(&target).map_err(|failed| failed.error)?;
    Ok(())
}

/// A file in the directory that is removed unless it gets its name. Its permissions are those of the old file, or those
/// that a new one has.
fn draft(directory: &Path, old: Option<&Metadata>) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".purefork-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let draft = builder.tempfile_in(directory)?;
    if let Some(old) = old {
        draft.as_file().set_permissions(old.permissions())?;
    }
    Ok(draft)
}
