//! `purefork run … --help` and `purefork preinit … --help`: what a module's functions take.

use crate::array;
use crate::example::{self, quoted};
use crate::flags::is_option;
use crate::inspect::{indented, traits};
use crate::layout::{WIDTH, brief_signature, full};
use crate::report::shown_path;
use purefork::inspect::{InspectedFunction, InspectedParam, Inspection};
use purefork::value::{Tensor, Type, Typed as _};
use std::path::Path;

/// The widest type that is shown beside its parameter, in columns.
const NARROW: usize = 16;

/// The functions' signatures, each on a line of its own.
pub(crate) fn functions(inspection: &Inspection) -> String {
    match inspection.functions.as_slice() {
        [] => "it exports no function".to_owned(),
        functions => functions.iter().map(brief_signature).collect::<Vec<_>>().join("\n"),
    }
}

/// Help on a module.
pub(crate) fn module(verb: &str, path: &Path, inspection: &Inspection) -> String {
    let functions = functions(inspection);
    if inspection.functions.is_empty() {
        return functions;
    }
    let module = quoted(&shown_path(path));
    let wasi = if inspection.wasi.is_empty() { "" } else { " --wasi frozen" };
    let mut text =
        format!("{functions}\n\n`purefork {verb}{wasi} {module} FUNCTION --help` shows what a function takes.");
    if let Some(function) = inspection.functions.iter().find(|function| function.program) {
        text.push_str(&format!("\n\n{}", program(path, function)));
    }
    text
}

/// Help on a program.
fn program(path: &Path, function: &InspectedFunction) -> String {
    format!(
        "`{}` is a program; what follows MODULE are its arguments:\n  purefork run --wasi frozen {} [--stdin TEXT] -- [ARG]...",
        function.name,
        quoted(&shown_path(path))
    )
}

/// Help on a function, which is called by `name`.
pub(crate) fn function(verb: &str, path: &Path, name: &str, function: &InspectedFunction, wasi: bool) -> String {
    let mut lines = vec![brief_signature(function)];
    lines.extend(traits(function).iter().map(|fact| indented(fact, 2)));
    if function.program {
        lines.push(format!("\n{}", program(path, function)));
        lines.push("\nWith `--json`, its result is printed as a record:".to_owned());
        lines.extend(function.results.iter().map(|ty| format!("  {}", full(ty, 2, 2))));
        return lines.join("\n");
    }
    if !function.params.is_empty() {
        lines.push("\nParameters:".to_owned());
        lines.extend(parameters(&function.params));
        if let Some(param) = function.params.iter().find(|param| is_option(verb, &param.name)) {
            lines.push(format!("\n`--{}` is also an option of purefork: give the parameter after `--`.", param.name));
        }
    }
    lines.push("\nResult:".to_owned());
    match function.results.as_slice() {
        [] => lines.push("  none, printed as ()".to_owned()),
        [ty] => {
            lines.push(format!("  {}", full(ty, 2, 2)));
            if let Type::Result(_) = ty {
                lines.push("  an `err` is printed too; the exit code is then 1".to_owned());
            }
        }
        types => lines.push(format!(
            "  ({}), in this order",
            types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        )),
    }
    let wasi = if wasi { " --wasi frozen" } else { "" };
    let output = if verb == "preinit" { " -o ready.wasm" } else { "" };
    // A name that looks like an option must follow `--`, and then all arguments do.
    let dashed = name.starts_with('-');
    let (module, name) = (quoted(&shown_path(path)), quoted(name));
    let program = if dashed {
        format!("  purefork {verb}{wasi} {module}{output} -- {name}")
    } else {
        format!("  purefork {verb}{wasi} {module} {name}{output}")
    };
    lines.push("\nExamples:".to_owned());
    lines.push(format!("{program}{}", words(function, |_| String::new())));
    if !function.params.is_empty() {
        let dashes =
            if !dashed && function.params.iter().any(|param| is_option(verb, &param.name)) { " --" } else { "" };
        lines.push(format!("{program}{dashes}{}", words(function, |name| format!("--{name} "))));
    }
    lines.join("\n")
}

/// The parameters: name, type and form in columns, or on lines of their own if the type is long.
fn parameters(params: &[InspectedParam]) -> Vec<String> {
    let columns = |ty: &Type| Some(ty.to_string().chars().count()).filter(|columns| *columns <= NARROW);
    let narrow = params.iter().filter_map(|param| columns(&param.ty).map(|columns| (param.name.len(), columns)));
    let (names, types): (Vec<usize>, Vec<usize>) = narrow.unzip();
    let name_width = names.into_iter().max().unwrap_or_default() + 2;
    let type_width = types.into_iter().max().unwrap_or_default();
    let shown = params.iter().map(|InspectedParam { name, ty, .. }| {
        let optional = if matches!(ty, Type::Option(_)) { "may be left out; " } else { "" };
        let form = format!("{optional}{}", form(name, ty));
        match columns(ty) {
            Some(_) => format!("  {:<name_width$}  {:<type_width$}  {form}", format!("--{name}"), ty.to_string()),
            None => format!("  --{name}\n      {}\n      {form}", full(ty, 6, 6)),
        }
    });
    shown.collect()
}

/// An example of each argument, after the parameter's name as `name` writes it.
fn words(function: &InspectedFunction, name: impl Fn(&str) -> String) -> String {
    let word = |param: &InspectedParam| format!(" {}{}", name(&param.name), example::word(&param.name, &param.ty));
    function.params.iter().map(word).collect()
}

/// How values of a type are written.
fn form(param: &str, ty: &Type) -> String {
    if let Some(numbers) = ty.whole_numbers() {
        return numbers.to_owned();
    }
    let text = match ty {
        Type::F32 | Type::F64 => "a number such as 0.5, or nan, inf, -inf",
        Type::V128 => "16 bytes, each from 0 to 255: (b0, b1, ..., b15)",
        Type::Bool => "true or false",
        Type::Char => "one character",
        Type::String => "any text, as it stands; or @FILE with it",
        Type::List(element) if **element == Type::U8 => "@FILE with the bytes; or such as [7, 7]",
        Type::Enum(_) | Type::Flags(_) => return format!("such as {}", example::value(ty)),
        _ if Tensor::is(ty) => "@FILE with a .npy array",
        _ => {
            let example = example::value(ty).to_string();
            let file = match ty {
                Type::List(element) => match array::of_element(element) {
                    Some(dtype) => format!("@FILE with a .npy array of `{dtype}`, or with WAVE or JSON"),
                    None => "@FILE with it in WAVE or JSON".to_owned(),
                },
                _ => "@FILE with it in WAVE or JSON".to_owned(),
            };
            let such = format!("such as {example}; or {file}");
            return if such.chars().count() + param.len() + 12 <= WIDTH { such } else { wrapped(&example, &file) };
        }
    };
    text.to_owned()
}

/// An example and further text, on lines of their own; a long example is cut.
fn wrapped(example: &str, file: &str) -> String {
    let most = WIDTH - "      such as ".len() - 1;
    let dots = if example.chars().nth(most).is_some() { "…" } else { "" };
    format!("such as {}{dots}\n      or {file}", example.chars().take(most).collect::<String>())
}
