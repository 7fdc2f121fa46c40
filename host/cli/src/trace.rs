//! `purefork trace`: what a call forks and waits for, as a graph, a page, or in other tools' formats.

use crate::file;
use crate::flags::{Format, Trace as Typed};
use crate::inspect::read as read_module;
use crate::report::{self, Usage, shown_path};
use crate::run::{arguments, executor, function, given, hint, link, wanted};
use crate::stdout;
use crate::target::Target;
use crate::whole::Whole;
use anyhow::{Context as _, Result};
use purefork::Value;
use purefork::trace::{Recorder, Trace};
use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;

/// Runs the function, and writes what ran; or tells what there is to run. Returns whether the call was a success.
pub(crate) fn trace(typed: &Typed) -> Result<bool> {
    let format = format(typed)?;
    if let Some(trace) = kept(typed)? {
        let target = typed.output.as_deref().map(Target::open).transpose()?;
        write(typed, format, &trace, target)?;
        return Ok(true);
    }
    let call = &typed.call;
    let whole = Whole::new(&call.module, &call.common);
    let name = wanted("trace", whole, call.name(), call.help)?;
    let Some(name) = name else { return Ok(true) };
    let exec = executor(&call.common)?;
    let module = link(&exec, &call.common, &given(&call.common)?, whole.load(&exec)?)?;
    let inspection = module.inspect();
    let function = function(&call.module, &inspection, name)?;
    let args = arguments(function, &call.given)?;
    let target = typed.output.as_deref().map(Target::open).transpose()?;
    // A trace that is kept is written as the call runs, and not held in memory.
    let (recorder, stream, target) = match target {
        Some(target) if format == Format::Trace && !typed.summary => {
            let stream = target.stream()?;
            (Recorder::to_writer(stream.file()?), Some(stream), None)
        }
        target => (Recorder::to_memory(), None, target),
    };
    let future =
        module.record(&function.exact, args, &recorder).map_err(|error| hint("trace", error, function, &call.given))?;
    let bytes = match recorder.finish() {
        // Whoever reads it has all they wanted.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Vec::new(),
        bytes => bytes.context("cannot write the trace")?,
    };
    match stream {
        Some(stream) => stream.keep()?,
        None if format == Format::Trace => {
            if typed.summary {
                stdout::write(Trace::read(&bytes)?.summary().to_string().as_bytes())?;
            }
            if !typed.summary || target.is_some() {
                write_bytes(target, &bytes)?;
            }
        }
        None => write(typed, format, &Trace::read(&bytes)?, target)?,
    }
    match future.wait() {
        Ok(Value::Result(Err(_))) => {
            // If stderr is closed, nobody can be told.
            let _ = writeln!(std::io::stderr().lock(), "error: `{}` returned an error", function.name);
            Ok(false)
        }
        Ok(_) => Ok(true),
        Err(error) => {
            // Where the trace is on stdout, the error is not.
            let elsewhere = typed.output.as_deref().is_some_and(|output| output != Path::new("-"));
            report::report(&error.into(), typed.json && elsewhere);
            Ok(false)
        }
    }
}

/// The trace, if it is one that was typed, and no module.
fn kept(typed: &Typed) -> Result<Option<Trace>> {
    let path = &typed.call.module;
    if !is_trace(path) {
        return Ok(None);
    }
    if let Some(function) = typed.call.name() {
        let message = format!("`{}` is a trace, in which no function is called", shown_path(path));
        let function = function.escape_debug();
        return Err(Usage::new(message).with_help(format!("leave `{function}` away, or give a module")).into());
    }
    read(path).map(Some)
}

/// Whether a file begins as traces do.
fn is_trace(path: &Path) -> bool {
    // What is read of a pipe is gone.
    if !path.metadata().is_ok_and(|found| found.is_file()) {
        return path == Path::new("-") && read_module(path).is_ok_and(|bytes| begins_as_traces_do(&bytes));
    }
    let mut start = [0; 32];
    let Ok(length) = File::open(path).and_then(|mut file| file.read(&mut start)) else { return false };
    begins_as_traces_do(&start[..length])
}

