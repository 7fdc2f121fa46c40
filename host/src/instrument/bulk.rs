//! Bulk operations, and which of them are done by a function that is added.
//!
//! wasmtime looks for an epoch interrupt before a bulk operation and not within it, and filling gigabytes takes seconds. So an operation
//! whose size is not known to be small is done by an added function, which does a large one in chunks. All guests are rewritten so,
//! whatever kind of sandbox they run in.

use super::bulk_function::BulkFunction;
use std::collections::{HashMap, HashSet};
use wasm_encoder::{InstructionSink, ValType};
use wasmparser::{DataKind, ElementKind, Operator, Parser, Payload, TypeRef};

/// The bytes of a chunk: a fraction of a millisecond's work, even if each page faults.
const CHUNK_BYTES: u32 = 1 << 20;

/// The table elements of a chunk. wasmtime may have to create each by a call of the host.
const CHUNK_ELEMENTS: u32 = 1 << 14;

/// The most bytes that a guest with card marks fills or copies in place. wasmtime does not look for fuel before an operation that is
/// known to be so small.
pub(super) const IN_PLACE: u32 = 128;

/// A memory or a table, by index.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Space {
    Memory(u32),
    Table(u32),
}

/// Where what is written comes from.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// One value, repeated.
    Value,
    /// A memory or a table, perhaps the same one.
    Space(Space),
    /// A segment, by index.
    Segment(u32),
}

/// A bulk operation.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Bulk {
    pub(super) to: Space,
    pub(super) from: Source,
}

impl Bulk {
    pub(super) fn of(op: &Operator<'_>) -> Option<Bulk> {
        let bulk = |to, from| Some(Bulk { to, from });
        match *op {
            Operator::MemoryFill { mem } => bulk(Space::Memory(mem), Source::Value),
            Operator::MemoryCopy { dst_mem, src_mem } => {
                bulk(Space::Memory(dst_mem), Source::Space(Space::Memory(src_mem)))
            }
            Operator::MemoryInit { data_index, mem } => bulk(Space::Memory(mem), Source::Segment(data_index)),
            Operator::TableFill { table } => bulk(Space::Table(table), Source::Value),
            Operator::TableCopy { dst_table, src_table } => {
                bulk(Space::Table(dst_table), Source::Space(Space::Table(src_table)))
            }
            Operator::TableInit { elem_index, table } => bulk(Space::Table(table), Source::Segment(elem_index)),
            _ => None,
        }
    }

    /// Writes the operator.
    pub(super) fn write(self, code: &mut InstructionSink<'_>) {
        match (self.to, self.from) {
            (Space::Memory(to), Source::Value) => code.memory_fill(to),
            (Space::Memory(to), Source::Segment(data)) => code.memory_init(to, data),
            (Space::Memory(to), Source::Space(Space::Memory(from) | Space::Table(from))) => code.memory_copy(to, from),
            (Space::Table(to), Source::Value) => code.table_fill(to),
            (Space::Table(to), Source::Segment(elements)) => code.table_init(to, elements),
            (Space::Table(to), Source::Space(Space::Memory(from) | Space::Table(from))) => code.table_copy(to, from),
        };
    }

    /// The size of a chunk, in bytes or elements.
    pub(super) fn chunk(self) -> u32 {
        match self.to {
            Space::Memory(_) => CHUNK_BYTES,
            Space::Table(_) => CHUNK_ELEMENTS,
        }
    }
}

/// The bulk operations of a module, and what has to be known for the functions that do them.
#[derive(Default)]
pub(super) struct Bulks {
    /// Whether its stores are marked.
    marked: bool,
    /// How many types it has, and how many functions, imported ones included.
    given_types: u32,
    given_functions: u32,
    /// The address types of memories and tables, and the element types of tables.
    memories: Vec<ValType>,
    tables: Vec<(ValType, wasmparser::RefType)>,
    /// The lengths of passive segments, 0 for others.
    data: Vec<u64>,
    elements: Vec<u64>,
    /// The functions that are added, one for each operation that is not always done in place, in the order of their first use.
    pub(super) functions: Vec<BulkFunction>,
    /// Operations that were seen not to be done in place, and the index in `functions` of those that have one.
    seen: HashSet<Bulk>,
    numbers: HashMap<Bulk, usize>,
    /// The types that are added, as parameters.
    pub(super) types: Vec<[ValType; 3]>,
}

/// The type of an address or an index.
fn index(wide: bool) -> ValType {
    if wide { ValType::I64 } else { ValType::I32 }
}

impl Bulks {
    /// Reads a valid module. `marked`: whether its stores are to be marked.
    pub(super) fn new(bytes: &[u8], marked: bool) -> wasmparser::Result<Bulks> {
        let mut bulks = Bulks { marked, ..Bulks::default() };
        let mut found = Vec::new();
        for payload in Parser::new(0).parse_all(bytes) {
            bulks.payload(payload?, &mut found)?;
        }
        // Segments are known only now: the data section stands behind the code.
        for bulk in found {
            let segment = match bulk.from {
                Source::Segment(number) => {
                    let lengths = match bulk.to {
                        Space::Memory(_) => &bulks.data,
                        Space::Table(_) => &bulks.elements,
                    };
                    lengths.get(number as usize).copied().unwrap_or_default()
                }
                Source::Value | Source::Space(_) => u64::MAX,
            };
            if segment > bulk.chunk().into() {
                bulks.add(bulk, segment);
            }
        }
        Ok(bulks)
    }

