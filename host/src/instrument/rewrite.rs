//! Writes a module anew: its fuel by nops, bulk operations by functions that are added; and, if its state is to be put back, addresses
//! moved up by the card table's size, marks behind stores, mutable globals exported.

use super::added::{self, BEYOND, InPlace, TEMPORARIES, save_address, write_mark};
use super::bulk::{Bulk, Bulks, IN_PLACE, size};
use super::card_table::{CardTable, PAGE};
use super::fuel::Owed;
use super::marking::{Address, Cards, Mark, marks};
use super::module::{Facts, Names, constant};
use super::offset_map::{FunctionOffsets, OffsetMap};
use super::store::{is_load, store};

use wasm_encoder::reencode::{Error as ReencodeError, Reencode, utils};
use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, ExportKind, ExportSection, Function, FunctionSection, MemArg, MemoryType,
    Module, SectionId, StartSection, TypeSection,
};
use wasmparser::{
    DataKind, FuncToValidate, FunctionBody, Operator, Parser, ValidPayload, Validator, ValidatorResources, WasmFeatures,
};

/// A module whose state is to be put back.
#[derive(Clone, Copy)]
pub(super) struct Resettable<'a> {
    pub(super) facts: &'a Facts,
    pub(super) names: &'a Names,
    /// None if the guest has no memory.
    pub(super) card_table: Option<CardTable>,
}

/// Writes a module anew; tells where its code was.
///
/// # Errors
///
/// Why its state cannot be reset, or that it would become larger than a module may be.
pub(super) fn rewrite(bytes: &[u8], resettable: Option<Resettable<'_>>) -> Result<(Vec<u8>, OffsetMap), String> {
    let card_table = resettable.and_then(|it| it.card_table.filter(|_| it.facts.has_memory));
    let bulks = Bulks::new(bytes, card_table.is_some()).map_err(|error| error.to_string())?;
    let mut bodies = Vec::new();
    if card_table.is_some() {
        let mut validator = Validator::new_with_features(WasmFeatures::all());
        for payload in Parser::new(0).parse_all(bytes) {
            let valid = payload.and_then(|payload| validator.payload(&payload));
            if let ValidPayload::Func(body, _) = valid.map_err(|error| error.to_string())? {
                bodies.push(body);
            }
        }
    }
    let mut rewrite = Rewrite {
        bytes,
        resettable,
        card_table,
        bulks,
        bodies: bodies.into_iter(),
        offsets: Vec::new(),
        exported: false,
        started: false,
        accesses: false,
        largest: 0,
    };
    let mut module = Module::new();
    rewrite.parse_core_module(&mut module, Parser::new(0), bytes).map_err(|error| match error {
        ReencodeError::UserError(why) => why,
        error => error.to_string(),
    })?;
    let rewritten = module.finish();
    // A module close to one of the implementation limits of WebAssembly may have passed it. What is far from them need not be
    // read once more: the compiler reads it, too.
    if resettable.is_some() || rewrite.is_large() || cfg!(debug_assertions) {
        let valid = Validator::new_with_features(WasmFeatures::all()).validate_all(&rewritten);
        valid.map_err(|error| format!("it is too large: {error}"))?;
    }
    let map = OffsetMap::new(&rewritten, rewrite.offsets).map_err(|error| error.to_string())?;
    Ok((rewritten, map))
}

/// The size of a function, in bytes, and a number of functions or types, from which on a module may be close to a limit.
const LARGE_BODY: usize = 7_000_000;
const MANY: u32 = 900_000;

struct Rewrite<'a> {
    bytes: &'a [u8],
    resettable: Option<Resettable<'a>>,
    /// None if the module's stores are not marked.
    card_table: Option<CardTable>,
    bulks: Bulks,
    bodies: std::vec::IntoIter<FuncToValidate<ValidatorResources>>,
    /// Of each function that was written: where its code was.
    offsets: Vec<FunctionOffsets>,
    /// Whether the export section was written, and the start section.
    exported: bool,
    started: bool,
    /// Whether the operator that was read last accesses memory.
    accesses: bool,
    /// The size of the largest function that was written, in bytes.
    largest: usize,
}

