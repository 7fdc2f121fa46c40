//! Splits large bulk operations into chunks, so that a call can be interrupted between two of them.
//!
//! wasmtime looks for an epoch interrupt before a bulk operation and not within it, and filling gigabytes takes seconds. So each
//! operation whose size is not known to be small becomes a branch: a small one is done in place, a large one by a function that
//! is added, which does a chunk at a time in a loop. All guests are rewritten so, whatever kind of sandbox they run in.
//!
//! An operation out of bounds must write nothing. So the function checks the bounds first; where they are exceeded, it does the
//! operation as it was given, which traps.

use super::offset_map::{FunctionOffsets, OffsetMap};
use std::collections::{HashMap, HashSet};
use wasm_encoder::reencode::{Error as ReencodeError, Reencode, utils};
use wasm_encoder::{BlockType, CodeSection, Function, FunctionSection, InstructionSink, Module, TypeSection, ValType};
use wasmparser::{
    CompositeInnerType, DataKind, ElementKind, FunctionBody, Operator, Parser, Payload, TypeRef, Validator,
    WasmFeatures,
};

/// The bytes of a chunk: a fraction of a millisecond's work, even if each page faults.
const CHUNK_BYTES: u32 = 1 << 20;

/// The table elements of a chunk. wasmtime may have to create each by a call of the host.
const CHUNK_ELEMENTS: u32 = 1 << 14;

/// The most such branches in one function: compiling takes time that grows with the square of their number.
const MOST_BRANCHES: usize = 100;

/// The most local variables that WebAssembly's implementations let a function have.
const MOST_LOCALS: u64 = 50_000;

/// Rewrites a module whose bulk operations may be large; tells where its code was. None if it has no such operation.
///
/// # Errors
///
/// Why it cannot be rewritten: it would become larger than a module may be.
pub(crate) fn chunk_bulk_operations(bytes: &[u8]) -> Result<Option<(Vec<u8>, OffsetMap)>, String> {
    let facts = Facts::new(bytes).map_err(|error| error.to_string())?;
    if facts.bulks.is_empty() {
        return Ok(None);
    }
    let mut rewrite = Rewrite { facts: &facts, function: 0, offsets: Vec::new() };
    let mut module = Module::new();
    rewrite.parse_core_module(&mut module, Parser::new(0), bytes).map_err(|error| error.to_string())?;
    let rewritten = module.finish();
    let valid = Validator::new_with_features(WasmFeatures::all()).validate_all(&rewritten);
    valid.map_err(|error| error.to_string())?;
    let map = OffsetMap::new(&rewritten, rewrite.offsets).map_err(|error| error.to_string())?;
    Ok(Some((rewritten, map)))
}

/// A memory or a table, by index.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Space {
    Memory(u32),
    Table(u32),
}

/// Where what is written comes from.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Source {
    /// One value, repeated.
    Value,
    /// A memory or a table, perhaps the same one.
    Space(Space),
    /// A segment, by index.
    Segment(u32),
}

/// A bulk operation.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Bulk {
    to: Space,
    from: Source,
}

