//! Types of different modules, compared.

use super::part::{Kind, Part};
use crate::error::{Error, ErrorKind, Result};
use crate::ir::shown;
use wasm_encoder::reencode::{Reencode, utils};
use wasm_encoder::{EntityType, GlobalType, ImportSection, Module, TypeSection};
use wasmparser::types::{CoreTypeId, Types};
use wasmparser::{CompositeInnerType, HeapType, RefType, TypeRef, ValType, Validator, WasmFeatures};

/// The types of all modules, one behind the other, in one space, where equal ones are the same.
pub(super) struct TypeSpace {
    types: Types,
    /// For each module, how many types lie before its own.
    pub(super) bases: Vec<u32>,
    /// How many there are.
    pub(super) count: u32,
    /// For each module, the place of its first global's type among the types of values; then of its first table's.
    globals: Vec<u32>,
    tables: Vec<u32>,
}

/// The type of a thing, comparable with that of a thing of another module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Function(CoreTypeId),
    Table { element: RefType, wide: bool, shared: bool, initial: u64, maximum: Option<u64> },
    Memory(wasmparser::MemoryType),
    Global { content: ValType, mutable: bool, shared: bool },
    Tag(CoreTypeId),
}

/// Indices of types alone, moved by what lies before them.
struct Moved(u32);

impl Reencode for Moved {
    type Error = std::convert::Infallible;

    fn type_index(&mut self, ty: u32) -> Result<u32, wasm_encoder::reencode::Error<Self::Error>> {
        Ok(ty + self.0)
    }
}

