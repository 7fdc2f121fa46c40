//! Writes the module that is made.

use super::constant::Constant;
use super::names::names;
use super::part::{Kind, Part};
use super::remap::{Done, Remap};
use super::resolve::Resolved;
use super::setup::{Setup, Start};
use super::wasi;
use std::collections::{BTreeSet, HashMap};
use wasm_encoder::reencode::{Reencode as _, utils};
use wasm_encoder::{
    CodeSection, CustomSection, DataCountSection, DataSection, ElementSection, Elements, ExportKind, ExportSection,
    Function, FunctionSection, GlobalSection, ImportSection, MemorySection, Module, StartSection, TableSection,
    TagSection, TypeSection,
};
use wasmparser::{DataKind, ElementKind, ExternalKind};

/// The main module's number.
const MAIN: usize = 0;

/// The sections that are made of those of all modules.
#[derive(Default)]
struct Sections {
    types: TypeSection,
    imports: ImportSection,
    functions: FunctionSection,
    tables: TableSection,
    memories: MemorySection,
    tags: TagSection,
    globals: GlobalSection,
    exports: ExportSection,
    elements: ElementSection,
    code: CodeSection,
    data: DataSection,
}

/// Writes the module that is made.
pub(super) fn write(parts: &[Part<'_>], order: &[usize], resolved: &Resolved) -> Done<Vec<u8>> {
    let setup = Setup::new(parts, order, resolved);
    let mut known: HashMap<u32, Constant> = HashMap::new();
    let mut sections = Sections::default();
    let mut added = Function::new([]);
    // The functions that providers refer to, where it may have been their export that allowed it.
    let mut referenced: BTreeSet<u32> = BTreeSet::new();
    let (mut elements, mut data) = (0, 0);
    let none = HashMap::new();
    for &(number, place) in &resolved.imports {
        let import = &parts[number].imports[place];
        let ty = Remap::new(resolved, number, (0, 0), &none).entity_type(import.ty)?;
        sections.imports.import(import.module, import.name, ty);
    }
    for &number in order {
        let part = &parts[number];
        let held = globals(part, Remap::new(resolved, number, (elements, data), &known), &mut sections.globals)?;
        known.extend(held);
        let mut remap = Remap::new(resolved, number, (elements, data), &known);
        declarations(part, &mut remap, &mut sections)?;
        segments(part, setup.is_placed(number), &mut remap, &mut sections)?;
        remap.referenced.clear();
        for body in &part.code {
            utils::parse_function_body(&mut remap, &mut sections.code, body.clone())?;
        }
        if number != MAIN {
            let exported = part.exports.iter().filter(|export| export.kind == ExternalKind::Func);
            let exported = exported.map(|export| resolved.index(number, Kind::Function, export.index));
            referenced.extend(exported.filter(|index| remap.referenced.contains(index)));
        }
        setup.add(number, part, &mut remap, &mut added)?;
        elements += part.elements.len() as u32;
        data += part.data.len() as u32;
    }
    if !referenced.is_empty() {
        let functions: Vec<u32> = referenced.into_iter().collect();
        sections.elements.declared(Elements::Functions(functions.into()));
    }
    let mut main = Remap::new(resolved, MAIN, (0, 0), &none);
    for export in &parts[MAIN].exports {
        main.parse_export(&mut sections.exports, *export)?;
    }
    if let Some(memory) = wasi::memory(parts, resolved) {
        sections.exports.export(wasi::MEMORY, ExportKind::Memory, memory);
    }
    let start = match setup.start(resolved) {
        Start::None => None,
        Start::Own(function) => Some(function),
        Start::Added => {
            sections.types.ty().function([], []);
            sections.functions.function(resolved.types.count);
            added.instructions().end();
            sections.code.function(&added);
            Some(resolved.counts[Kind::Function as usize])
        }
    };
    Ok(finished(&sections, start, &parts[MAIN], &names(parts, resolved)))
}

/// Writes a module's globals, and tells what those hold that do not change.
fn globals(part: &Part<'_>, mut remap: Remap<'_>, globals: &mut GlobalSection) -> Done<Vec<(u32, Constant)>> {
    let imported = part.imported(Kind::Global).len() as u32;
    let mut held = Vec::new();
    for (own, global) in part.globals.iter().enumerate() {
        if !global.ty.mutable
            && let Some(constant) = remap.constant(&global.init_expr)
        {
            held.push((remap.global_index(imported + own as u32)?, constant));
        }
        remap.parse_global(globals, global.clone())?;
    }
    Ok(held)
}

/// Writes what a module declares, but for its globals.
fn declarations(part: &Part<'_>, remap: &mut Remap<'_>, sections: &mut Sections) -> Done<()> {
    if let Some(types) = part.types.clone() {
        remap.parse_type_section(&mut sections.types, types)?;
    }
    for ty in &part.functions {
        sections.functions.function(remap.type_index(*ty)?);
    }
    for table in &part.tables {
        remap.parse_table(&mut sections.tables, table.clone())?;
    }
    for memory in &part.memories {
        sections.memories.memory(remap.memory_type(*memory)?);
    }
    for tag in &part.tags {
        sections.tags.tag(remap.tag_type(*tag)?);
    }
    Ok(())
}

/// Writes a module's segments; `placed`: code places the active ones.
fn segments(part: &Part<'_>, placed: bool, remap: &mut Remap<'_>, sections: &mut Sections) -> Done<()> {
    for element in &part.elements {
        let mut element = element.clone();
        if placed && matches!(element.kind, ElementKind::Active { .. }) {
            element.kind = ElementKind::Passive;
        }
        remap.parse_element(&mut sections.elements, element)?;
    }
    for data in &part.data {
        let mut data = data.clone();
        if placed && matches!(data.kind, DataKind::Active { .. }) {
            data.kind = DataKind::Passive;
        }
        remap.parse_data(&mut sections.data, data)?;
    }
    Ok(())
}

/// Puts the sections together, and behind them the main module's custom sections.
fn finished(sections: &Sections, start: Option<u32>, main: &Part<'_>, names: &wasm_encoder::NameSection) -> Vec<u8> {
    let Sections { types, imports, functions, tables, memories, tags, globals, exports, elements, code, data } =
        sections;
    let mut module = Module::new();
    macro_rules! sections {
        ($($section:expr)*) => {$(
            if !$section.is_empty() {
                module.section($section);
            }
        )*};
    }
    sections!(types imports functions tables memories tags globals exports);
    if let Some(function_index) = start {
        module.section(&StartSection { function_index });
    }
    sections!(elements);
    if !data.is_empty() {
        module.section(&DataCountSection { count: data.len() });
    }
    sections!(code data);
    for custom in main.customs.iter().filter(|custom| stays(custom.name())) {
        module.section(&CustomSection { name: custom.name().into(), data: custom.data().into() });
    }
    module.section(names);
    module.finish()
}

/// Whether a custom section stays true: it does not if it speaks of places or indices.
fn stays(name: &str) -> bool {
    const STALE: [&str; 8] =
        [".debug_", "reloc.", "metadata.code.", "name", "linking", "dylink", "sourceMappingURL", "external_debug_info"];
    !STALE.iter().any(|stale| name.starts_with(stale))
}
