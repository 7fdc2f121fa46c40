//! The proof, from a guest's bytes alone, that a guest can be pure; or all the reasons why not.
//!
//! The author of a guest is assumed to know this source. So nothing is allowed because it looks harmless;
//! everything is refused that is not known to be harmless:
//!
//! - *Validity.* The module must validate with the [`CORE`](proposals::CORE) features alone. If it does not, but would with
//!   more, each further feature is a reason; the module is accepted by that one validation and by no other.
//! - *Imports.* A guest's only way out. Functions from `fork` and `wait` are let through, with the types that
//!   these can have; and what only ends the call, such as `abort` ([`NoReturn`](crate::ir::NoReturn)). Whatever else is imported, of whatever kind, is a reason.
//! - *Operators.* [`operators`] lists, one by one, those that compute, that write and that call. An operator that
//!   it does not list is refused, an operator from a future version of the parser too.
//! - *Calls.* Who can call whom is over-approximated: an indirect call can reach every function of the same type
//!   whose reference is taken anywhere, be it in code that never runs. References enter a guest in no other way, as no
//!   signature that crosses its border may have one. So "cannot fork" and "stateless" hold whatever the tables contain.
//!
//! Names, types and call chains in messages are for people: they are bounded and escaped, and nothing is
//! decided by them. What stands in custom sections never decides whether a module is taken.
//!
//! Everything takes time and memory in proportion to the module (validation once more for each feature that it
//! may not use), and no algorithm recurses. Where an answer could be much larger than its question, there is a
//! limit: [`MAX_EXPORTS`](crate::ir::MAX_EXPORTS), [`MAX_VALUES`](crate::ir::MAX_VALUES), [`size::MAX_DECLARED`], 256 names to fork, a hundred reasons, 32 entries of a call chain.
//!
//! A file that was cut off exactly between two sections can be a valid module: nothing in the format says how many
//! sections there are. It is then audited as what it is.
//!
//! Left to others: whether the forked names exist with these types, the limits on memory and time, and the engine,
//! which has to keep NaNs canonical and make growth predictable.

mod advice;
mod calls;
mod chain;
mod component;
pub(crate) mod cost;
mod declared;
mod exports;
mod features;
mod imports;
mod malformed;
mod module;
mod names;
mod operators;
mod part;
mod prepare;
mod reason;
mod scan;
mod size;
#[cfg(test)]
mod tests;
mod types;

use crate::error::{Reason, ReasonKind};
use crate::escape::shown;
use crate::ir::{Facts, FunctionDef, Recipe, proposals};
use crate::wasi::Wasi;
pub(crate) use component::too_deep;
pub(crate) use malformed::Malformed;
pub(crate) use names::function_name;
use std::borrow::Cow;

use chain::Labels;
use features::Valid;
use reason::Reasons;
use scan::Scan;

/// Why a module is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is not a valid core module.
    Malformed(Malformed),
    /// It is valid, and cannot be shown to be pure.
    Impure(Vec<Reason>),
}

/// A guest that can be pure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Audited {
    pub(crate) facts: Facts,
    /// How an instance of it is made.
    pub(crate) recipe: Recipe,
    /// The core modules that the recipe is made from.
    pub(crate) modules: Vec<Vec<u8>>,
}

/// Audits a core module or a component.
///
/// # Errors
///
/// If the bytes are valid as neither, or if the guest cannot be shown to be pure; then with every reason.
pub(crate) fn audit(bytes: &[u8], wasi: Wasi) -> Result<Audited, Refusal> {
    malformed::check(bytes).map_err(Refusal::Malformed)?;
    if wasmparser::Parser::is_component(bytes) { component::audit(bytes, wasi) } else { core(bytes, wasi) }
}

