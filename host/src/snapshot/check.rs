//! Finds in a guest's bytes what cannot be frozen, before anything runs.
//!
//! Everything that the audit accepts but wizer would lose, refuse or panic at is refused here, with its place. So wizer itself
//! has nothing left to refuse, except what is unknown to both.

use super::read::ACCESS;
use crate::audit::function_name;
use crate::error::{Error, ErrorKind, Result};
use crate::escape::escaped;
use crate::ir::MAX_EXPORTS;
use std::collections::HashSet;
use std::ops::Range;
use wasmparser::{
    ComponentExternalKind, ComponentOuterAliasKind, Encoding, Instance, Operator, Parser, Payload, TypeRef, ValType,
};

/// The most exports of a valid module.
const MOST_EXPORTS: u64 = 1_000_000;

/// The export that wizer always removes from a file.
const INITIALIZE: &str = "_initialize";

/// The prefix of the names of exports that freezing adds.
const RESERVED: &str = "__wizer_";

/// Fails if running the guest could change what cannot be frozen. The audit has passed it. `is_lost`: whether the export of that
/// name may be lost.
pub(super) fn check(bytes: &[u8], is_lost: &dyn Fn(&str) -> bool) -> Result<()> {
    let mut check = Check { bytes, is_lost, open: Vec::new(), next: 0..bytes.len(), made: HashSet::new(), parts: 0 };
    for payload in Parser::new(0).parse_all(bytes) {
        check.payload(payload.map_err(unsupported)?)?;
    }
    Ok(())
}

struct Check<'a> {
    bytes: &'a [u8],
    is_lost: &'a dyn Fn(&str) -> bool,
    /// The module or component being read, innermost last.
    open: Vec<Option<Module>>,
    /// The offset of the next module.
    next: Range<usize>,
    /// The modules that the outermost component instantiates.
    made: HashSet<u32>,
    /// How many functions the component exports, with those that are added to read its state.
    parts: u64,
}

/// What there is in a core module.
struct Module {
    range: Range<usize>,
    imported_functions: u32,
    functions: u32,
    memories: u64,
    globals: u64,
    exports: Option<u64>,
    named: bool,
}