impl TypeSpace {
    /// The space of the modules' types, in this order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] if there are more than one module may have.
    pub(super) fn new(parts: &[Part<'_>], order: &[usize]) -> Result<TypeSpace> {
        let too_many = |error: String| {
            let message = format!("the modules cannot be linked, as their types do not fit into one module: {error}");
            Error::new(ErrorKind::Unsupported, message).with_help("provide fewer or smaller modules")
        };
        let mut section = TypeSection::new();
        let mut imports = ImportSection::new();
        let none = || vec![0; parts.len()];
        let (mut bases, mut globals, mut tables) = (none(), none(), none());
        let (mut count, mut values) = (0, 0);
        for &number in order {
            let part = &parts[number];
            bases[number] = count;
            let mut moved = Moved(count);
            if let Some(types) = part.types.clone() {
                utils::parse_type_section(&mut moved, &mut section, types)
                    .map_err(|error| too_many(error.to_string()))?;
            }
            count += part.type_count;
            // The validator says what a global's type means, in a module that imports one of it.
            let mut value = |ty: ValType| -> Result<()> {
                let val_type = moved.val_type(ty).map_err(|error| too_many(error.to_string()))?;
                let ty = GlobalType { val_type, mutable: false, shared: false };
                imports.import("", "", EntityType::Global(ty));
                Ok(())
            };
            globals[number] = values;
            for index in 0..count_of(part, Kind::Global) {
                if let Some(TypeRef::Global(ty)) = part.type_of(Kind::Global, index) {
                    value(ty.content_type)?;
                }
            }
            tables[number] = values + count_of(part, Kind::Global);
            values = tables[number] + count_of(part, Kind::Table);
            for index in 0..count_of(part, Kind::Table) {
                if let Some(TypeRef::Table(ty)) = part.type_of(Kind::Table, index) {
                    value(ValType::Ref(ty.element_type))?;
                }
            }
        }
        let mut module = Module::new();
        module.section(&section).section(&imports);
        let types = Validator::new_with_features(WasmFeatures::all())
            .validate_all(&module.finish())
            .map_err(|error| too_many(error.message().to_owned()))?;
        Ok(TypeSpace { types, bases, count, globals, tables })
    }

    /// The type of a thing of a module.
    pub(super) fn shape(&self, number: usize, part: &Part<'_>, kind: Kind, index: u32) -> Option<Shape> {
        let types = self.types.as_ref();
        let named = |ty: u32| types.core_type_at_in_module(self.bases[number] + ty);
        Some(match part.type_of(kind, index)? {
            TypeRef::Func(ty) | TypeRef::FuncExact(ty) => Shape::Function(named(ty)),
            TypeRef::Tag(ty) => Shape::Tag(named(ty.func_type_idx)),
            TypeRef::Memory(ty) => Shape::Memory(ty),
            TypeRef::Global(ty) => {
                let content = types.global_at(self.globals[number] + index).content_type;
                Shape::Global { content, mutable: ty.mutable, shared: ty.shared }
            }
            TypeRef::Table(ty) => {
                let ValType::Ref(element) = types.global_at(self.tables[number] + index).content_type else {
                    return None;
                };
                let (initial, maximum) = (ty.initial, ty.maximum);
                Shape::Table { element, wide: ty.table64, shared: ty.shared, initial, maximum }
            }
        })
    }

    /// Whether what has the type `given` may stand for an import of the type `wanted`.
    pub(super) fn matches(&self, given: &Shape, wanted: &Shape) -> bool {
        match (given, wanted) {
            (Shape::Function(given), Shape::Function(wanted)) => self.is_subtype(*given, *wanted),
            (Shape::Tag(given), Shape::Tag(wanted)) => given == wanted,
            (Shape::Memory(given), Shape::Memory(wanted)) => {
                (given.memory64, given.shared, given.page_size_log2())
                    == (wanted.memory64, wanted.shared, wanted.page_size_log2())
                    && within((given.initial, given.maximum), (wanted.initial, wanted.maximum))
            }
            (
                Shape::Table { element: ours, wide: a, shared: c, initial, maximum },
                Shape::Table { element: theirs, wide: b, shared: d, initial: least, maximum: most },
            ) => ours == theirs && (a, c) == (b, d) && within((*initial, *maximum), (*least, *most)),
            (
                Shape::Global { content: ours, mutable: a, shared: c },
                Shape::Global { content: theirs, mutable: b, shared: d },
            ) => (a, c) == (b, d) && (ours == theirs || !a && self.is_subvalue(*ours, *theirs)),
            _ => false,
        }
    }

    fn is_subtype(&self, given: CoreTypeId, wanted: CoreTypeId) -> bool {
        let types = self.types.as_ref();
        std::iter::successors(Some(given), |id| types.supertype_of(*id)).any(|id| id == wanted)
    }

    /// Whether a value of the first type is one of the second: of references, those that have to do with functions.
    fn is_subvalue(&self, given: ValType, wanted: ValType) -> bool {
        let (ValType::Ref(given), ValType::Ref(wanted)) = (given, wanted) else { return given == wanted };
        let heap = match (given.heap_type(), wanted.heap_type()) {
            (given, wanted) if given == wanted => true,
            (HeapType::Concrete(given), HeapType::Concrete(wanted)) => {
                match (given.as_core_type_id(), wanted.as_core_type_id()) {
                    (Some(given), Some(wanted)) => self.is_subtype(given, wanted),
                    _ => false,
                }
            }
            (HeapType::Concrete(given), wanted) if wanted == HeapType::FUNC => given
                .as_core_type_id()
                .is_some_and(|id| matches!(self.types[id].composite_type.inner, CompositeInnerType::Func(_))),
            _ => false,
        };
        heap && (wanted.is_nullable() || !given.is_nullable())
    }

    /// Whether a function takes and gives nothing.
    pub(super) fn is_plain(&self, number: usize, part: &Part<'_>, function: u32) -> bool {
        let Some(Shape::Function(id)) = self.shape(number, part, Kind::Function, function) else { return false };
        match &self.types[id].composite_type.inner {
            CompositeInnerType::Func(ty) => ty.params().is_empty() && ty.results().is_empty(),
            _ => false,
        }
    }

    /// The type as text.
    pub(super) fn shown(&self, number: usize, part: &Part<'_>, kind: Kind, index: u32) -> String {
        let types = self.types.as_ref();
        let function =
            |ty: u32| match &self.types[types.core_type_at_in_module(self.bases[number] + ty)].composite_type.inner {
                CompositeInnerType::Func(ty) => Some(ty),
                _ => None,
            };
        match part.type_of(kind, index) {
            Some(TypeRef::Func(ty) | TypeRef::FuncExact(ty)) => {
                function(ty).map_or_else(|| "(func)".to_owned(), shown::function)
            }
            Some(TypeRef::Tag(ty)) => function(ty.func_type_idx).map_or_else(|| "(tag)".to_owned(), shown::tag),
            Some(TypeRef::Memory(ty)) => shown::memory(&ty),
            Some(TypeRef::Table(ty)) => shown::table(&ty),
            Some(TypeRef::Global(ty)) => shown::global(&ty),
            None => "nothing".to_owned(),
        }
    }
}

/// Whether limits are within those that are wanted.
fn within((initial, maximum): (u64, Option<u64>), (least, most): (u64, Option<u64>)) -> bool {
    initial >= least && most.is_none_or(|most| maximum.is_some_and(|maximum| maximum <= most))
}

/// How many things of a kind a module has, imported ones included.
fn count_of(part: &Part<'_>, kind: Kind) -> u32 {
    part.imported(kind).len() as u32 + part.defined(kind)
}
