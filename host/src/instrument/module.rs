//! What has to be known of a core module before it is rewritten.

use super::card_table::PAGE;
use super::fuel::is_free;
use wasmparser::{DataKind, Operator, Parser, Payload, TypeRef, ValType};

/// What has to be known of a core module before it is rewritten.
#[derive(Default)]
pub(super) struct Facts {
    /// The memory that it defines.
    pub(super) memory: Option<Memory>,
    /// Whether it has a memory at all.
    pub(super) has_memory: bool,
    /// The mutable globals that it defines, by index.
    pub(super) globals: Vec<u32>,
    pub(super) types: u32,
    /// Functions, imported ones included.
    pub(super) functions: u32,
    pub(super) start: Option<u32>,
    /// The code that computes an active data segment's address at instantiation, where that is no constant.
    pub(super) computed_data: Vec<Vec<u8>>,
    /// The fuel that such code takes where it is no constant expression.
    computing_fuel: u64,
    imported_globals: u32,
    /// Whether it has code.
    pub(super) code: bool,
    /// The most quotes that follow [`PREFIX`] in a name that it exports; none if no name begins with it.
    quotes: Option<usize>,
}

/// A memory.
#[derive(Clone, Copy)]
pub(super) struct Memory {
    /// In bytes.
    pub(super) bytes: u64,
    pub(super) maximum: Option<u64>,
}

/// The most data segments with a computed address: compiling their checks takes time that grows with the square of their number.
const MOST_COMPUTED: usize = 1000;

/// What added names begin with.
const PREFIX: &str = "purefork";

/// The most quotes in added names.
const MOST_QUOTES: usize = 16;

/// The names of exports that are added.
pub(super) struct Names(String);

impl Names {
    pub(super) fn memory(&self) -> String {
        format!("{} memory", self.0)
    }

    pub(super) fn global(&self, index: u32) -> String {
        format!("{} global {index}", self.0)
    }
}

impl Facts {
    /// Reads a valid module.
    ///
    /// # Errors
    ///
    /// Why its state cannot be reset.
    pub(super) fn new(bytes: &[u8]) -> Result<Facts, String> {
        let mut facts = Facts::default();
        for payload in Parser::new(0).parse_all(bytes) {
            facts.payload(payload.map_err(|error| error.to_string())?)?;
        }
        if facts.computed_data.len() > MOST_COMPUTED {
            return Err(format!("it places data at more than {MOST_COMPUTED} addresses that are computed"));
        }
        if !facts.computed_data.is_empty() && !facts.code {
            return Err("it places data, and has no code".to_owned());
        }
        Ok(facts)
    }

    fn payload(&mut self, payload: Payload<'_>) -> Result<(), String> {
        let broken = |error: wasmparser::Error| error.to_string();
        let mut globals = 0;
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
                    self.types += group.map_err(broken)?.types().len() as u32;
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    match import.map_err(broken)?.ty {
                        TypeRef::Func(_) | TypeRef::FuncExact(_) => self.functions += 1,
                        TypeRef::Memory(memory) => self.memory(&memory)?,
                        TypeRef::Global(_) => self.imported_globals += 1,
                        TypeRef::Table(_) | TypeRef::Tag(_) => {}
                    }
                }
            }
            Payload::FunctionSection(section) => self.functions += section.count(),
            Payload::MemorySection(section) => {
                for memory in section {
                    let memory = memory.map_err(broken)?;
                    self.memory(&memory)?;
                    self.memory = Some(Memory {
                        bytes: memory.initial * PAGE,
                        maximum: memory.maximum.map(|pages| pages * PAGE),
                    });
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    let ty = global.map_err(broken)?.ty;
                    let index = self.imported_globals + globals;
                    globals += 1;
                    if !ty.mutable {
                        continue;
                    }
                    if matches!(ty.content_type, ValType::Ref(_)) {
                        return Err("it has a mutable global that holds a reference".to_owned());
                    }
                    self.globals.push(index);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export.map_err(broken)?;
                    let quotes =
                        export.name.strip_prefix(PREFIX).map(|rest| rest.len() - rest.trim_start_matches('\'').len());
                    self.quotes = self.quotes.max(quotes);
                }
            }
            Payload::StartSection { func, .. } => self.start = Some(func),
            Payload::CodeSectionStart { count, .. } => self.code = count > 0,
            Payload::DataSection(section) => {
                for data in section {
                    let data = data.map_err(broken)?;
                    if let DataKind::Active { offset_expr, .. } = data.kind
                        && constant(&offset_expr).is_none()
                    {
                        let mut reader = offset_expr.get_binary_reader();
                        let code = reader.read_bytes(reader.bytes_remaining()).map_err(broken)?;
                        // Without the final `end`.
                        let code = code.split_last().map_or(code, |(_, code)| code);
                        self.computed_data.push(code.to_vec());
                        for op in offset_expr.get_operators_reader() {
                            let op = op.map_err(broken)?;
                            self.computing_fuel += u64::from(!is_free(&op) && !matches!(op, Operator::End));
                        }
                    }
                }
            }
            // `rewrite` refuses what it finds in code.
            _ => {}
        }
        Ok(())
    }

    fn memory(&mut self, memory: &wasmparser::MemoryType) -> Result<(), String> {
        if self.has_memory {
            return Err("it has several memories".to_owned());
        }
        if memory.memory64 || memory.shared || memory.page_size_log2.is_some_and(|log| log != 16) {
            return Err("it has a memory of another kind than 32 bits and 64 KiB pages".to_owned());
        }
        self.has_memory = true;
        Ok(())
    }

    /// The fuel that making an instance takes more, if addresses of its data are moved and looked at: for each, two operators of the
    /// constant expression, which the engine always charges for; for the start function that is added, its entry, and the call of it where
    /// it calls none itself.
    pub(super) fn startup_fuel(&self) -> u64 {
        if self.computed_data.is_empty() {
            return 0;
        }
        let start = if self.start.is_some() { 1 } else { 2 };
        2 * self.computed_data.len() as u64 + self.computing_fuel + start
    }

    /// Whether added names would be short enough: there may be many of them.
    pub(super) fn may_add_names(&self) -> bool {
        self.quotes.is_none_or(|quotes| quotes < MOST_QUOTES)
    }

    /// Names that the module does not export itself: with more quotes than any of its own has.
    pub(super) fn names(&self) -> Names {
        Names(format!("{PREFIX}{}", "'".repeat(self.quotes.map_or(0, |quotes| quotes + 1))))
    }
}

/// The value of a constant expression that is a single constant.
pub(super) fn constant(expression: &wasmparser::ConstExpr<'_>) -> Option<i32> {
    let mut operators = expression.get_operators_reader();
    match (operators.read().ok()?, operators.read().ok()?) {
        (Operator::I32Const { value }, Operator::End) => Some(value),
        _ => None,
    }
}