/// Audits a core module.
fn core(bytes: &[u8], wasi: Wasi) -> Result<Audited, Refusal> {
    let invalid = |error| Refusal::Malformed(malformed::invalid(&error));
    let valid = features::validate(bytes, proposals::CORE).map_err(invalid)?;
    // Where that is not enough, the reasons are those of the module as it was given.
    if let Some(without) = prepare::without_host_references(bytes, &valid)
        && let Ok(audited) = prepared(&without.0, without.1, wasi)
    {
        return Ok(audited);
    }
    prepared(bytes, valid, wasi)
}

/// Audits a valid core module, as it is compiled.
fn prepared(bytes: &[u8], valid: Valid, wasi: Wasi) -> Result<Audited, Refusal> {
    let invalid = |error| Refusal::Malformed(malformed::invalid(&error));
    let bytes = prepare::prepared(bytes);
    let valid = match &bytes {
        Cow::Borrowed(_) => valid,
        Cow::Owned(bytes) => features::validate(bytes, proposals::CORE).map_err(invalid)?,
    };
    let scan = scan::scan(&bytes, &valid).map_err(invalid)?;
    let labels = Labels::new(&scan);
    let mut reasons = Reasons::default();

    let exports = scan.exports.iter().filter(|(export, _)| export.kind == wasmparser::ExternalKind::Func);
    let roots = exports.map(|(export, _)| export.index).chain(scan.start).chain([scan.instantiation()]);
    let from_roots = scan.calls.reach(roots);
    let may_wasi = wasi == Wasi::Frozen;
    let links = imports::judge(&scan, &valid, &labels, may_wasi, &from_roots, &mut reasons);
    judge_features(&scan, &valid, &labels, &from_roots, &mut reasons);
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
        name: scan.names.module.map(shown),
        functions,
        others,
        forks: links.facts,
        wasi: links.wasi,
        traps: links.traps,
        memories: (0..types.memory_count()).map(|i| declared::memory(&types.memory_at(i))).collect(),
        tables: (0..types.table_count()).map(|i| declared::table(&types.table_at(i))).collect(),
        start: scan.start.is_some(),
        counts: scan.counts,
        component_type: scan.component_type,
        note: None,
        component: false,
        custom_sections: scan.custom_sections,
        fresh: None,
        compile: 0,
    };
    let mut recipe = module::recipe(&scan.imports, &facts, memory);
    take_initializer(&mut facts, &mut recipe);
    if may_wasi {
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

/// One reason for each proposal that the module needs and guests do not have: from its operators, which can be
/// named, and from the validator, which also knows the types.
fn judge_features(
    scan: &Scan<'_>,
    valid: &Valid,
    labels: &Labels<'_, '_>,
    from_roots: &calls::Reach,
    reasons: &mut Reasons,
) {
    for refused in &scan.refused {
        let place = refused.function.map(|function| format!(" in `{}`", labels.name(function)));
        let detail = format!("`{}`{}", refused.operator, place.unwrap_or_default());
        let chain = refused.function.map(|function| labels.to(from_roots, function));
        reasons.add(|| feature(refused.proposal, &detail, chain.unwrap_or_default(), refused.offset));
    }
    for missing in &valid.missing {
        if scan.refused.iter().any(|refused| refused.proposal == missing.proposal) {
            continue;
        }
        let function = scan.function_at(missing.offset);
        let place = function.map(|function| format!(" in `{}`", labels.name(function)));
        let detail = format!("{}{}", crate::escape::shown_within(&missing.detail, 200), place.unwrap_or_default());
        let chain = function.map(|function| labels.to(from_roots, function)).unwrap_or_default();
        reasons.add(|| feature(&missing.proposal, &detail, chain, missing.offset));
    }
}

fn feature(proposal: &str, detail: &str, chain: Vec<String>, offset: usize) -> Reason {
    let (what, instead) = proposals::explain(proposal);
    Reason {
        what: ReasonKind::Feature,
        message: format!("uses {what}, which guests do not have: {detail}; {instead}"),
        chain,
        offset: Some(offset),
    }
}
