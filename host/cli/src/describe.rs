//! `purefork run … --help`: what a module's functions take.

use crate::flags::is_option;
use crate::inspect::traits;
use crate::report::shown_path;
use purefork::{InspectedFunction, Inspection, Type};
use std::path::Path;

/// The functions' signatures, one a line.
pub(crate) fn functions(inspection: &Inspection) -> String {
    match inspection.functions.as_slice() {
        [] => "it exports no function".to_owned(),
        functions => functions.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    }
}

/// Help on a module.
pub(crate) fn module(path: &Path, inspection: &Inspection) -> String {
    let functions = functions(inspection);
    if inspection.functions.is_empty() {
        return functions;
    }
    format!("{functions}\n\n`purefork run {} FUNCTION --help` shows what a function takes.", quoted(path))
}

/// Help on a function.
pub(crate) fn function(path: &Path, function: &InspectedFunction) -> String {
    let mut lines = vec![format!("{function}")];
    lines.extend(traits(function).iter().map(|line| format!("  {line}")));
    if !function.params.is_empty() {
        lines.push("\nParameters:".to_owned());
        let widest = function.params.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        for (name, ty) in &function.params {
            lines.push(format!("  {:<width$}  {ty:<4}  {}", format!("--{name}"), form(ty), width = widest + 2));
        }
        if let Some((name, _)) = function.params.iter().find(|(name, _)| is_option(name)) {
            lines.push(format!("\n`--{name}` is also an option of purefork: give the parameter after `--`."));
        }
    }
    lines.push("\nResult:".to_owned());
    match function.results.as_slice() {
        [] => lines.push("  none, printed as ()".to_owned()),
        [ty] => lines.push(format!("  {ty}")),
        types => lines.push(format!(
            "  ({}), in this order",
            types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        )),
    }
    let program = format!("  purefork run {} {}", quoted(path), quoted(Path::new(&function.name)));
    lines.push("\nExamples:".to_owned());
    lines.push(format!("{program}{}", words(function, |_| String::new())));
    if !function.params.is_empty() {
        let dashes = if function.params.iter().any(|(name, _)| is_option(name)) { " --" } else { "" };
        lines.push(format!("{program}{dashes}{}", words(function, |name| format!("--{name} "))));
    }
    lines.join("\n")
}

/// An example of each argument, after what `name` makes of its parameter.
fn words(function: &InspectedFunction, name: impl Fn(&str) -> String) -> String {
    function.params.iter().map(|(param, ty)| format!(" {}{}", name(param), example(ty))).collect()
}

/// How values of a type are written.
fn form(ty: &Type) -> &'static str {
    match ty {
        Type::I32 => "a whole number from -2147483648 to 2147483647",
        Type::I64 => "a whole number from -9223372036854775808 to 9223372036854775807",
        Type::F32 | Type::F64 => "a number such as 0.5, or nan, inf, -inf",
        Type::V128 => "16 bytes, each from 0 to 255: (b0, b1, ..., b15)",
        _ => "a value in WAVE",
    }
}

fn example(ty: &Type) -> &'static str {
    match ty {
        Type::F32 | Type::F64 => "0.5",
        Type::V128 => "'(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)'",
        _ => "7",
    }
}

/// The path as a word for a shell.
fn quoted(path: &Path) -> String {
    let path = shown_path(path);
    let plain = |c: char| c.is_alphanumeric() || "/._-+:@%,=".contains(c);
    if !path.is_empty() && path.chars().all(plain) { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
}
