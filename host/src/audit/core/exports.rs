//! What a guest may export, and what its exported functions can do.

use std::sync::Arc;

use wasmparser::{ExternalKind, FuncType, ValType};

use super::calls::Reach;
use super::chain::Labels;
use super::declared::number;
use super::imports::Links;
use super::operators;
use super::scan::Scan;
use crate::audit::features::Valid;
use crate::audit::names::param_names;
use crate::audit::reason::Reasons;
use crate::error::{Reason, ReasonKind};
use crate::escape::{escaped, escaped_function};
use crate::ir::{CoreFunction, FunctionDef, MAX_EXPORTS, MAX_VALUES, Write, core_type};
use crate::value::Type;

/// Judges the exports; `to_links` is what can reach an import from `fork` or `wait`.
pub(super) fn judge(scan: &Scan<'_>, labels: &Labels<'_, '_>, to_links: &Reach, links: &Links, reasons: &mut Reasons) {
    if let Some(start) = scan.start {
        let first = format!("start function `{}`", labels.name(start));
        forks_early("the start function", start, first, labels, to_links, None, reasons);
    }
    let mut functions = 0u64;
    for (export, offset) in &scan.exports {
        if export.kind != ExternalKind::Func {
            continue;
        }
        functions += 1;
        let name = || format!("export `{}`", escaped(export.name));
        if is_initializer(export.name) {
            forks_early(&name(), export.index, name(), labels, to_links, Some(*offset), reasons);
        }
        if links.nodes.binary_search(&export.index).is_ok() {
            reasons.add(|| Reason {
                what: ReasonKind::ReExport,
                message: format!(
                    "{} is the import `{}`: a future means nothing outside of the call that forked it; \
                     export a function of the guest's own",
                    name(),
                    labels.name(export.index),
                ),
                chain: Vec::new(),
                offset: Some(*offset),
            });
        }
    }
    if functions > MAX_EXPORTS as u64 {
        reasons.add(|| Reason {
            what: ReasonKind::TooMany,
            message: format!("exports {functions} functions, and {MAX_EXPORTS} are allowed; export fewer"),
            chain: Vec::new(),
            offset: None,
        });
    }
}

/// Why an exported function cannot be called from outside of the guest, and so not be forked either, if it cannot.
fn uncallable(index: u32, ty: &FuncType, links: &Links) -> Option<String> {
    let (params, results) = (ty.params(), ty.results());
    let references = |types: &[ValType]| types.iter().any(|ty| number(*ty).is_none());
    let imported = |nodes: &[u32]| nodes.binary_search(&index).is_ok();
    if imported(&links.wasi_nodes) || imported(&links.trap_nodes) {
        return Some("it is imported, and so nothing outside of a call".to_owned());
    }
    for (types, verb, what) in [(params, "takes", "parameters"), (results, "returns", "results")] {
        if references(types) {
            return Some(format!("it {verb} a reference, which cannot pass between host and guest"));
        }
        if types.len() > MAX_VALUES {
            return Some(format!("it has {} {what}, and at most {MAX_VALUES} can be passed", types.len()));
        }
    }
    None
}