impl Check<'_> {
    fn payload(&mut self, payload: Payload<'_>) -> Result<()> {
        let component = !matches!(self.open.as_slice(), [] | [Some(_)]);
        match payload {
            Payload::ModuleSection { unchecked_range, .. } => self.next = unchecked_range,
            Payload::Version { encoding: Encoding::Component, .. } => self.open.push(None),
            Payload::Version { encoding: Encoding::Module, .. } => {
                if self.open.len() > 1 {
                    return Err(unsupported("it is composed of components that have modules of their own")
                        .with_help("preinitialise each before they are composed"));
                }
                self.open.push(Some(Module::new(self.next.clone())));
            }
            Payload::End(_) => {
                if let Some(Some(module)) = self.open.pop() {
                    self.parts += module.memories + module.globals;
                    module.judge()?;
                }
                if self.parts > MAX_EXPORTS as u64 && component {
                    return Err(unsupported(format!(
                        "it has more than {MAX_EXPORTS} exported functions, memories and globals that can change"
                    )));
                }
            }
            payload => match self.open.last_mut() {
                Some(Some(module)) => {
                    module.section(&payload)?;
                    let file = if component { None } else { Some(self.is_lost) };
                    module.payload(payload, self.bytes, file)?;
                }
                _ => self.component(payload)?,
            },
        }
        Ok(())
    }

    fn component(&mut self, payload: Payload<'_>) -> Result<()> {
        let outermost = self.open.len() == 1;
        let elsewhere = || Err(unsupported("it takes modules or components from elsewhere than where they are used"));
        match payload {
            Payload::InstanceSection(section) if outermost => {
                for instance in section {
                    if let Instance::Instantiate { module_index, .. } = instance.map_err(unsupported)?
                        && !self.made.insert(module_index)
                    {
                        return Err(unsupported(
                            "it has two instances of one module, and a module starts with one state",
                        )
                        .with_help("compose it of a module for each"));
                    }
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    match alias.map_err(unsupported)? {
                        wasmparser::ComponentAlias::InstanceExport {
                            kind: ComponentExternalKind::Module | ComponentExternalKind::Component,
                            ..
                        }
                        | wasmparser::ComponentAlias::Outer {
                            kind: ComponentOuterAliasKind::CoreModule | ComponentOuterAliasKind::Component,
                            ..
                        } => return elsewhere(),
                        wasmparser::ComponentAlias::InstanceExport { .. }
                        | wasmparser::ComponentAlias::CoreInstanceExport { .. }
                        | wasmparser::ComponentAlias::Outer { .. } => {}
                    }
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    let kind = import.map_err(unsupported)?.ty.kind();
                    if matches!(kind, ComponentExternalKind::Module | ComponentExternalKind::Component) {
                        return elsewhere();
                    }
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export.map_err(unsupported)?;
                    match export.kind {
                        ComponentExternalKind::Module | ComponentExternalKind::Component => return elsewhere(),
                        ComponentExternalKind::Func => self.parts += 1,
                        ComponentExternalKind::Value
                        | ComponentExternalKind::Type
                        | ComponentExternalKind::Instance => {}
                    }
                    if outermost && export.name.name == ACCESS {
                        return Err(reserved(export.name.name));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Module {
    fn new(range: Range<usize>) -> Module {
        Module { range, imported_functions: 0, functions: 0, memories: 0, globals: 0, exports: None, named: false }
    }

    /// Wizer inserts sections in front of the name section, wherever that is.
    fn section(&mut self, payload: &Payload<'_>) -> Result<()> {
        match payload {
            Payload::CustomSection(section) => self.named |= section.name() == "name",
            other if self.named && other.as_section().is_some() => {
                return Err(unsupported("its section of names comes before other sections")
                    .with_help("put the section at the end, or strip it"));
            }
            _ => {}
        }
        Ok(())
    }

    /// `file`: the module is a file of its own, of which such exports may be lost.
    fn payload(&mut self, payload: Payload<'_>, bytes: &[u8], file: Option<&dyn Fn(&str) -> bool>) -> Result<()> {
        match payload {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.map_err(unsupported)?;
                    self.imported_functions += u32::from(matches!(import.ty, TypeRef::Func(_)));
                    for name in [import.module, import.name] {
                        if name.starts_with(RESERVED) {
                            return Err(reserved(name));
                        }
                    }
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    if memory.map_err(unsupported)?.memory64 && file.is_none() {
                        return Err(unsupported("it is a component with a 64-bit memory")
                            .with_help("compile for 32-bit memory"));
                    }
                    self.memories += 1;
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    let ty = global.map_err(unsupported)?.ty;
                    if !ty.mutable {
                        continue;
                    }
                    self.globals += 1;
                    match ty.content_type {
                        ValType::Ref(_) => {
                            return Err(unsupported(
                                "it has a global that holds a reference and can change, and references cannot be frozen",
                            ));
                        }
                        ValType::V128 if file.is_none() => {
                            return Err(unsupported("it is a component with a global of type v128 that can change")
                                .with_help("keep the value in memory"));
                        }
                        ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64 | ValType::V128 => {}
                    }
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export.map_err(unsupported)?;
                    *self.exports.get_or_insert(0) += 1;
                    if export.name.starts_with(RESERVED) {
                        return Err(reserved(export.name));
                    }
                    if export.name == INITIALIZE && file.is_some_and(|is_lost| !is_lost(INITIALIZE)) {
                        return Err(unsupported(
                            "it exports `_initialize`, and not as a function without parameters and results",
                        )
                        .with_help("export it under another name"));
                    }
                }
                self.exports.get_or_insert(0);
            }
            // Wizer keeps all segments, emptied, as their indices must not change.
            Payload::CodeSectionEntry(body) => {
                let function = self.imported_functions + self.functions;
                self.functions += 1;
                let mut operators = body.get_operators_reader().map_err(unsupported)?;
                while !operators.eof() {
                    if let Some((operator, why)) = lost(&operators.read().map_err(unsupported)?) {
                        let name = function_name(&bytes[self.range.clone()], function);
                        return Err(unsupported(format!("`{operator}` in `{name}` {why}"))
                            .with_help("it is refused even if it would not run; compile the guest without it"));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn judge(&self) -> Result<()> {
        if self.exports.is_none() && self.memories + self.globals > 0 {
            return Err(unsupported("it has a module with memories or globals, and no exports at all")
                .with_help("give the module an export"));
        }
        let exports = self.exports.unwrap_or_default() + self.memories + self.globals;
        if exports > MOST_EXPORTS {
            return Err(unsupported(format!(
                "it has more than {MOST_EXPORTS} exports, memories and globals that can change"
            )));
        }
        Ok(())
    }
}

/// If an operator changes what is not part of a frozen state: its name, and what it changes.
fn lost(operator: &Operator<'_>) -> Option<(&'static str, &'static str)> {
    const TABLE: &str = "changes a table, and tables cannot be frozen";
    const SEGMENT: &str = "drops a segment, and segments that are gone cannot be frozen";
    const OBJECT: &str = "changes an object, and objects cannot be frozen";
    Some(match operator {
        Operator::StructSet { .. } => ("struct.set", OBJECT),
        Operator::ArraySet { .. } => ("array.set", OBJECT),
        Operator::ArrayFill { .. } => ("array.fill", OBJECT),
        Operator::ArrayCopy { .. } => ("array.copy", OBJECT),
        Operator::ArrayInitData { .. } => ("array.init_data", OBJECT),
        Operator::ArrayInitElem { .. } => ("array.init_elem", OBJECT),
        Operator::TableSet { .. } => ("table.set", TABLE),
        Operator::TableGrow { .. } => ("table.grow", TABLE),
        Operator::TableFill { .. } => ("table.fill", TABLE),
        Operator::TableCopy { .. } => ("table.copy", TABLE),
        Operator::TableInit { .. } => ("table.init", TABLE),
        Operator::ElemDrop { .. } => ("elem.drop", SEGMENT),
        Operator::DataDrop { .. } => ("data.drop", SEGMENT),
        _ => return None,
    })
}

fn reserved(name: &str) -> Error {
    unsupported(format!("it uses the name `{}`, under which its state would be read", escaped(name)))
        .with_help("call it something else")
}

pub(super) fn unsupported(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the guest's state cannot be frozen: {why}"))
}