fn begins_as_traces_do(bytes: &[u8]) -> bool {
    bytes.starts_with(b"purefork trace ") || is_json(bytes)
}

fn is_json(bytes: &[u8]) -> bool {
    // No module begins so, in binary or as text.
    bytes.trim_ascii_start().starts_with(b"{")
}

/// Reads a trace, in either of the forms that can be read.
pub(crate) fn read(path: &Path) -> Result<Trace> {
    let bytes = if path == Path::new("-") { Ok(read_module(path)?) } else { file::read(path) };
    let bytes = bytes.map_err(|error| {
        Usage::new(format!("cannot read `{}`: {error}", shown_path(path)))
            .with_help("expected the path of a trace, from `purefork trace MODULE FUNCTION -o FILE.trace`")
            .with_kind(purefork::ErrorKind::Unreadable)
    })?;
    let trace = if is_json(&bytes) { Trace::read_json(&bytes) } else { Trace::read(&bytes) };
    trace.with_context(|| format!("`{}`", shown_path(path)))
}

/// The format that was asked for, by name or by the file's ending.
fn format(typed: &Typed) -> Result<Format, Usage> {
    let ending = typed.output.as_deref().and_then(Path::extension).and_then(|ending| ending.to_str());
    let format = typed.format.unwrap_or_else(|| match ending.map(str::to_ascii_lowercase).as_deref() {
        Some("html" | "htm") => Format::Html,
        Some("trace") => Format::Trace,
        Some("json") => Format::Json,
        Some("dot" | "gv") => Format::Dot,
        Some("pftrace" | "perfetto-trace") => Format::Perfetto,
        Some("folded") => Format::Folded,
        _ => Format::Ir,
    });
    if typed.inline && !matches!(format, Format::Ir | Format::Html) {
        return Err(Usage::new("`--inline` is for the formats `ir` and `html`").with_help("leave one of the two away"));
    }
    if typed.samples.is_some() && format != Format::Folded {
        return Err(
            Usage::new("`--samples` is for the format `folded`").with_help("leave it away, or add `--format folded`")
        );
    }
    Ok(format)
}

/// Writes a trace. With `--summary`, that is printed, and the trace is written only to a file.
fn write(typed: &Typed, format: Format, trace: &Trace, target: Option<Target>) -> Result<()> {
    if typed.summary {
        stdout::write(trace.summary().to_string().as_bytes())?;
        if target.is_none() {
            return Ok(());
        }
    }
    let mut bytes = Vec::new();
    let to = &mut bytes;
    match format {
        Format::Ir => write!(to, "{}", graph(typed, trace)),
        Format::Html => trace.write_html(to, &title(typed), &graph(typed, trace).to_string()),
        Format::Json => trace.write_json(to),
        Format::Dot => trace.write_dot(to),
        Format::Perfetto => trace.write_perfetto(to),
        Format::Folded => match typed.samples {
            Some(samples) => write!(to, "{}", trace.replay().profile(samples)?.to_folded()),
            None => trace.write_folded(to),
        },
        Format::Trace => {
            let message = "a trace is written as such only while the call runs";
            return Err(Usage::new(message).with_help("write it as `--format json`, which can be read as well").into());
        }
    }?;
    write_bytes(target, &bytes)
}

fn graph(typed: &Typed, trace: &Trace) -> purefork::trace::Graph {
    if typed.inline { trace.graph().inline() } else { trace.graph() }
}

/// What the page is called.
fn title(typed: &Typed) -> String {
    let file = typed.call.module.file_name().map(Path::new).map(shown_path).unwrap_or_default();
    match typed.call.name() {
        Some(function) => format!("{function} of {file}"),
        None => file,
    }
}

fn write_bytes(target: Option<Target>, bytes: &[u8]) -> Result<()> {
    match target {
        Some(target) => target.write(bytes),
        None => stdout::write(bytes),
    }
}
