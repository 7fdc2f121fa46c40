//! A core module that is linked, as it is read.

use crate::error::{Error, ErrorKind, Result};
use crate::escape::escaped;
use std::collections::HashMap;
use wasmparser::{
    CustomSectionReader, Data, Element, Export, ExternalKind, FunctionBody, Global, Import, MemoryType, Parser,
    Payload, Table, TagType, TypeRef, TypeSectionReader, Validator, WasmFeatures,
};

/// A provider's name with which its functions keep their own names.
pub(crate) const UNNAMED: &str = "purefork: the module";

/// The kinds of things that have an index space of their own, and are imported and exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Function,
    Table,
    Memory,
    Global,
    Tag,
}

impl Kind {
    pub(super) const ALL: [Kind; 5] = [Kind::Function, Kind::Table, Kind::Memory, Kind::Global, Kind::Tag];

    pub(super) fn of(kind: ExternalKind) -> Kind {
        match kind {
            ExternalKind::Func | ExternalKind::FuncExact => Kind::Function,
            ExternalKind::Table => Kind::Table,
            ExternalKind::Memory => Kind::Memory,
            ExternalKind::Global => Kind::Global,
            ExternalKind::Tag => Kind::Tag,
        }
    }

    pub(super) fn of_import(ty: &TypeRef) -> Kind {
        match ty {
            TypeRef::Func(_) | TypeRef::FuncExact(_) => Kind::Function,
            TypeRef::Table(_) => Kind::Table,
            TypeRef::Memory(_) => Kind::Memory,
            TypeRef::Global(_) => Kind::Global,
            TypeRef::Tag(_) => Kind::Tag,
        }
    }
}

/// A valid core module. Indices in it are its own.
#[derive(Default)]
pub(super) struct Part<'a> {
    /// What its importers call it; the main module has none.
    pub(super) name: Option<&'a str>,
    pub(super) types: Option<TypeSectionReader<'a>>,
    /// How many types it has.
    pub(super) type_count: u32,
    pub(super) imports: Vec<Import<'a>>,
    /// For each kind, which of the imports are of it, in order.
    imported: [Vec<usize>; 5],
    /// The type of each function that it defines.
    pub(super) functions: Vec<u32>,
    pub(super) tables: Vec<Table<'a>>,
    pub(super) memories: Vec<MemoryType>,
    pub(super) globals: Vec<Global<'a>>,
    pub(super) tags: Vec<TagType>,
    pub(super) exports: Vec<Export<'a>>,
    /// The exports' places by name.
    by_name: HashMap<&'a str, usize>,
    pub(super) start: Option<u32>,
    pub(super) elements: Vec<Element<'a>>,
    pub(super) data: Vec<Data<'a>>,
    pub(super) code: Vec<FunctionBody<'a>>,
    pub(super) customs: Vec<CustomSectionReader<'a>>,
}

impl<'a> Part<'a> {
    /// Reads a module; `name`: what its importers call it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Malformed`] if it is no valid core module.
    pub(super) fn read(name: Option<&'a str>, bytes: &'a [u8]) -> Result<Part<'a>> {
        let mut part = Part { name, ..Part::default() };
        if Parser::is_component(bytes) {
            let message = format!("expected core modules to link, but {} is a component", part.shown());
            return Err(Error::new(ErrorKind::Malformed, message)
                .with_help("compose components beforehand, such as with `wac plug`, and load what comes of it"));
        }
        let valid = Validator::new_with_features(WasmFeatures::all()).validate_all(bytes).map(drop);
        valid.and_then(|()| part.sections(bytes)).map_err(|error| {
            let message = format!(
                "{} is not a valid core module: {} (at byte {:#x})",
                part.shown(),
                escaped(error.message()),
                error.offset()
            );
            Error::new(ErrorKind::Malformed, message)
        })?;
        for (place, import) in part.imports.iter().enumerate() {
            part.imported[Kind::of_import(&import.ty) as usize].push(place);
        }
        part.by_name = part.exports.iter().enumerate().map(|(place, export)| (export.name, place)).collect();
        Ok(part)
    }

    fn sections(&mut self, bytes: &'a [u8]) -> wasmparser::Result<()> {
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::TypeSection(section) => {
                    for group in section.clone() {
                        self.type_count += group?.types().len() as u32;
                    }
                    self.types = Some(section);
                }
                Payload::ImportSection(section) => {
                    self.imports = section.into_imports().collect::<wasmparser::Result<_>>()?;
                }
                Payload::FunctionSection(section) => {
                    self.functions = section.into_iter().collect::<wasmparser::Result<_>>()?;
                }
                Payload::TableSection(section) => {
                    self.tables = section.into_iter().collect::<wasmparser::Result<_>>()?;
                }
                Payload::MemorySection(section) => {
                    self.memories = section.into_iter().collect::<wasmparser::Result<_>>()?;
                }
                Payload::TagSection(section) => {
                    self.tags = section.into_iter().collect::<wasmparser::Result<_>>()?;
                }
                Payload::GlobalSection(section) => {
                    self.globals = section.into_iter().collect::<wasmparser::Result<_>>()?;
                }
                Payload::ExportSection(section) => {
                    self.exports = section.into_iter().collect::<wasmparser::Result<_>>()?;
                }
                Payload::StartSection { func, .. } => self.start = Some(func),
                Payload::ElementSection(section) => {
                    self.elements = section.into_iter().collect::<wasmparser::Result<_>>()?;
                }
                Payload::DataSection(section) => {
                    self.data = section.into_iter().collect::<wasmparser::Result<_>>()?;
                }
                Payload::CodeSectionEntry(body) => self.code.push(body),
                Payload::CustomSection(section) => self.customs.push(section),
                _ => {}
            }
        }
        Ok(())
    }

    /// The module as it is named in a message.
    pub(super) fn shown(&self) -> String {
        self.name.map_or_else(|| "the module".to_owned(), |name| format!("`{}`", escaped(name)))
    }

    /// The place among the imports of the thing of this kind and index; none if the module defines it.
    pub(super) fn import_of(&self, kind: Kind, index: u32) -> Option<usize> {
        self.imported[kind as usize].get(index as usize).copied()
    }

    /// The places of its imports of a kind.
    pub(super) fn imported(&self, kind: Kind) -> &[usize] {
        &self.imported[kind as usize]
    }

    /// How many things of a kind it defines itself.
    pub(super) fn defined(&self, kind: Kind) -> u32 {
        let count = match kind {
            Kind::Function => self.functions.len(),
            Kind::Table => self.tables.len(),
            Kind::Memory => self.memories.len(),
            Kind::Global => self.globals.len(),
            Kind::Tag => self.tags.len(),
        };
        count as u32
    }

    /// The export of this name.
    pub(super) fn export(&self, name: &str) -> Option<&Export<'a>> {
        self.by_name.get(name).map(|place| &self.exports[*place])
    }

    /// The type of a thing, with the module's own indices of types; none if there is no such thing.
    pub(super) fn type_of(&self, kind: Kind, index: u32) -> Option<TypeRef> {
        if let Some(import) = self.import_of(kind, index) {
            return Some(self.imports[import].ty);
        }
        let own = index as usize - self.imported(kind).len();
        Some(match kind {
            Kind::Function => TypeRef::Func(*self.functions.get(own)?),
            Kind::Table => TypeRef::Table(self.tables.get(own)?.ty),
            Kind::Memory => TypeRef::Memory(*self.memories.get(own)?),
            Kind::Global => TypeRef::Global(self.globals.get(own)?.ty),
            Kind::Tag => TypeRef::Tag(*self.tags.get(own)?),
        })
    }
}
