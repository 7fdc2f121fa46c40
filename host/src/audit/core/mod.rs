//! The audit of a core module.
//!
//! One walk over the module ([`scan`]) finds who calls whom and who writes what; imports, exports and proposals are judged by
//! that. What comes of it are facts, and a recipe of one step.

mod calls;
mod chain;
mod classes;
mod declared;
mod exports;
mod features;
mod imports;
mod lifted;
mod module;
mod operators;
mod part;
mod prepare;
mod scan;
mod size;
#[cfg(test)]
mod tests;

use super::features::{Valid, validate};
use super::malformed;
use super::reason::Reasons;
use super::refusal::{Audited, Refusal};
use crate::escape::escaped;
use crate::imports::Imports;
use crate::ir::proposals::{CORE, WITHOUT_COLLECTOR};
use crate::ir::{Facts, FunctionDef, Recipe};
use chain::Labels;
pub(super) use part::{Part, PartFunction, part};
pub(super) use prepare::prepared as prepare;
use scan::Scan;
use std::borrow::Cow;

/// Audits a core module.
pub(super) fn audit(bytes: &[u8], may: Imports) -> Result<Audited, Refusal> {
    let invalid = |error| Refusal::Malformed(malformed::invalid(&error));
    let valid = validate(bytes, WITHOUT_COLLECTOR).map_err(invalid)?;
    if valid.missing.is_empty() {
        return prepared(bytes, valid, may);
    }
    if let Some((without, valid)) = prepare::without_host_references(bytes, &valid) {
        return prepared(&without, valid, may);
    }
    prepared(bytes, validate(bytes, CORE).map_err(invalid)?, may)
}

/// Audits a valid core module, as it is compiled.
fn prepared(bytes: &[u8], valid: Valid, may: Imports) -> Result<Audited, Refusal> {
    let invalid = |error| Refusal::Malformed(malformed::invalid(&error));
    let bytes = prepare::prepared(bytes);
    let valid = match &bytes {
        Cow::Borrowed(_) => valid,
        Cow::Owned(bytes) => validate(bytes, CORE).map_err(invalid)?,
    };
    let scan = scan::scan(&bytes, &valid).map_err(invalid)?;
    let labels = Labels::new(&scan);
    let mut reasons = Reasons::default();

    let exports = scan.exports.iter().filter(|(export, _)| export.kind == wasmparser::ExternalKind::Func);
    let roots = exports.map(|(export, _)| export.index).chain(scan.start).chain([scan.instantiation()]);
    let from_roots = scan.calls.reach(roots);
    let links = imports::judge(&scan, &valid, &labels, may, &from_roots, &mut reasons);
    features::judge(&scan, &valid, &labels, &from_roots, &mut reasons);
    size::judge(&scan, &mut reasons);
    let callers = scan.calls.reversed();
    let to_links = callers.reach(links.nodes.iter().copied());
    exports::judge(&scan, &labels, &to_links, &links, &mut reasons);

    let reasons = reasons.into_vec();
    if !reasons.is_empty() {
        return Err(Refusal::Impure(reasons));
    }
    let (functions, others) = exports::functions(&scan, &valid, &labels, &callers, &to_links, &links);
    let types = valid.types.as_ref();
    let memory = memory(&scan, &valid);
    let mut facts = Facts {
        name: scan.names.module.map(escaped),
        functions,
        others,
        forks: links.facts,
        wasi: links.wasi,
        unknown: links.unknown,
        traps: links.traps,
        memories: (0..types.memory_count()).map(|i| declared::memory(&types.memory_at(i))).collect(),
        tables: (0..types.table_count()).map(|i| declared::table(&types.table_at(i))).collect(),
        start: scan.start.is_some(),
        counts: scan.counts,
        component_type: scan.component_type,
        note: None,
        component: false,
        collected: !WITHOUT_COLLECTOR.contains(valid.features),
        custom_sections: scan.custom_sections,
        fresh: None,
        compile: 0,
        startup_fuel: 0,
    };
    let mut recipe = module::recipe(&scan.imports, may, &facts, memory);
    take_initializer(&mut facts, &mut recipe);
    if let Some(section) = scan.lifted {
        lifted::lift(&mut facts, section, memory);
    }
    if may.has_wasi() {
        // As toolchains for WASI have it: `_start` is a program.
        let start = facts.functions.iter_mut().find(|function| is_plain(function, "_start"));
        start.into_iter().for_each(FunctionDef::make_program);
    }
    Ok(Audited { facts, recipe, modules: vec![bytes.into_owned()] })
}

/// The name under which the module exports the memory that functions of the host read and write: `memory`, as all toolchains
/// have it, or another name of its first one.
fn memory<'a>(scan: &Scan<'a>, valid: &Valid) -> Option<&'a str> {
    let memories = scan.exports.iter().map(|(export, _)| export).filter(|export| {
        export.kind == wasmparser::ExternalKind::Memory && !valid.types.as_ref().memory_at(export.index).memory64
    });
    let named = memories.clone().find(|export| export.name == module::MEMORY);
    named.or_else(|| memories.into_iter().find(|export| export.index == 0)).map(|export| export.name)
}

/// Has what sets the guest up run as part of making an instance, and not as a function of its own.
///
/// `_initialize` is what a library exports that is not a program (a reactor): C++'s constructors and the start of other
/// languages' runtimes are run by it. Where a linker was told to leave that to the host, it exports `__wasm_call_ctors`; a
/// program's `_start` calls that itself, and where there is one, calling it twice would run constructors twice.
fn take_initializer(facts: &mut Facts, recipe: &mut Recipe) {
    let find = |name| facts.functions.iter().position(|function| is_plain(function, name));
    let constructors = || find("__wasm_call_ctors").filter(|_| find("_start").is_none());
    let Some(at) = find("_initialize").or_else(constructors) else { return };
    let FunctionDef { name, index, core, .. } = facts.functions.remove(at);
    recipe.initialize_index = Some(index);
    recipe.initialize = Some(core.export);
    let others = &mut facts.others;
    others.push((name, "it has run once the instance is made, before any call".to_owned()));
    // It would set up again what is set up.
    if let Some(at) = facts.functions.iter().position(|function| is_plain(function, "__wasm_call_ctors")) {
        others
            .push((facts.functions.remove(at).name, "`_initialize` has run in its place, before any call".to_owned()));
    }
}

/// Whether a function is exported under this name, and takes and gives nothing.
fn is_plain(function: &FunctionDef, name: &str) -> bool {
    function.name == name && function.params.is_empty() && function.results.is_empty()
}