type Done<T> = Result<T, ReencodeError<String>>;

impl Rewrite<'_> {
    fn is_large(&self) -> bool {
        let (functions, types) = self.bulks.counts();
        self.largest > LARGE_BODY || functions > MANY || types > MANY
    }

    /// The code that computes addresses of data, if the module is given a start function to look at them: it calls its own.
    fn computed_data(&self) -> Option<&[Vec<u8>]> {
        let facts = self.resettable?.facts;
        let adds = self.card_table.is_some() && facts.code && !facts.computed_data.is_empty();
        adds.then_some(&facts.computed_data)
    }

    /// The start function that is added. It stands behind the functions of bulk operations.
    fn start(&self) -> Option<u32> {
        self.computed_data().map(|_| self.bulks.counts().0)
    }

    fn exports(&mut self, exports: &mut ExportSection) {
        self.exported = true;
        let Some(Resettable { facts, names, .. }) = self.resettable else { return };
        if facts.memory.is_some() {
            exports.export(&names.memory(), ExportKind::Memory, 0);
        }
        for &global in &facts.globals {
            exports.export(&names.global(global), ExportKind::Global, global);
        }
    }
}

fn refused(why: &str) -> ReencodeError<String> {
    ReencodeError::UserError(why.to_owned())
}

impl Reencode for Rewrite<'_> {
    type Error = String;

    fn memory_type(&mut self, memory: wasmparser::MemoryType) -> Done<MemoryType> {
        let mut memory = utils::memory_type(self, memory);
        if let Some(table) = self.card_table {
            let pages = u64::from(table.bytes) / PAGE;
            memory.minimum += pages;
            // 4 GiB is the same as no maximum: the limit on memory is lower.
            memory.maximum = memory.maximum.map(|maximum| (maximum + pages).min((1 << 32) / PAGE));
        }
        Ok(memory)
    }

    /// Copied as it is: a broken section of names is no reason to refuse the module.
    fn parse_custom_section(&mut self, module: &mut Module, section: wasmparser::CustomSectionReader<'_>) -> Done<()> {
        module.section(&self.custom_section(section)?);
        Ok(())
    }

    fn mem_arg(&mut self, arg: wasmparser::MemArg) -> Done<MemArg> {
        self.accesses = true;
        let mut arg = utils::mem_arg(self, arg)?;
        if let Some(table) = self.card_table {
            arg.offset = (arg.offset + u64::from(table.bytes)).min(BEYOND.into());
        }
        Ok(arg)
    }

    fn parse_data_section(&mut self, data: &mut DataSection, section: wasmparser::DataSectionReader<'_>) -> Done<()> {
        let Some(table) = self.card_table else { return utils::parse_data_section(self, data, section) };
        for segment in section {
            let segment = segment?;
            match &segment.kind {
                DataKind::Passive => {
                    data.passive(segment.data.iter().copied());
                }
                DataKind::Active { memory_index, offset_expr } => {
                    let offset = match constant(offset_expr) {
                        Some(address) => {
                            let address = address.cast_unsigned().checked_add(table.bytes).unwrap_or(BEYOND);
                            ConstExpr::i32_const(address.cast_signed())
                        }
                        // The start function traps if this wraps.
                        None => self
                            .const_expr(offset_expr.clone())?
                            .with_i32_const(table.bytes.cast_signed())
                            .with_i32_add(),
                    };
                    data.active(*memory_index, &offset, segment.data.iter().copied());
                }
            }
        }
        Ok(())
    }

    fn parse_type_section(&mut self, types: &mut TypeSection, section: wasmparser::TypeSectionReader<'_>) -> Done<()> {
        utils::parse_type_section(self, types, section)?;
        for params in &self.bulks.types {
            types.ty().function(*params, []);
        }
        if self.computed_data().is_some() {
            types.ty().function([], []);
        }
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: wasmparser::FunctionSectionReader<'_>,
    ) -> Done<()> {
        utils::parse_function_section(self, functions, section)?;
        for function in &self.bulks.functions {
            functions.function(function.ty);
        }
        if self.computed_data().is_some() {
            functions.function(self.bulks.counts().1);
        }
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: wasmparser::ExportSectionReader<'_>,
    ) -> Done<()> {
        utils::parse_export_section(self, exports, section)?;
        self.exports(exports);
        Ok(())
    }

    fn start_section(&mut self, start: u32) -> Done<u32> {
        self.started = true;
        Ok(self.start().unwrap_or(start))
    }

    /// Adds the sections that the module does not have.
    fn intersperse_section_hook(
        &mut self,
        module: &mut Module,
        _after: Option<SectionId>,
        before: Option<SectionId>,
    ) -> Done<()> {
        let place = |section| match section {
            SectionId::Start => 1,
            SectionId::Element => 2,
            SectionId::DataCount => 3,
            SectionId::Code => 4,
            SectionId::Data => 5,
            SectionId::Custom | SectionId::Type | SectionId::Import | SectionId::Function | SectionId::Table => 0,
            SectionId::Memory | SectionId::Tag | SectionId::Global | SectionId::Export => 0,
        };
        let place = before.map_or(6, place);
        if place > 0 && !self.exported {
            let mut exports = ExportSection::new();
            self.exports(&mut exports);
            if !exports.is_empty() {
                module.section(&exports);
            }
        }
        if place > 1
            && !self.started
            && let Some(function_index) = self.start()
        {
            self.started = true;
            module.section(&StartSection { function_index });
        }
        Ok(())
    }

    fn parse_code_section(&mut self, code: &mut CodeSection, section: wasmparser::CodeSectionReader<'_>) -> Done<()> {
        utils::parse_code_section(self, code, section)?;
        for function in &self.bulks.functions {
            code.function(&function.function(self.card_table));
        }
        if let (Some(table), Some(data), Some(it)) = (self.card_table, self.computed_data(), self.resettable) {
            code.function(&added::start(table, data, it.facts.start));
        }
        Ok(())
    }

    fn parse_function_body(&mut self, code: &mut CodeSection, body: FunctionBody<'_>) -> Done<()> {
        let (marks, locals) = match self.card_table {
            Some(_) => {
                let validator = self.bodies.next().ok_or_else(|| refused("its functions could not be read"))?;
                marks(&body, validator.into_validator(Default::default()))?
            }
            None => (Vec::new(), 0),
        };
        let mut marks = marks.into_iter().peekable();
        let mut offsets = FunctionOffsets::new(body.range().start);
        let mut declared = Vec::new();
        let mut groups = body.get_locals_reader()?;
        for _ in 0..groups.get_count() {
            offsets.locals(groups.original_position());
            let (count, ty) = groups.read()?;
            declared.push((count, self.val_type(ty)?));
        }
        if marks.peek().is_some() || (self.card_table.is_some() && is_extended(&body)?) {
            declared.extend(TEMPORARIES.map(|ty| (1, ty)));
        }
        let mut function = Function::new(declared);
        let (mut owed, mut known) = (Owed::default(), None);
        let mut operators = body.get_operators_reader()?;
        for number in 0.. {
            if operators.eof() {
                break;
            }
            let (op, offset) = operators.read_with_offset()?;
            let bytes = self.bytes.get(offset..operators.original_position()).unwrap_or_default();
            let before = known;
            known = size(&op, before);
            if matches!(op, Operator::Nop) {
                continue;
            }
            if self.resettable.is_some() {
                is_put_back(&op)?;
            }
            let added = Bulk::of(&op).and_then(|bulk| self.bulks.function(bulk, before));
            owed.charge(&op, added.is_some(), &mut function);
            let marked = marks.next_if(|(at, _)| *at == number).and_then(|(_, mark)| Some((mark, store(&op)?)));
            if let Some((Mark { address: Address::Dynamic { .. }, .. }, store)) = &marked {
                save_address(store, locals, &mut function.instructions());
            }
            offsets.instruction(function.byte_len(), offset);
            match added {
                Some(added) => _ = function.instructions().call(added),
                None => self.operator((op, bytes, offset), before, locals, (&mut function, &mut offsets))?,
            }
            if let Some(((mark, _), table)) = marked.zip(self.card_table) {
                write_mark(mark, table, locals, &mut function.instructions());
            }
        }
        self.largest = self.largest.max(function.byte_len());
        code.function(&function);
        self.offsets.push(offsets);
        Ok(())
    }
}