impl Bulk {
    fn of(op: &Operator<'_>) -> Option<Bulk> {
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
    fn write(self, code: &mut InstructionSink<'_>) {
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
    fn chunk(self) -> u32 {
        match self.to {
            Space::Memory(_) => CHUNK_BYTES,
            Space::Table(_) => CHUNK_ELEMENTS,
        }
    }
}

/// A bulk operation that may be large.
struct Large {
    bulk: Bulk,
    /// Its operands: destination, source or value, and size.
    params: [ValType; 3],
    /// The index of the function type with these parameters.
    ty: u32,
    /// The length of the segment, if it is one's.
    segment: u64,
}

/// What has to be known of a module before it is rewritten.
#[derive(Default)]
struct Facts {
    /// The number of parameters of each type, 0 if it is not a function's.
    params: Vec<u32>,
    /// The type of each function that it defines.
    functions: Vec<u32>,
    imported_functions: u32,
    /// The address types of memories and tables, and the element types of tables.
    memories: Vec<ValType>,
    tables: Vec<(ValType, wasmparser::RefType)>,
    /// The lengths of passive segments, 0 for others.
    data: Vec<u64>,
    elements: Vec<u64>,
    /// The operations that may be large, each once, in the order of their first use.
    bulks: Vec<Large>,
    /// Operations of unknown size that were seen, and the index in `bulks` of those that may be large.
    seen: HashSet<Bulk>,
    numbers: HashMap<Bulk, usize>,
    /// The types that are added.
    types: Vec<[ValType; 3]>,
}

/// The type of an address or an index.
fn index(wide: bool) -> ValType {
    if wide { ValType::I64 } else { ValType::I32 }
}

impl Facts {
    fn new(bytes: &[u8]) -> wasmparser::Result<Facts> {
        let mut facts = Facts::default();
        let mut found = Vec::new();
        for payload in Parser::new(0).parse_all(bytes) {
            facts.payload(payload?, &mut found)?;
        }
        // Segments are known only now: the data section stands behind the code.
        for bulk in found {
            let segment = match bulk.from {
                Source::Segment(number) => {
                    let lengths = match bulk.to {
                        Space::Memory(_) => &facts.data,
                        Space::Table(_) => &facts.elements,
                    };
                    lengths.get(number as usize).copied().unwrap_or_default()
                }
                Source::Value | Source::Space(_) => u64::MAX,
            };
            if segment > bulk.chunk().into() {
                facts.add(bulk, segment);
            }
        }
        Ok(facts)
    }

    fn payload(&mut self, payload: Payload<'_>, found: &mut Vec<Bulk>) -> wasmparser::Result<()> {
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
                    let params = |ty: &wasmparser::SubType| match &ty.composite_type.inner {
                        CompositeInnerType::Func(ty) => ty.params().len() as u32,
                        CompositeInnerType::Array(_) | CompositeInnerType::Struct(_) | CompositeInnerType::Cont(_) => 0,
                    };
                    self.params.extend(group?.types().map(params));
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    match import?.ty {
                        TypeRef::Func(_) | TypeRef::FuncExact(_) => self.imported_functions += 1,
                        TypeRef::Memory(memory) => self.memories.push(index(memory.memory64)),
                        TypeRef::Table(table) => self.tables.push((index(table.table64), table.element_type)),
                        TypeRef::Global(_) | TypeRef::Tag(_) => {}
                    }
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    self.functions.push(ty?);
                }
            }
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
                        && !is_small(bulk, last)
                        && self.seen.insert(bulk)
                    {
                        found.push(bulk);
                    }
                    last = value(&op);
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
        let ty = (self.params.len() + added) as u32;
        self.numbers.insert(bulk, self.bulks.len());
        self.bulks.push(Large { bulk, params, ty, segment });
    }

    /// The operation, if it may be large, and the index of the function that does it in chunks.
    fn large(&self, bulk: Bulk) -> Option<(&Large, u32)> {
        let at = *self.numbers.get(&bulk)?;
        Some((&self.bulks[at], self.imported_functions + (self.functions.len() + at) as u32))
    }
}

/// The value that an operator pushes, if it is a constant.
fn value(op: &Operator<'_>) -> Option<u64> {
    match op {
        Operator::I32Const { value } => Some(value.cast_unsigned().into()),
        Operator::I64Const { value } => Some(value.cast_unsigned()),
        _ => None,
    }
}

/// Whether an operation is known to be small. `size`: the constant that was pushed last.
fn is_small(bulk: Bulk, size: Option<u64>) -> bool {
    size.is_some_and(|size| size <= bulk.chunk().into())
}

struct Rewrite<'a> {
    facts: &'a Facts,
    /// The number of the next function, of those that the module defines.
    function: usize,
    /// Of each function that was written: where its code was.
    offsets: Vec<FunctionOffsets>,
}

type Done<T> = Result<T, ReencodeError<String>>;

