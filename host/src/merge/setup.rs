//! What runs when an instance is made: start functions, initialisers, and segments that have to be placed between them.

use super::part::{Kind, Part};
use super::remap::{Done, Remap};
use super::resolve::Resolved;
use wasm_encoder::Function;
use wasm_encoder::reencode::Reencode as _;
use wasmparser::{DataKind, ElementItems, ElementKind, ExternalKind};

/// What runs when an instance is made.
pub(super) struct Setup {
    /// For each module, in its own indices, the functions that are called.
    calls: Vec<Vec<u32>>,
    /// For each module, whether its active segments are placed by code.
    placed: Vec<bool>,
}

/// The start function that the module gets.
pub(super) enum Start {
    None,
    /// One that there is.
    Own(u32),
    /// One that has to be added.
    Added,
}

impl Setup {
    pub(super) fn new(parts: &[Part<'_>], order: &[usize], resolved: &Resolved) -> Setup {
        let mut setup = Setup { calls: vec![Vec::new(); parts.len()], placed: vec![false; parts.len()] };
        let mut ran = false;
        for &number in order {
            let part = &parts[number];
            // Such a segment may overwrite what another module's code has written.
            setup.placed[number] = ran && places_elsewhere(part);
            setup.calls[number].extend(part.start);
            setup.calls[number].extend(initializer(parts, number, resolved).filter(|it| Some(*it) != part.start));
            ran |= !setup.calls[number].is_empty();
        }
        setup
    }

    /// Whether the active segments of a module are placed by code.
    pub(super) fn is_placed(&self, number: usize) -> bool {
        self.placed[number]
    }

    pub(super) fn start(&self, resolved: &Resolved) -> Start {
        if self.placed.contains(&true) {
            return Start::Added;
        }
        let mut calls =
            self.calls.iter().enumerate().flat_map(|(number, calls)| calls.iter().map(move |own| (number, *own)));
        match (calls.next(), calls.next()) {
            (None, _) => Start::None,
            (Some((number, own)), None) => Start::Own(resolved.index(number, Kind::Function, own)),
            _ => Start::Added,
        }
    }

    /// Adds what one module does to the start function.
    pub(super) fn add(&self, number: usize, part: &Part<'_>, remap: &mut Remap<'_>, code: &mut Function) -> Done<()> {
        if self.is_placed(number) {
            place(part, remap, code)?;
        }
        for call in &self.calls[number] {
            code.instructions().call(remap.function_index(*call)?);
        }
        Ok(())
    }
}

/// What a provider has to have called before anything else of it is, as the host does for the main module. Where another module imports
/// it, that is its to call: some trap when they are called twice.
fn initializer(parts: &[Part<'_>], number: usize, resolved: &Resolved) -> Option<u32> {
    let part = &parts[number];
    let name = part.name?;
    let find = |wanted: &str| {
        let export = part.export(wanted).filter(|export| export.kind == ExternalKind::Func)?;
        let own = part.import_of(Kind::Function, export.index).is_none();
        let plain = resolved.types.is_plain(number, part, export.index);
        let imported = parts.iter().flat_map(|part| &part.imports).any(|import| {
            import.module == name && parts[number].export(import.name).is_some_and(|it| is_function(it, export.index))
        });
        (own && plain && !imported).then_some(export.index)
    };
    // As the audit has it of the main module.
    let constructors = || if part.export("_start").is_none() { find("__wasm_call_ctors") } else { None };
    if part.export("_initialize").is_some() { find("_initialize") } else { constructors() }
}

fn is_function(export: &wasmparser::Export<'_>, index: u32) -> bool {
    export.kind == ExternalKind::Func && export.index == index
}

/// Whether a module has active segments for memories or tables that it imports.
fn places_elsewhere(part: &Part<'_>) -> bool {
    let memory = |index| part.import_of(Kind::Memory, index).is_some();
    let table = |index: Option<u32>| part.import_of(Kind::Table, index.unwrap_or(0)).is_some();
    part.data.iter().any(|data| matches!(data.kind, DataKind::Active { memory_index, .. } if memory(memory_index)))
        || part
            .elements
            .iter()
            .any(|element| matches!(element.kind, ElementKind::Active { table_index, .. } if table(table_index)))
}

/// Writes the code that places a module's active segments, tables first, and drops them, as an engine does.
fn place(part: &Part<'_>, remap: &mut Remap<'_>, code: &mut Function) -> Done<()> {
    for (own, element) in part.elements.iter().enumerate() {
        let ElementKind::Active { table_index, offset_expr } = &element.kind else { continue };
        let count = match &element.items {
            ElementItems::Functions(items) => items.count(),
            ElementItems::Expressions(_, items) => items.count(),
        };
        let (table, segment) = (remap.table_index(table_index.unwrap_or(0))?, remap.element_index(own as u32)?);
        expression(offset_expr, remap, code)?;
        code.instructions().i32_const(0).i32_const(count.cast_signed()).table_init(table, segment).elem_drop(segment);
    }
    for (own, data) in part.data.iter().enumerate() {
        let DataKind::Active { memory_index, offset_expr } = &data.kind else { continue };
        let (memory, segment) = (remap.memory_index(*memory_index)?, remap.data_index(own as u32)?);
        expression(offset_expr, remap, code)?;
        let size = data.data.len() as u32;
        code.instructions().i32_const(0).i32_const(size.cast_signed()).memory_init(memory, segment).data_drop(segment);
    }
    Ok(())
}

/// Writes a constant expression as code.
fn expression(expression: &wasmparser::ConstExpr<'_>, remap: &mut Remap<'_>, code: &mut Function) -> Done<()> {
    let mut operators = expression.get_operators_reader();
    while !operators.is_end_then_eof() {
        code.instruction(&remap.instruction(operators.read()?)?);
    }
    Ok(())
}
