//! Writes a module anew: addresses moved up by the card table's size, marks behind stores, mutable globals exported.

use super::added::{self, BEYOND};
use super::card_table::{CardTable, PAGE};
use super::marking::{Address, Mark, marks};
use super::module::{Facts, Names, constant};
use super::offset_map::{FunctionOffsets, OffsetMap};
use super::store::{Store, is_load, store};

use wasm_encoder::reencode::{Error as ReencodeError, Reencode, utils};
use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, ExportKind, ExportSection, Function, FunctionSection, InstructionSink, MemArg,
    MemoryType, Module, SectionId, StartSection, TypeSection, ValType,
};
use wasmparser::{
    DataKind, FuncToValidate, FunctionBody, Operator, Parser, ValidPayload, Validator, ValidatorResources, WasmFeatures,
};

/// Writes a module anew; tells where its code was.
///
/// # Errors
///
/// Why its state cannot be reset.
pub(super) fn rewrite(
    bytes: &[u8],
    facts: &Facts,
    names: &Names,
    card_table: Option<CardTable>,
) -> Result<(Vec<u8>, OffsetMap), String> {
    let card_table = card_table.filter(|_| facts.has_memory);
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
        facts,
        names,
        card_table,
        bodies: bodies.into_iter(),
        offsets: Vec::new(),
        exported: false,
        started: false,
        accesses: false,
    };
    let mut module = Module::new();
    rewrite.parse_core_module(&mut module, Parser::new(0), bytes).map_err(|error| match error {
        ReencodeError::UserError(why) => why,
        error => error.to_string(),
    })?;
    let rewritten = module.finish();
    // A module close to one of the implementation limits of WebAssembly may have passed it.
    let valid = Validator::new_with_features(WasmFeatures::all()).validate_all(&rewritten);
    valid.map_err(|error| format!("it is too large: {error}"))?;
    let map = OffsetMap::new(&rewritten, rewrite.offsets).map_err(|error| error.to_string())?;
    Ok((rewritten, map))
}

struct Rewrite<'a> {
    facts: &'a Facts,
    names: &'a Names,
    /// None if the module has no memory.
    card_table: Option<CardTable>,
    bodies: std::vec::IntoIter<FuncToValidate<ValidatorResources>>,
    /// Of each function that was written: where its code was.
    offsets: Vec<FunctionOffsets>,
    /// Whether the export section was written, and the start section.
    exported: bool,
    started: bool,
    /// Whether the operator that was read last accesses memory.
    accesses: bool,
}

/// The functions that are added, in their order.
#[derive(Clone, Copy)]
enum Added {
    Fill,
    Copy,
    Grow,
    Start,
}

type Done<T> = Result<T, ReencodeError<String>>;

