//! `purefork inspect`: what is in a module, and whether it is pure.

use crate::file;
use crate::flags::Inspect;
use crate::report::{Usage, as_options, shown_path};
use crate::whole::Whole;
use crate::{json, layout, stdout};
use anyhow::Result;
use purefork::inspect::{InspectedFork, InspectedFunction, InspectedWasi, Inspection};
use purefork::{Error, ErrorKind};
use serde_json::json;
use std::path::Path;
use std::sync::OnceLock;

/// Standard input as the path of a module.
const STDIN_NAME: &str = "-";

/// Prints what the audit finds out, and returns whether the module is pure.
pub(crate) fn inspect(inspect: &Inspect) -> Result<bool> {
    let path = shown_path(&inspect.module);
    let (text, mut object, pure) = match Whole::inspected(inspect).audit() {
        Ok(inspection) => (pure_text(&path, &inspection), json::inspection(&inspection), true),
        Err(error) => match error.downcast_ref::<Error>() {
            // A refused guest is a result here, and not an error.
            Some(refused) if refused.kind() == ErrorKind::Impure => {
                let object = json!({ "pure": false, "reasons": json::reasons(refused.reasons()) });
                (refused_text(&path, refused), object, false)
            }
            _ => return Err(error),
        },
    };
    object["file"] = json!(path);
    stdout::print(&if inspect.json { object.to_string() } else { text })?;
    Ok(pure)
}

/// A module as it is named in a message.
pub(crate) fn shown_module(path: &Path) -> String {
    if path == Path::new(STDIN_NAME) { "standard input".to_owned() } else { format!("`{}`", shown_path(path)) }
}

/// Reads a module's file, or standard input for `-`, which can be read once.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Usage> {
    static STDIN: OnceLock<Vec<u8>> = OnceLock::new();
    if path == Path::new(STDIN_NAME) {
        if let Some(bytes) = STDIN.get() {
            return Ok(bytes.clone());
        }
        let bytes = file::stdin("the module")?;
        return Ok(STDIN.get_or_init(|| bytes).clone());
    }
    file::read(path).map_err(|error| {
        Usage::new(format!("cannot read `{}`: {error}", shown_path(path)))
            .with_help("expected the path of a .wasm or .wat file")
            .with_kind(ErrorKind::Unreadable)
    })
}

/// What a function can do besides computing: one line each.
pub(crate) fn traits(function: &InspectedFunction) -> Vec<String> {
    let state = match &function.state {
        None => "stateless".to_owned(),
        Some(why) => format!("not stateless: {why}"),
    };
    let forks = match (function.can_fork, function.forks.as_slice()) {
        (false, _) => None,
        (true, []) => Some("may wait".to_owned()),
        (true, names) => {
            let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            // It is indented by at most ten columns.
            Some(format!("may fork {}", layout::filled(&names, 10 + "may fork ".len()).join(",\n")))
        }
    };
    std::iter::once(state).chain(forks).collect()
}

