//! The audit of one core module inside a component.
//!
//! What such a module imports is judged with the component, not here: it comes from the component's other modules, or from
//! the host by way of the canonical ABI. Here is only found out which of its functions stay within the module. Those
//! that can reach anything imported, or a table that others may write to, may do whatever the component can.

use std::collections::HashMap;

use wasmparser::{ExternalKind, TypeRef, ValType};

use super::chain::Labels;
use super::declared;
use super::scan::{Scan, scan};
use super::{exports, features, size};
use crate::audit::features::{Valid, validate};
use crate::audit::malformed;
use crate::audit::malformed::Malformed;
use crate::audit::reason::Reasons;
use crate::ir::proposals::{CORE, WITHOUT_COLLECTOR};
use crate::ir::{Counts, MemoryFacts, TableFacts, Write};

/// What was found out about a core module inside a component.
pub(in crate::audit) struct Part {
    /// The exported functions, by name.
    pub(in crate::audit) functions: HashMap<String, PartFunction>,
    /// The memories and tables that it defines.
    pub(in crate::audit) memories: Vec<MemoryFacts>,
    pub(in crate::audit) tables: Vec<TableFacts>,
    pub(in crate::audit) counts: Counts,
    /// Whether it may have objects in a garbage-collected heap.
    pub(in crate::audit) collected: bool,
}

/// A function that such a module exports.
#[derive(Clone, Debug)]
pub(in crate::audit) struct PartFunction {
    /// Whether it can reach anything outside of the module.
    pub(in crate::audit) leaves: bool,
    /// `Ok` when no function that it can reach within the module changes state; else the nearest change.
    pub(in crate::audit) stateless: Result<(), Write>,
    pub(in crate::audit) index: u32,
}

/// Audits a core module inside a component; adds to `reasons` what it must not use.
///
/// # Errors
///
/// If it is not valid.
pub(in crate::audit) fn part(bytes: &[u8], reasons: &mut Reasons) -> Result<Part, Malformed> {
    let invalid = |error| malformed::invalid(&error);
    let valid = match validate(bytes, WITHOUT_COLLECTOR).map_err(invalid)? {
        valid if valid.missing.is_empty() => valid,
        _ => validate(bytes, CORE).map_err(invalid)?,
    };
    let scan = scan(bytes, &valid).map_err(invalid)?;
    let labels = Labels::new(&scan);
    let exported = scan.exports.iter().filter(|(export, _)| export.kind == ExternalKind::Func);
    let roots = exported.clone().map(|(export, _)| export.index).chain(scan.start).chain([scan.instantiation()]);
    let from_roots = scan.calls.reach(roots);
    features::judge(&scan, &valid, &labels, &from_roots, reasons);
    size::judge(&scan, reasons);

    let callers = scan.calls.reversed();
    let imported = 0..scan.imported_functions.len() as u32;
    let types = if shares_references(&scan, &valid) { 0..scan.distinct_types } else { 0..0 };
    let out = callers.reach(imported.chain(types.map(|ty| scan.functions + ty)));
    let to_writers = callers.reach(scan.written.iter().map(|written| written.function));
    let functions = exported
        .map(|(export, _)| {
            let stateless = exports::stateless(&scan, &labels, &to_writers, export.index, export.name);
            let function = PartFunction { leaves: out.contains(export.index), stateless, index: export.index };
            (export.name.to_owned(), function)
        })
        .collect();
    let types = valid.types.as_ref();
    let imports = |is: fn(&TypeRef) -> bool| scan.imports.iter().filter(|import| is(&import.ty)).count() as u32;
    let (memories, tables) = (
        imports(|ty| matches!(ty, TypeRef::Memory(_)))..types.memory_count(),
        imports(|ty| matches!(ty, TypeRef::Table(_)))..types.table_count(),
    );
    Ok(Part {
        functions,
        memories: memories.map(|i| declared::memory(&types.memory_at(i))).collect(),
        tables: tables.map(|i| declared::table(&types.table_at(i))).collect(),
        counts: scan.counts,
        collected: !WITHOUT_COLLECTOR.contains(valid.features),
    })
}

/// Whether references to functions can come into the module from outside, so that an indirect call can lead anywhere.
fn shares_references(scan: &Scan<'_>, valid: &Valid) -> bool {
    let references = |function: u32| {
        valid
            .function_type(function)
            .is_none_or(|ty| ty.params().iter().chain(ty.results()).any(|ty| matches!(ty, ValType::Ref(_))))
    };
    let types = valid.types.as_ref();
    let import = scan.imports.iter().any(|import| match import.ty {
        TypeRef::Table(_) | TypeRef::Tag(_) => true,
        TypeRef::Global(ty) => matches!(ty.content_type, ValType::Ref(_)),
        TypeRef::Memory(_) | TypeRef::Func(_) | TypeRef::FuncExact(_) => false,
    });
    import
        || (0..scan.imported_functions.len() as u32).any(references)
        || scan.exports.iter().any(|(export, _)| match export.kind {
            ExternalKind::Table | ExternalKind::Tag => true,
            ExternalKind::Global => {
                let ty = types.global_at(export.index);
                ty.mutable && matches!(ty.content_type, ValType::Ref(_))
            }
            ExternalKind::Func | ExternalKind::FuncExact => references(export.index),
            ExternalKind::Memory => false,
        })
}