impl Rewrite<'_> {
    fn adds_functions(&self) -> bool {
        self.card_table.is_some() && self.facts.code
    }

    /// Whether the module is given a start function, which calls its own.
    fn adds_start(&self) -> bool {
        self.adds_functions() && !self.facts.computed_data.is_empty()
    }

    fn function(&self, added: Added) -> u32 {
        self.facts.functions + added as u32
    }

    fn exports(&mut self, exports: &mut ExportSection) {
        self.exported = true;
        if self.facts.memory.is_some() {
            exports.export(&self.names.memory(), ExportKind::Memory, 0);
        }
        for &global in &self.facts.globals {
            exports.export(&self.names.global(global), ExportKind::Global, global);
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
        if self.adds_functions() {
            let i32s = |n| std::iter::repeat_n(ValType::I32, n);
            types.ty().function(i32s(3), []);
            types.ty().function(i32s(1), i32s(1));
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
        if self.adds_functions() {
            let first = self.facts.types;
            functions.function(first).function(first).function(first + 1);
            if self.adds_start() {
                functions.function(first + 2);
            }
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
        Ok(if self.adds_start() { self.function(Added::Start) } else { start })
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
        if place > 1 && !self.started && self.adds_start() {
            self.started = true;
            module.section(&StartSection { function_index: self.function(Added::Start) });
        }
        Ok(())
    }

    fn parse_code_section(&mut self, code: &mut CodeSection, section: wasmparser::CodeSectionReader<'_>) -> Done<()> {
        utils::parse_code_section(self, code, section)?;
        let Some(table) = self.card_table.filter(|_| self.adds_functions()) else { return Ok(()) };
        code.function(&added::fill(table));
        code.function(&added::copy(table));
        code.function(&added::grow(table));
        if self.adds_start() {
            code.function(&added::start(table, &self.facts.computed_data, self.facts.start));
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
        if marks.peek().is_some() {
            declared.extend(TEMPORARIES.map(|ty| (1, ty)));
        }
        let mut function = Function::new(declared);
        for (number, op) in body.get_operators_reader()?.into_iter_with_offsets().enumerate() {
            let (op, offset) = op?;
            let marked = marks.next_if(|(at, _)| *at == number).and_then(|(_, mark)| Some((mark, store(&op)?)));
            if let Some((Mark { address: Address::Dynamic { .. }, .. }, store)) = &marked {
                save_address(store, locals, &mut function.instructions());
            }
            offsets.instruction(function.byte_len(), offset);
            self.operator(op, &mut function)?;
            if let Some(((mark, _), table)) = marked.zip(self.card_table) {
                write_mark(mark, table, locals, &mut function.instructions());
            }
        }
        code.function(&function);
        self.offsets.push(offsets);
        Ok(())
    }
}

impl Rewrite<'_> {
    fn operator(&mut self, op: Operator<'_>, function: &mut Function) -> Done<()> {
        use Operator as O;
        match (op, self.card_table) {
            (O::MemoryInit { .. } | O::DataDrop { .. }, _) => {
                return Err(refused("it has data that is written, or dropped, by an instruction"));
            }
            (
                O::TableInit { .. }
                | O::TableSet { .. }
                | O::TableGrow { .. }
                | O::TableFill { .. }
                | O::TableCopy { .. }
                | O::ElemDrop { .. },
                _,
            ) => return Err(refused("it has instructions that change tables")),
            (O::MemoryFill { .. }, Some(_)) => {
                function.instructions().call(self.function(Added::Fill));
            }
            (O::MemoryCopy { .. }, Some(_)) => {
                function.instructions().call(self.function(Added::Copy));
            }
            (O::MemoryGrow { .. }, Some(_)) => {
                function.instructions().call(self.function(Added::Grow));
            }
            (O::MemorySize { .. }, Some(table)) => {
                function.instructions().memory_size(0).i32_const(table.pages()).i32_sub();
            }
            (op, _) => {
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

/// Local variables that are added: for a store's address, then for its value, one of each type.
const TEMPORARIES: [ValType; 6] = [ValType::I32, ValType::I32, ValType::I64, ValType::F32, ValType::F64, ValType::V128];

/// The number of the local variable for a value, among [`TEMPORARIES`].
fn temporary(ty: ValType) -> u32 {
    TEMPORARIES.iter().skip(1).position(|temporary| *temporary == ty).map_or(0, |at| at as u32 + 1)
}

/// Saves the address of a store, which lies on the stack below the value. `locals`: how many the function has of its own.
fn save_address(store: &Store, locals: u32, code: &mut InstructionSink<'_>) {
    let value = locals + temporary(store.value);
    code.local_set(value).local_tee(locals).local_get(value);
}

/// Writes the mark of the store that was just written. `locals`: how many the function has of its own.
///
/// Not in front of the store: a load, a sum and a store may become one machine instruction, which a mark would split.
fn write_mark(mark: Mark, table: CardTable, locals: u32, code: &mut InstructionSink<'_>) {
    added::mark(table, mark.cards, code, |code| match mark.address {
        Address::Constant(address) => {
            code.i32_const((address as u32).cast_signed());
        }
        Address::Local { local, offset } => {
            code.local_get(local);
            added::plus(code, offset);
        }
        Address::Dynamic { offset } => {
            code.local_get(locals);
            added::plus(code, offset as u32);
        }
    });
}