    fn payload(&mut self, payload: Payload<'_>, found: &mut Vec<Bulk>) -> wasmparser::Result<()> {
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
                    self.given_types += group?.types().len() as u32;
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    match import?.ty {
                        TypeRef::Func(_) | TypeRef::FuncExact(_) => self.given_functions += 1,
                        TypeRef::Memory(memory) => self.memories.push(index(memory.memory64)),
                        TypeRef::Table(table) => self.tables.push((index(table.table64), table.element_type)),
                        TypeRef::Global(_) | TypeRef::Tag(_) => {}
                    }
                }
            }
            Payload::FunctionSection(section) => self.given_functions += section.count(),
            Payload::TableSection(section) => {
                for table in section {
                    let ty = table?.ty;
                    self.tables.push((index(ty.table64), ty.element_type));
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    self.memories.push(index(memory?.memory64));
                }
            }
            Payload::ElementSection(section) => {
                for element in section {
                    let element = element?;
                    let items = match &element.items {
                        wasmparser::ElementItems::Functions(items) => items.count(),
                        wasmparser::ElementItems::Expressions(_, items) => items.count(),
                    };
                    let passive = matches!(element.kind, ElementKind::Passive);
                    self.elements.push(if passive { items.into() } else { 0 });
                }
            }
            Payload::DataSection(section) => {
                for data in section {
                    let data = data?;
                    let passive = matches!(data.kind, DataKind::Passive);
                    self.data.push(if passive { data.data.len() as u64 } else { 0 });
                }
            }
            Payload::CodeSectionEntry(body) => {
                let mut last = None;
                for op in body.get_operators_reader()? {
                    let op = op?;
                    if let Some(bulk) = Bulk::of(&op)
                        && !self.is_small(bulk, last)
                        && self.seen.insert(bulk)
                    {
                        found.push(bulk);
                    }
                    last = size(&op, last);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn add(&mut self, bulk: Bulk, segment: u64) {
        let index = |space| match space {
            Space::Memory(memory) => self.memories.get(memory as usize).copied(),
            Space::Table(table) => self.tables.get(table as usize).map(|(index, _)| *index),
        };
        let index = |space| index(space).unwrap_or(ValType::I32);
        let to = index(bulk.to);
        let params = match (bulk.from, bulk.to) {
            (Source::Value, Space::Memory(_)) => [to, ValType::I32, to],
            (Source::Value, Space::Table(table)) => {
                let element = self.tables.get(table as usize).map_or(wasmparser::RefType::FUNCREF, |(_, ty)| *ty);
                let element = wasm_encoder::RefType::try_from(element);
                [to, ValType::Ref(element.unwrap_or(wasm_encoder::RefType::FUNCREF)), to]
            }
            (Source::Segment(_), _) => [to, ValType::I32, ValType::I32],
            (Source::Space(from), _) => {
                let from = index(from);
                // The smaller of the two.
                [to, from, if to == ValType::I64 { from } else { to }]
            }
        };
        let added = self.types.iter().position(|known| *known == params).unwrap_or_else(|| {
            self.types.push(params);
            self.types.len() - 1
        });
        let ty = self.given_types + added as u32;
        self.numbers.insert(bulk, self.functions.len());
        self.functions.push(BulkFunction { bulk, params, ty, segment });
    }

    /// The function that does an operation; none if it is done in place. `size`: the constant that was pushed last.
    pub(super) fn function(&self, bulk: Bulk, size: Option<u64>) -> Option<u32> {
        let at = *self.numbers.get(&bulk).filter(|_| !self.is_small(bulk, size))?;
        Some(self.given_functions + at as u32)
    }

    /// How many functions there are with those that are added, and how many types.
    pub(super) fn counts(&self) -> (u32, u32) {
        (self.given_functions + self.functions.len() as u32, self.given_types + self.types.len() as u32)
    }

    /// Whether an operation is known to be so small that it is done in place.
    fn is_small(&self, bulk: Bulk, size: Option<u64>) -> bool {
        let most = if self.marked { IN_PLACE } else { bulk.chunk() };
        size.is_some_and(|size| size <= most.into())
    }
}

/// The constant that lies on the stack behind an operator, given that before it.
pub(super) fn size(op: &Operator<'_>, before: Option<u64>) -> Option<u64> {
    match op {
        Operator::I32Const { value } => Some(value.cast_unsigned().into()),
        Operator::I64Const { value } => Some(value.cast_unsigned()),
        // It is left out.
        Operator::Nop => before,
        _ => None,
    }
}
