//! `purefork run --wasi frozen`: one run of a program.

use crate::argument::Reader;
use crate::directory::Directory;
use crate::flags::Run;
use crate::output::Output;
use crate::report::{self, Usage, shown_path};
use crate::run::usage;
use crate::stdout;
use anyhow::Result;
use purefork::inspect::{InspectedFunction, Inspection};
use purefork::{Args, ErrorKind, Module, Value};
use std::ffi::OsString;
use std::io::Write as _;

/// Whether a program is to be run, and not another function of the module.
pub(crate) fn is_meant(inspection: &Inspection, run: &Run) -> bool {
    program(inspection, run).is_some()
}

/// Whether what was typed is for a program alone.
pub(crate) fn is_certain(run: &Run) -> bool {
    run.wrong.is_some() || run.stdin.is_some()
}

/// Fails if what was typed is for a program alone.
pub(crate) fn is_not_meant(run: &Run) -> Result<()> {
    if let Some(wrong) = &run.wrong {
        return Err(wrong.clone().into());
    }
    if run.stdin.is_some() {
        let message = "`--stdin` is for a program, and this is a call of another function";
        return Err(Usage::new(message).with_kind(ErrorKind::ArgumentMismatch).into());
    }
    Ok(())
}

/// Runs the module's program. Returns whether its status was 0.
pub(crate) fn run(run: &Run, module: &Module) -> Result<bool> {
    let inspection = module.inspect();
    let Some((program, words)) = program(&inspection, run) else {
        return Err(Usage::new(format!("`{}` is no program", shown_path(&run.module))).into());
    };
    let output = Output::new(run, program)?;
    let out = run.out.as_deref().map(Directory::new).transpose()?;
    let stdin = match &run.stdin {
        Some(text) => Reader::default().bytes("stdin", text)?,
        None => Vec::new(),
    };
    let args = words.iter().map(|word| Ok(Value::from(unicode(word)?))).collect::<Result<Vec<_>>>()?;
    let future = module.fork(&program.exact, Args::new().push(Value::from(args)).push(Value::from(stdin)))?;
    let result = future.wait();
    let usage = usage(run, &future);
    let rest = future.output().unwrap_or_default();
    let value = match result {
        Ok(value) => value,
        Err(error) => {
            // Its output before the failure goes to stdout and stderr, but not to a file, which stays as it was. With `--json`,
            // stdout has the error alone. If stderr is closed, nobody can be told.
            let mut stderr = rest.stderr.to_vec();
            if run.json {
                stderr = [&rest.stdout[..], &stderr].concat();
            } else if let Err(error) = stdout::write(&rest.stdout) {
                report::report(&error, false);
            }
            let _ = std::io::stderr().lock().write_all(&stderr);
            end_line(&stderr);
            return Err(report::used(error, usage));
        }
    };
    let status = match value.field("status") {
        Some(Value::U8(status)) => *status,
        _ => 0,
    };
    if let Some(out) = out {
        out.write(&rest.files)?;
    }
    let mut stderr: &[u8] = &[];
    if run.json {
        output.write(program, value.clone(), usage)?;
    } else {
        stderr = bytes(&value, "stderr");
        let _ = std::io::stderr().lock().write_all(stderr);
        output.write_bytes(bytes(&value, "stdout"))?;
    }
    note(stderr, &rest.refused);
    if status != 0 {
        if rest.refused.is_empty() {
            end_line(stderr);
        }
        let _ = writeln!(std::io::stderr().lock(), "error: `{}` exited with status {status}", program.name);
    }
    Ok(status == 0)
}

/// The program and its arguments: the words after its name, or after the module's if it is not named.
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

/// Notes what a guest asked for and was not truly given. `last`: what it wrote last.
pub(crate) fn note(last: &[u8], refused: &[String]) {
    if !refused.is_empty() {
        end_line(last);
    }
    for what in refused {
        // If stderr is closed, nobody can be told.
        let _ = writeln!(std::io::stderr().lock(), "note: the guest {what}");
    }
}

/// Ends a line that the guest left open on stderr.
pub(crate) fn end_line(last: &[u8]) {
    if last.last().is_some_and(|byte| *byte != b'\n') {
        let _ = writeln!(std::io::stderr().lock());
    }
}
