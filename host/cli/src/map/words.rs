//! What was typed, as far as it needs the module.

use crate::argument::Reader;
use crate::flags::Map;
use crate::report::Usage;
use crate::run::parameter;
use anyhow::{Context as _, Result};
use purefork::inspect::InspectedFunction;
use purefork::{ErrorKind, Module, UnknownImports, Value, World};
use purefork_data::Column;
use purefork_data::map::From;
use sha2::{Digest as _, Sha256};
use std::path::Path;

/// The words that are no options.
pub(super) struct Words<'a> {
    pub(super) module: &'a Path,
    pub(super) function: &'a str,
    pub(super) inputs: Vec<From>,
}

impl<'a> Words<'a> {
    pub(super) fn new(map: &'a Map) -> Result<Words<'a>, Usage> {
        let help = "`purefork map --help` shows what there is";
        let (module, function, inputs) = match map.words.as_slice() {
            [] => return Err(Usage::new("expected the path of a module").with_help(help)),
            [_] => return Err(Usage::new("expected the name of a function after the module").with_help(help)),
            [module, function, inputs @ ..] => (module, function, inputs),
        };
        let function = function.to_str().ok_or_else(|| Usage::new("expected the name of a function in UTF-8"))?;
        let from = |path: &std::path::PathBuf| match path.to_str() {
            Some("-") => From::Stdin,
            _ => From::Path(path.clone()),
        };
        let mut inputs: Vec<From> = inputs.iter().map(from).collect();
        if inputs.is_empty() {
            inputs.push(From::Stdin);
        }
        let read = inputs.iter().filter(|input| **input == From::Stdin).count() + usize::from(module == Path::new("-"));
        if read > 1 {
            return Err(Usage::new("standard input can be read once only").with_help("name a file"));
        }
        Ok(Words { module, function, inputs })
    }
}

/// The values of `--arg`, by parameter.
pub(super) fn fixed(map: &Map, function: &InspectedFunction) -> Result<Vec<(usize, Value)>> {
    let mut fixed: Vec<(usize, Value)> = Vec::new();
    let mut reader = Reader::default();
    for (name, text) in &map.arg {
        let Some(at) = function.params.iter().position(|param| parameter(function, name) == Some(param)) else {
            let names: Vec<_> = function.params.iter().map(|param| format!("`{}`", param.name)).collect();
            let help =
                if names.is_empty() { "it takes none".to_owned() } else { format!("it takes {}", names.join(", ")) };
            let usage =
                Usage::new(format!("`--arg {name}`: `{}` has no such parameter", function.name)).with_help(help);
            return Err(usage.with_kind(ErrorKind::ArgumentMismatch).into());
        };
        if fixed.iter().any(|(known, _)| *known == at) {
            return Err(Usage::new(format!("`--arg {name}` is given twice")).into());
        }
        let param = &function.params[at];
        let value = reader
            .read(&param.name, &param.ty, text)
            .with_context(|| format!("argument `{}` of `{}`", param.name, function.name))?;
        fixed.push((at, value));
    }
    Ok(fixed)
}

/// Gives the parameters the names of the columns that `--column` says.
pub(super) fn name_columns(map: &Map, function: &InspectedFunction, params: &mut [Column]) -> Result<(), Usage> {
    let before = params.to_vec();
    let mut named = Vec::new();
    for (name, column) in &map.column {
        let known = parameter(function, name).map(|param| &param.name);
        let Some(at) = before.iter().position(|param| Some(&param.name) == known) else {
            let names: Vec<_> = before.iter().map(|param| format!("`{}`", param.name)).collect();
            let usage =
                Usage::new(format!("`--column {name}`: `{}` takes no such parameter from a row", function.name));
            return Err(usage.with_help(match names.as_slice() {
                [] => "it takes none: `--arg` gives them all".to_owned(),
                names => format!("it takes {}", names.join(", ")),
            }));
        };
        if named.contains(&at) {
            return Err(Usage::new(format!("`--column {name}` is given twice")));
        }
        named.push(at);
        params[at].name.clone_from(column);
    }
    Ok(())
}

/// A digest of a value: the value itself may be large, or nobody else's business.
fn digest(value: &Value) -> String {
    digest_of(value.to_string().as_bytes())
}

fn digest_of(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What makes the output of a run, beside its inputs: one that goes on with another has to have the same.
pub(super) fn identity(
    map: &Map,
    (module, world): (&Module, &World),
    format: &str,
    fixed: &[(usize, Value)],
    links: &[String],
) -> String {
    let Map { words, output: _, from, to: _, arg: _, column, into, strict, nulls, no_header, max_row, .. } = map;
    let Map { on_error, max_errors: _, rejects, deadline: _, flatten, batch, batch_bytes, shard, common, .. } = map;
    let function = words.get(1);
    let links: Vec<_> = common.link.iter().map(|link| &link.name).zip(links).collect();
    let limits = (common.fuel, common.memory, common.stack, common.table_elements, common.depth);
    let more =
        (common.forks, common.tree_forks, common.tree_values, common.wasi, common.output_limit, common.heap, links);
    // Of arguments what they are, as a file may change.
    let fixed: Vec<_> = fixed.iter().map(|(at, value)| (at, digest(value))).collect();
    let rows = (from, fixed, column, into, strict, nulls, no_header, max_row);
    let failures = (on_error, rejects.is_some(), flatten, batch, batch_bytes, shard);
    let whole = format!("{} {function:?} {format} {rows:?} {failures:?} {limits:?} {more:?}", module.digest());
    // Of files what they are, too.
    let files: Vec<_> = world.files().map(|(name, bytes)| (name, digest_of(bytes))).collect();
    let unknown = common.unknown_imports.unwrap_or_default();
    let whole = if unknown == UnknownImports::default() { whole } else { format!("{whole} {unknown:?}") };
    match (files.is_empty(), common.env.is_empty()) {
        (true, true) => whole,
        _ => format!("{whole} {files:?} {:?}", common.env),
    }
}