impl Reencode for Rewrite<'_> {
    type Error = String;

    fn parse_type_section(&mut self, types: &mut TypeSection, section: wasmparser::TypeSectionReader<'_>) -> Done<()> {
        utils::parse_type_section(self, types, section)?;
        for params in &self.facts.types {
            types.ty().function(*params, []);
        }
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: wasmparser::FunctionSectionReader<'_>,
    ) -> Done<()> {
        utils::parse_function_section(self, functions, section)?;
        for large in &self.facts.bulks {
            functions.function(large.ty);
        }
        Ok(())
    }

    fn parse_code_section(&mut self, code: &mut CodeSection, section: wasmparser::CodeSectionReader<'_>) -> Done<()> {
        utils::parse_code_section(self, code, section)?;
        for large in &self.facts.bulks {
            code.function(&large.function());
        }
        Ok(())
    }

    fn parse_function_body(&mut self, code: &mut CodeSection, body: FunctionBody<'_>) -> Done<()> {
        let ty = self.facts.functions.get(self.function).copied().unwrap_or_default();
        self.function += 1;
        let mut offsets = FunctionOffsets::new(body.range().start);
        let mut declared = Vec::new();
        let mut locals = u64::from(self.facts.params.get(ty as usize).copied().unwrap_or_default());
        let mut groups = body.get_locals_reader()?;
        for _ in 0..groups.get_count() {
            offsets.locals(groups.original_position());
            let (count, ty) = groups.read()?;
            locals += u64::from(count);
            declared.push((count, self.val_type(ty)?));
        }
        // A branch saves the size in a local variable, of one of two types. A function with too many branches, or too many locals
        // already, calls the added function always.
        let sizes = [ValType::I32, ValType::I64];
        let mut last = None;
        let mut large = 0;
        for op in body.get_operators_reader()? {
            let op = op?;
            let is_large = Bulk::of(&op).is_some_and(|bulk| !is_small(bulk, last) && self.facts.large(bulk).is_some());
            large += usize::from(is_large);
            last = value(&op);
        }
        let branches = (1..=MOST_BRANCHES).contains(&large) && locals + sizes.len() as u64 <= MOST_LOCALS;
        if branches {
            declared.extend(sizes.map(|ty| (1, ty)));
        }
        let mut function = Function::new(declared);
        last = None;
        for op in body.get_operators_reader()?.into_iter_with_offsets() {
            let (op, offset) = op?;
            let known = last;
            last = value(&op);
            offsets.instruction(function.byte_len(), offset);
            let large = Bulk::of(&op).filter(|bulk| !is_small(*bulk, known)).and_then(|bulk| self.facts.large(bulk));
            let Some((large, callee)) = large else {
                let instruction = self.instruction(op)?;
                function.instruction(&instruction);
                continue;
            };
            if branches {
                let size = locals as u32 + u32::from(large.params[2] == ValType::I64);
                let mut code = function.instructions();
                code.local_tee(size).local_get(size);
                constant(large.params[2], large.bulk.chunk(), &mut code);
                above(large.params[2], &mut code);
                code.if_(BlockType::FunctionType(large.ty));
                offsets.instruction(function.byte_len(), offset);
                function.instructions().call(callee).else_();
                offsets.instruction(function.byte_len(), offset);
                large.bulk.write(&mut function.instructions());
                function.instructions().end();
            } else {
                function.instructions().call(callee);
            }
        }
        code.function(&function);
        self.offsets.push(offsets);
        Ok(())
    }
}

/// Pushes a constant of the type of a size.
fn constant(ty: ValType, value: u32, code: &mut InstructionSink<'_>) {
    match ty {
        ValType::I64 => code.i64_const(value.into()),
        _ => code.i32_const(value.cast_signed()),
    };
}

/// Pushes whether the lower of two sizes on the stack is the larger one.
fn above(ty: ValType, code: &mut InstructionSink<'_>) {
    match ty {
        ValType::I64 => code.i64_gt_u(),
        _ => code.i32_gt_u(),
    };
}

/// The parameters of an added function.
const TO: u32 = 0;
const FROM: u32 = 1;
const SIZE: u32 = 2;

/// Its local variable: the size of the memory, table or segment.
const LENGTH: u32 = 3;