fn pure_text(path: &str, inspection: &Inspection) -> String {
    let mut lines = vec![format!("{path}: pure")];
    let mut fact = |name: &str, value: String| lines.push(format!("  {name:<8} {value}"));
    if let Some(name) = &inspection.name {
        fact("name", name.clone());
    }
    fact("digest", inspection.digest.clone());
    fact("code", bytes(inspection.code_bytes));
    if inspection.compile >= 1000 {
        fact("compile", format!("costs {}, about as many seconds", count(inspection.compile / 1000, "unit")));
    }
    for memory in &inspection.memories {
        fact("memory", from_to(memory.minimum_bytes, memory.maximum_bytes, bytes));
    }
    for table in &inspection.tables {
        fact("table", from_to(table.minimum, table.maximum, |n| count(n, "element")));
    }
    if let Some(note) = &inspection.note {
        fact("note", note.clone());
    }
    if inspection.start {
        fact("start", "has a start function, which runs in every fresh sandbox".to_owned());
    }
    if inspection.functions.iter().any(|function| !function.stateless) {
        fact(
            "sandbox",
            inspection.fresh.as_ref().map_or("recycled".to_owned(), |why| format!("fresh for each call: {why}")),
        );
    }
    let (answered, unanswered): (Vec<_>, Vec<_>) = inspection.wasi.iter().partition(|function| function.answered);
    for (name, functions) in [("wasi", answered), ("  traps", unanswered)] {
        if !functions.is_empty() {
            fact(name, wasi(&functions));
        }
    }
    if !inspection.traps.is_empty() {
        fact("traps", inspection.traps.join(", "));
    }
    if !inspection.unknown.is_empty() {
        fact("unknown", format!("{}; nothing provides them, and to call one is a trap", inspection.unknown.join(", ")));
    }
    if !inspection.functions.is_empty() {
        lines.push("\nexports".to_owned());
    } else if inspection.others.is_empty() {
        lines.push("\nexports no function".to_owned());
    } else {
        lines.push("\nexports no function that can be called".to_owned());
    }
    for function in &inspection.functions {
        lines.push(format!("  {}", layout::signature(function, 2)));
        lines.extend(traits(function).iter().map(|fact| indented(fact, 6)));
    }
    if !inspection.others.is_empty() {
        lines.push("\ncannot be called".to_owned());
        lines.extend(inspection.others.iter().map(|other| format!("  {}: {}", other.name, other.why)));
    }
    if !inspection.forks.is_empty() {
        lines.push("\nforks".to_owned());
        lines.extend(inspection.forks.iter().map(|fork| format!("  {}", forked(fork))));
    }
    lines.join("\n")
}

/// The functions by their modules: `wasi:io/poll@0.2.9 (poll, [method]pollable.block)`.
fn wasi(functions: &[&InspectedWasi]) -> String {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for function in functions {
        let name = function.name.as_str();
        let (module, item) = name.split_once('#').or_else(|| name.split_once('.')).unwrap_or((name, ""));
        match groups.last_mut().filter(|(known, _)| *known == module) {
            Some((_, items)) => items.push(item),
            None => groups.push((module, vec![item])),
        }
    }
    let groups: Vec<_> = groups.iter().map(|(module, items)| format!("{module} ({})", items.join(", "))).collect();
    groups.join("\n           ")
}

fn refused_text(path: &str, refused: &Error) -> String {
    let mut lines = vec![format!("{path}: refused; {}", refused.message())];
    lines.extend(refused.reasons().iter().map(|reason| format!("  {reason}")));
    lines.extend(refused.help().map(|help| format!("  {}", as_options(help))));
    lines.join("\n")
}

fn forked(fork: &InspectedFork) -> String {
    let types = layout::types(&fork.name, &fork.params, fork.results.as_deref(), 2);
    let unwaited = if fork.results.is_none() { ", never waited for" } else { "" };
    let provider = if fork.own { "its own" } else { "to be linked (`--link NAME=MODULE`)" };
    format!("{types}{unwaited}: {provider}")
}

/// The text with its lines indented, those after the first more deeply.
pub(crate) fn indented(text: &str, indent: usize) -> String {
    let pad = " ".repeat(indent);
    format!("{pad}{}", text.replace('\n', &format!("\n{pad}    ")))
}

fn from_to(initial: u64, maximum: Option<u64>, shown: impl Fn(u64) -> String) -> String {
    match maximum {
        Some(maximum) => format!("{}, at most {}", shown(initial), shown(maximum)),
        None => format!("{}, may grow to the limit", shown(initial)),
    }
}

/// In the largest unit that divides it evenly.
fn bytes(n: u64) -> String {
    match [(30, "GiB"), (20, "MiB"), (10, "KiB")].iter().find(|(shift, _)| n > 0 && n.is_multiple_of(1 << shift)) {
        Some((shift, unit)) => format!("{} {unit}", n >> shift),
        None => count(n, "byte"),
    }
}

fn count(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
