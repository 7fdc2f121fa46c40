//! What a module exports that a script can use.

use super::scripted::wrong;
use crate::error::{Error, ErrorKind, Result};
use crate::escape::escaped;
use crate::ir::CoreType;
use std::collections::HashMap;
use wasmparser::types::EntityType;
use wasmparser::{CompositeInnerType, Parser, Payload, ValType, Validator, WasmFeatures};

/// The memory that WASI reads, and that is taken where there are several.
const MEMORY: &str = "memory";

/// What adds pages behind the gap; see `gap`.
pub(super) const BEHIND: &str = "purefork: pages behind";

/// A function's parameters and results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signature {
    pub(super) params: Vec<CoreType>,
    pub(super) results: Vec<CoreType>,
}

/// What a module exports that a script can use.
#[derive(Default)]
pub(super) struct Exports {
    /// The functions that take and give numbers alone, in the order of their exports.
    pub(super) functions: Vec<(String, Signature)>,
    by_name: HashMap<String, usize>,
    /// The types of the global variables that hold numbers, and whether they change.
    globals: HashMap<String, (CoreType, bool)>,
    /// The name of the memory that values are laid in, and its size and most pages.
    pub(super) memory: Option<String>,
}

impl Exports {
    pub(super) fn read(module: &[u8]) -> Result<Exports> {
        if Parser::is_component(module) {
            return Err(wrong("expected a core module for a script or a WIT world, but it is a component")
                .with_help("a component's functions have WIT's types already: leave the script or the world away"));
        }
        let broken = |error: wasmparser::Error| {
            let message = format!("the module is not a valid core module: {}", escaped(error.message()));
            Error::new(ErrorKind::Malformed, message)
        };
        let types = Validator::new_with_features(WasmFeatures::all()).validate_all(module).map_err(broken)?;
        let mut exports = Exports::default();
        for payload in Parser::new(0).parse_all(module) {
            let Payload::ExportSection(section) = payload.map_err(broken)? else { continue };
            for export in section {
                let export = export.map_err(broken)?;
                match types.as_ref().entity_type_from_export(&export) {
                    Some(EntityType::Func(id)) => {
                        let CompositeInnerType::Func(ty) = &types[id].composite_type.inner else { continue };
                        let numbers = |types: &[ValType]| types.iter().map(number).collect::<Option<Vec<_>>>();
                        if let (Some(params), Some(results)) = (numbers(ty.params()), numbers(ty.results())) {
                            exports.by_name.insert(export.name.to_owned(), exports.functions.len());
                            exports.functions.push((export.name.to_owned(), Signature { params, results }));
                        }
                    }
                    Some(EntityType::Global(ty)) => {
                        if let Some(number) = number(&ty.content_type) {
                            exports.globals.insert(export.name.to_owned(), (number, ty.mutable));
                        }
                    }
                    Some(EntityType::Memory(ty))
                        if !ty.memory64
                            && !ty.shared
                            && ty.page_size_log2() == 16
                            && (export.name == MEMORY || exports.memory.is_none()) =>
                    {
                        exports.memory = Some(export.name.to_owned());
                    }
                    _ => {}
                }
            }
        }
        Ok(exports)
    }

    /// The type of the global variable of this name.
    pub(super) fn global(&self, name: &str) -> Option<CoreType> {
        self.globals.get(name).map(|(ty, _)| *ty)
    }

    /// Whether it changes.
    pub(super) fn is_mutable(&self, name: &str) -> bool {
        self.globals.get(name).is_some_and(|(_, mutable)| *mutable)
    }

    /// The functions that an error lists.
    pub(super) fn listed(&self) -> impl Iterator<Item = &(String, Signature)> {
        self.functions.iter().filter(|(name, _)| name != BEHIND)
    }

    /// The function of this name.
    pub(super) fn function(&self, name: &str) -> Option<&Signature> {
        self.by_name.get(name).map(|place| &self.functions[*place].1)
    }

    /// Whether a function of this name takes and gives these.
    pub(super) fn has(&self, name: &str, params: &[CoreType], results: &[CoreType]) -> bool {
        self.function(name).is_some_and(|known| known.params == params && known.results == results)
    }
}

fn number(ty: &ValType) -> Option<CoreType> {
    Some(match ty {
        ValType::I32 => CoreType::I32,
        ValType::I64 => CoreType::I64,
        ValType::F32 => CoreType::F32,
        ValType::F64 => CoreType::F64,
        ValType::V128 => CoreType::V128,
        ValType::Ref(_) => return None,
    })
}