/// The exported functions of a module without a reason against it; and what else it exports, and why that cannot be called.
pub(super) fn functions(
    scan: &Scan<'_>,
    valid: &Valid,
    labels: &Labels<'_, '_>,
    callers: &super::calls::Calls,
    to_links: &Reach,
    links: &Links,
) -> (Vec<FunctionDef>, Vec<(String, String)>) {
    let exported: Vec<_> = scan.exports.iter().filter(|(e, _)| e.kind == ExternalKind::Func).collect();
    let indices: Vec<u32> = exported.iter().map(|(export, _)| export.index).collect();
    let locals = scan.names.locals(&indices, MAX_VALUES);
    let forks = (!links.forks.is_empty()).then(|| scan.calls.collect(&links.forks));
    // What of WASI a call has seen is part of its state.
    let writers = scan.written.iter().map(|written| written.function).chain(links.wasi_nodes.iter().copied());
    let to_writers = callers.reach(writers);

    let (mut facts, mut others) = (Vec::new(), Vec::new());
    for (export, _) in exported {
        let index = export.index;
        let Some(ty) = valid.function_type(index) else { continue };
        if let Some(why) = uncallable(index, ty, links) {
            others.push((export.name.to_owned(), why));
            continue;
        }
        let numbers =
            |types: &[wasmparser::ValType]| -> Vec<Type> { types.iter().copied().filter_map(number).collect() };
        let all = |types: &[Type]| types.iter().map(core_type).collect();
        let (params, results) = (numbers(ty.params()), numbers(ty.results()));
        let names = locals.get(&index).map(Vec::as_slice).unwrap_or_default();
        let forks = forks.iter().flat_map(|bits| bits.of(index));
        facts.push(FunctionDef {
            name: export.name.to_owned(),
            index,
            param_names: param_names(params.len(), names),
            core: CoreFunction::plain(export.name, all(&params), all(&results)),
            params,
            results,
            stateless: stateless(scan, labels, &to_writers, index, export.name),
            can_fork: to_links.contains(index),
            forks: forks.filter_map(|bit| links.facts.get(bit as usize)).map(|f| Arc::clone(&f.name)).collect(),
            program: false,
            receiver: None,
        });
    }
    (facts, others)
}

pub(super) fn stateless(
    scan: &Scan<'_>,
    labels: &Labels<'_, '_>,
    to_writers: &Reach,
    function: u32,
    export: &str,
) -> Result<(), Write> {
    let Some(writer) = to_writers.root(function) else { return Ok(()) };
    if (writer as usize) < scan.imported_functions.len() {
        let first = format!("export `{}`", escaped_function(export));
        return Err(Write {
            what: format!("calls `{}`", labels.name(writer)).into(),
            operator: String::new(),
            function: String::new(),
            chain: labels.from(to_writers, function, first),
            offset: 0,
        });
    }
    let first = format!("export `{}`", escaped_function(export));
    let written = scan.written.binary_search_by_key(&writer, |written| written.function);
    let (what, operator, offset) = match written.ok().and_then(|place| scan.written.get(place)) {
        Some(written) => (written.what, operators::text(written.operator), written.offset),
        // Every root is a writer; if one were not, it would still not be stateless.
        None => ("writes state", "unknown".into(), 0),
    };
    Err(Write {
        what: what.into(),
        operator,
        function: labels.name(writer),
        chain: labels.from(to_writers, function, first),
        offset,
    })
}

fn forks_early(
    what: &str,
    function: u32,
    first: String,
    labels: &Labels<'_, '_>,
    to_links: &Reach,
    offset: Option<usize>,
    reasons: &mut Reasons,
) {
    if let Some(link) = to_links.root(function) {
        reasons.add(|| Reason {
            what: ReasonKind::ForkInInitializer,
            message: format!(
                "{what} can call `{}`: there is no call yet, or no more, that a fork could belong to; \
                 fork and wait in the exported functions alone",
                labels.name(link),
            ),
            chain: labels.from(to_links, function, first),
            offset,
        });
    }
}

/// Whether the host calls the export of this name around a call rather than as one: to set the guest up, to
/// make room for arguments, to free results.
fn is_initializer(name: &str) -> bool {
    const NAMES: [&str; 11] = [
        "_initialize",
        "__wasm_call_ctors",
        "realloc",
        "cabi_realloc",
        "cabi_import_realloc",
        "cabi_export_realloc",
        "cabi_realloc_wit_bindgen",
        "canonical_abi_realloc",
        "canonical_abi_free",
        "cm32p2_initialize",
        "cm32p2_realloc",
    ];
    NAMES.contains(&name) || name.starts_with("cabi_post_") || (name.starts_with("cm32p2|") && name.ends_with("_post"))
}
