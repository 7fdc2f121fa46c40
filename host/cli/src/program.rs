//! `purefork run --wasi frozen`: one run of a program.

use crate::argument::Reader;
use crate::flags::Run;
use crate::output::Output;
use crate::report::{Usage, shown_path};
use crate::run::{executor, link, load};
use anyhow::Result;
use purefork::{Args, ErrorKind, InspectedFunction, Inspection, Value};
use std::ffi::OsString;
use std::io::Write as _;

/// Runs the module if it is a program, or says that it is none. Returns whether its status was 0.
pub(crate) fn run(run: &Run) -> Result<Option<bool>> {
    let exec = executor(&run.common)?;
    let module = load(&exec, &run.module)?;
    let inspection = module.inspect();
    let Some((program, words)) = program(&inspection, run) else {
        return match &run.stdin {
            None => Ok(None),
            Some(_) => {
                let message =
                    format!("`--stdin` is for programs, and this call of `{}` is none", shown_path(&run.module));
                Err(Usage::new(message).with_kind(ErrorKind::ArgumentMismatch).into())
            }
        };
    };
    let module = link(&exec, &run.common, module)?;
    let output = Output::new(run, program)?;
    let stdin = match &run.stdin {
        Some(text) => Reader::default().bytes("stdin", text)?,
        None => Vec::new(),
    };
    let args = words.iter().map(|word| Ok(Value::from(unicode(word)?))).collect::<Result<Vec<_>>>()?;
    let future = module.fork(&program.exact, Args::new().push(Value::from(args)).push(Value::from(stdin)))?;
    let result = future.wait();
    let rest = future.output().unwrap_or_default();
    let mut stderr = std::io::stderr().lock();
    let value = match result {
        Ok(value) => value,
        Err(error) => {
            // What it wrote before it failed. Where stderr is closed there is nobody to tell.
            let _ = stderr.write_all(&rest.stdout).and_then(|()| stderr.write_all(&rest.stderr));
            return Err(error.into());
        }
    };
    drop(stderr);
    let status = match value.field("status") {
        Some(Value::U8(status)) => *status,
        _ => 0,
    };
    if run.json {
        output.write(program, value)?;
    } else {
        // First what explains the rest: whoever reads from the pipe may close it.
        let _ = std::io::stderr().lock().write_all(bytes(&value, "stderr"));
        output.write_bytes(bytes(&value, "stdout"))?;
    }
    note(&rest.refused);
    if status != 0 {
        let _ = writeln!(std::io::stderr().lock(), "error: `{}` exited with status {status}", program.name);
    }
    Ok(Some(status == 0))
}

/// The program, and the words that are its arguments: those after its name, or, where it is not named, after the module's.
fn program<'a>(inspection: &'a Inspection, run: &Run) -> Option<(&'a InspectedFunction, Vec<OsString>)> {
    let program = inspection.functions.iter().find(|function| function.program)?;
    let words = match &run.function {
        None => run.words.clone(),
        Some(name) if name == "_start" || name == "run" => run.words.clone(),
        Some(name) => match inspection.function(name) {
            Ok(function) if function.program => run.words.clone(),
            Ok(_) => return None,
            Err(_) => [vec![name.into()], run.words.clone()].concat(),
        },
    };
    Some((program, words))
}

fn bytes<'a>(value: &'a Value, field: &str) -> &'a [u8] {
    match value.field(field) {
        Some(Value::List(bytes)) => bytes.as_slice::<u8>().unwrap_or_default(),
        _ => &[],
    }
}

fn unicode(word: &OsString) -> Result<&str, Usage> {
    word.to_str().ok_or_else(|| {
        Usage::new(format!(
            "expected an argument in UTF-8, but was given `{}`",
            word.display().to_string().escape_debug()
        ))
    })
}

/// Tells what a guest asked for and was not truly given.
pub(crate) fn note(refused: &[String]) {
    for what in refused {
        // Where stderr is closed there is nobody to tell.
        let _ = writeln!(std::io::stderr().lock(), "note: the guest {what}");
    }
}