impl Large {
    /// The function that does the operation in chunks.
    fn function(&self) -> Function {
        let mut function = Function::new([(1, ValType::I64)]);
        let mut code = function.instructions();
        self.within(TO, self.bulk.to, &mut code);
        match self.bulk.from {
            Source::Value => {}
            Source::Space(from) => self.within(FROM, from, &mut code),
            Source::Segment(_) => {
                code.i64_const(self.segment.cast_signed()).local_set(LENGTH);
                self.within_length(FROM, &mut code);
            }
        }
        // Where ranges overlap and the destination is higher, it is copied from the end, so that nothing is overwritten before it
        // was read. Two memories, or two tables, may be one that was imported twice, unless their address types differ.
        if let (Source::Space(_), true) = (self.bulk.from, self.params[TO as usize] == self.params[FROM as usize]) {
            code.local_get(TO).local_get(FROM);
            above(self.params[TO as usize], &mut code);
            code.if_(BlockType::Empty);
            self.chunks(true, &mut code);
            code.end();
        }
        self.chunks(false, &mut code);
        code.end();
        function
    }

    /// Checks a range against the end of its memory or table. Where it exceeds that, does the operation as it was given: it traps.
    fn within(&self, at: u32, space: Space, code: &mut InstructionSink<'_>) {
        match space {
            Space::Memory(memory) => code.memory_size(memory),
            Space::Table(table) => code.table_size(table),
        };
        // The size has the type of an address.
        if self.params[at as usize] == ValType::I32 {
            code.i64_extend_i32_u();
        }
        if let Space::Memory(_) = space {
            code.i64_const(16).i64_shl();
        }
        code.local_set(LENGTH);
        self.within_length(at, code);
    }

    /// The same, with the end in [`LENGTH`].
    fn within_length(&self, at: u32, code: &mut InstructionSink<'_>) {
        self.wide(at, code);
        code.local_get(LENGTH).i64_gt_u();
        self.wide(SIZE, code);
        code.local_get(LENGTH);
        self.wide(at, code);
        code.i64_sub().i64_gt_u();
        code.i32_or().if_(BlockType::Empty);
        self.rest(code);
        code.end();
    }

    /// Does what is left at once, and returns.
    fn rest(&self, code: &mut InstructionSink<'_>) {
        code.local_get(TO).local_get(FROM).local_get(SIZE);
        self.bulk.write(code);
        code.return_();
    }

    /// Does the operation in chunks, from its beginning or from its end, and returns.
    fn chunks(&self, from_end: bool, code: &mut InstructionSink<'_>) {
        let size = self.params[SIZE as usize];
        code.loop_(BlockType::Empty);
        code.local_get(SIZE);
        constant(size, self.bulk.chunk(), code);
        above(size, code);
        code.i32_eqz().if_(BlockType::Empty);
        self.rest(code);
        code.end();
        if from_end {
            self.change(SIZE, Change::Less, code);
            for at in [TO, FROM] {
                // All three are of one type.
                code.local_get(at).local_get(SIZE);
                match size {
                    ValType::I64 => code.i64_add(),
                    _ => code.i32_add(),
                };
            }
        } else {
            code.local_get(TO).local_get(FROM);
        }
        constant(size, self.bulk.chunk(), code);
        self.bulk.write(code);
        if !from_end {
            self.change(TO, Change::More, code);
            if self.bulk.from != Source::Value {
                self.change(FROM, Change::More, code);
            }
            self.change(SIZE, Change::Less, code);
        }
        code.br(0).end();
    }

    /// Adds a chunk's size to a parameter, or subtracts it.
    fn change(&self, param: u32, change: Change, code: &mut InstructionSink<'_>) {
        let ty = self.params[param as usize];
        code.local_get(param);
        constant(ty, self.bulk.chunk(), code);
        match (ty, change) {
            (ValType::I64, Change::More) => code.i64_add(),
            (ValType::I64, Change::Less) => code.i64_sub(),
            (_, Change::More) => code.i32_add(),
            (_, Change::Less) => code.i32_sub(),
        };
        code.local_set(param);
    }

    /// Pushes a parameter, extended to 64 bits.
    fn wide(&self, param: u32, code: &mut InstructionSink<'_>) {
        code.local_get(param);
        if self.params[param as usize] == ValType::I32 {
            code.i64_extend_i32_u();
        }
    }
}

#[derive(Clone, Copy)]
enum Change {
    More,
    Less,
}