/// Refuses an operator that changes state which copying memory and globals does not put back.
fn is_put_back(op: &Operator<'_>) -> Done<()> {
    use Operator as O;
    match op {
        O::MemoryInit { .. } | O::DataDrop { .. } => {
            Err(refused("it has data that is written, or dropped, by an instruction"))
        }
        O::TableInit { .. }
        | O::TableSet { .. }
        | O::TableGrow { .. }
        | O::TableFill { .. }
        | O::TableCopy { .. }
        | O::ElemDrop { .. } => Err(refused("it has instructions that change tables")),
        O::StructNew { .. }
        | O::StructNewDefault { .. }
        | O::StructSet { .. }
        | O::ArrayNew { .. }
        | O::ArrayNewDefault { .. }
        | O::ArrayNewFixed { .. }
        | O::ArrayNewData { .. }
        | O::ArrayNewElem { .. }
        | O::ArraySet { .. }
        | O::ArrayFill { .. }
        | O::ArrayCopy { .. }
        | O::ArrayInitData { .. }
        | O::ArrayInitElem { .. } => Err(refused("it has objects in a garbage-collected heap")),
        _ => Ok(()),
    }
}

/// Whether a function has an operator that needs local variables beside the marks of stores.
fn is_extended(body: &FunctionBody<'_>) -> Done<bool> {
    for op in body.get_operators_reader()? {
        if let Operator::MemoryFill { .. } | Operator::MemoryCopy { .. } | Operator::MemoryGrow { .. } = op? {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Rewrite<'_> {
    /// Writes an operator of the guest's. `known`: the constant that was pushed last; `locals`: how many the function has of its own.
    fn operator(
        &mut self,
        (op, bytes, offset): (Operator<'_>, &[u8], usize),
        known: Option<u64>,
        locals: u32,
        (function, offsets): (&mut Function, &mut FunctionOffsets),
    ) -> Done<()> {
        use Operator as O;
        let Some(table) = self.card_table else {
            function.raw(bytes.iter().copied());
            return Ok(());
        };
        let temporaries = InPlace { address: locals, other: locals + 1 };
        let small = known.and_then(|size| u32::try_from(size).ok()).filter(|size| *size <= IN_PLACE);
        match op {
            O::MemoryFill { .. } | O::MemoryCopy { .. } => {
                let size = small.ok_or_else(|| refused("its bulk operations could not be read"))?;
                let copies = matches!(op, O::MemoryCopy { .. });
                added::move_operands(table, temporaries, copies, size, &mut function.instructions());
                offsets.instruction(function.byte_len(), offset);
                let mut code = function.instructions();
                if copies {
                    code.memory_copy(0, 0);
                } else {
                    code.memory_fill(0);
                }
                added::mark(table, Cards::Two, &mut code, |code| _ = code.local_get(temporaries.address));
            }
            O::MemoryGrow { .. } => added::grown(table, temporaries, function.instructions().memory_grow(0)),
            O::MemorySize { .. } => {
                function.instructions().memory_size(0).i32_const(table.pages()).i32_sub();
            }
            op => {
                let known = store(&op).is_some() || is_load(&op);
                self.accesses = false;
                let instruction = self.instruction(op)?;
                if self.accesses && !known {
                    return Err(refused("it has an instruction that may write to memory in a way that is not known"));
                }
                function.instruction(&instruction);
            }
        }
        Ok(())
    }
}
