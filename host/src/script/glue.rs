//! The module that is made of scripts.

use super::allocator::{ARRAY_BUFFER, Allocator};
use super::exports::{Exports, Signature};
use super::lower::{Lowered, Places, called, list, lower, named, unexported};
use super::scripted::{Scripted, wrong};
use super::syntax::{Statement, parsed};
use crate::error::{Error, Result};
use crate::escape::escaped;
use crate::ir::CoreType;
use crate::ir::lifted::{LiftedFunction, MAX_FLAT, REALLOC, SECTION, encoded, flat};
use crate::value::Type;
use std::collections::HashMap;
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, CustomSection, EntityType, ExportKind, ExportSection, Function, FunctionSection,
    GlobalSection, GlobalType, ImportSection, InstructionSink, MemArg, MemoryType, Module, NameMap, NameSection,
    TypeSection, ValType,
};

/// No block is larger: sums of a size and an alignment do not wrap.
const LARGEST: i32 = 0x7fff_0000;

/// The glue's functions in front of those of the scripts, and what they are called where they trap.
const HELPERS: [(&str, usize); 4] =
    [("purefork: room for data", 1), ("purefork: zeroed room", 1), ("purefork: length of a text", 1), (REALLOC, 4)];

/// Makes it.
pub(super) fn glue(exports: &Exports, name: &str, functions: &[Scripted]) -> Result<Vec<u8>> {
    let scripts = functions.iter().map(|function| script(exports, function).map_err(|error| of(function, error)));
    let scripts = scripts.collect::<Result<Vec<_>>>()?;
    let allocator = Allocator::of(exports);
    let mut glue = Glue::default();
    // What sets the module up is run by the host, as it is without glue.
    let initializer = ["_initialize", "__wasm_call_ctors"].into_iter().find(|name| exports.has(name, &[], &[]));
    let initializer = initializer.filter(|name| *name == "_initialize" || exports.function("_start").is_none());
    let own = allocator.functions();
    let all = initializer.iter().copied().chain(own).chain(scripts.iter().flat_map(|script| called(script)));
    for function in all {
        let signature = exports.function(function).ok_or_else(|| unexported(function, exports))?;
        glue.import(name, function, signature);
    }
    for global in scripts.iter().flat_map(|script| named(script)) {
        glue.import_global(name, global, exports);
    }
    let first = glue.functions.len() as u32;
    let mut code = CodeSection::new();
    if let Some(memory) = &exports.memory {
        let ty = MemoryType { minimum: 0, maximum: None, memory64: false, shared: false, page_size_log2: None };
        glue.imports.import(name, memory, EntityType::Memory(ty));
        glue.exports.export("memory", ExportKind::Memory, 0);
        for ((_, params), body) in HELPERS.iter().zip(glue.helpers(&allocator, first)) {
            let ty = glue.signature(&Signature { params: vec![CoreType::I32; *params], results: vec![CoreType::I32] });
            glue.defined.function(ty);
            code.function(&body);
        }
        glue.exports.export(REALLOC, ExportKind::Func, first + 3);
    }
    if let Some(initializer) = initializer {
        glue.exports.export(initializer, ExportKind::Func, glue.functions[initializer]);
    }
    let helped = if exports.memory.is_some() { HELPERS.len() as u32 } else { 0 };
    let mut names = NameMap::new();
    for (number, (helper, _)) in HELPERS.iter().enumerate().take(helped as usize) {
        match (number, allocator.name()) {
            (0, Some(allocator)) => names.append(first, &format!("{helper} by {}", escaped(allocator))),
            _ => names.append(first + number as u32, helper),
        }
    }
    let functions_of_module = std::mem::take(&mut glue.functions);
    let globals = std::mem::take(&mut glue.imported_globals);
    let places =
        Places { globals, functions: functions_of_module, allocate: first, room: first + 1, length: first + 2 };
    let mut lifted = Vec::new();
    for (number, (function, script)) in functions.iter().zip(&scripts).enumerate() {
        let index = first + helped + number as u32;
        let made = lower(function, script, exports, &places).map_err(|error| of(function, error))?;
        let described = described(function, made.result.clone(), exports).map_err(|error| of(function, error))?;
        let signature = Signature { params: described.core_params(), results: described.core_results() };
        let ty = glue.signature(&signature);
        glue.defined.function(ty);
        code.function(&body(&made, signature.params.len()));
        glue.exports.export(&function.name, ExportKind::Func, index);
        names.append(index, &function.name);
        lifted.push(described);
    }
    Ok(glue.finished(&code, &names, &lifted))
}

/// The script of a function, or what stands for it: a call with the parameters in order.
fn script(exports: &Exports, function: &Scripted) -> Result<Vec<Statement>> {
    if let Some(script) = &function.script {
        return parsed(script);
    }
    // WIT has no underscores.
    let named = [function.name.clone(), function.name.replace('-', "_")];
    let known = named.iter().find_map(|name| Some((name, exports.function(name)?)));
    let (name, signature) = known.ok_or_else(|| unexported(&function.name, exports))?;
    let params: Vec<_> = function.params.iter().flat_map(|(_, ty)| flat(ty)).collect();
    let result = function.result.clone().flatten();
    let results: Vec<_> = result.iter().map(crate::ir::core_type).collect();
    if params != signature.params || results != signature.results {
        return Err(wrong(format!(
            "the module has it as ({}) -> ({}), but what the world says is passed as ({}) -> ({})",
            list(&signature.params),
            list(&signature.results),
            list(&params),
            list(&results),
        ))
        .with_help("say how it is called in a line of its comment, such as `/// = f(data, len(data), 0)`"));
    }
    let args = function.params.iter().map(|(name, ty)| match ty.has_memory() {
        true => format!("{name}, len({name})"),
        false => name.clone(),
    });
    let call = format!("{name}({})", args.collect::<Vec<_>>().join(", "));
    match result {
        Some(Type::String) => parsed(&format!("string({call})")),
        Some(ty) if ty.has_memory() => Err(wrong(format!("it is to give {ty}, and how long that is nobody knows"))
            .with_help("say what it gives in a line of its comment, such as `/// = f(data); bytes(p, n)`")),
        _ => parsed(&call),
    }
}

/// What the host is told of a function.
fn described(function: &Scripted, result: Option<Type>, exports: &Exports) -> Result<LiftedFunction> {
    let described = LiftedFunction { name: function.name.clone(), params: function.params.clone(), result };
    if described.has_memory() && exports.memory.is_none() {
        return Err(wrong("it takes or gives what lies in memory, and the module exports no 32-bit memory"));
    }
    match described.core_params().len() {
        ..=MAX_FLAT => Ok(described),
        many => Err(wrong(format!("its parameters are passed as {many} core values, and {MAX_FLAT} are allowed"))),
    }
}

/// The error, with the function that it is about.
fn of(function: &Scripted, error: Error) -> Error {
    match (&function.result, error.help()) {
        (None, _) => error,
        (_, None) => wrong(format!("`{}`: {}", escaped(&function.name), error.message())),
        (_, Some(help)) => wrong(format!("`{}`: {}", escaped(&function.name), error.message())).with_help(help),
    }
}

#[derive(Default)]
struct Glue {
    types: TypeSection,
    known: Vec<Signature>,
    imports: ImportSection,
    /// The functions that are imported, by name.
    functions: HashMap<String, u32>,
    /// The global variables that are imported, by name.
    imported_globals: HashMap<String, u32>,
    defined: FunctionSection,
    globals: GlobalSection,
    exports: ExportSection,
}

impl Glue {
    fn signature(&mut self, signature: &Signature) -> u32 {
        if let Some(place) = self.known.iter().position(|known| known == signature) {
            return place as u32;
        }
        let all = |types: &[CoreType]| types.iter().map(|ty| val_type(*ty)).collect::<Vec<_>>();
        self.types.ty().function(all(&signature.params), all(&signature.results));
        self.known.push(signature.clone());
        self.known.len() as u32 - 1
    }

    fn import(&mut self, from: &str, name: &str, signature: &Signature) {
        if !self.functions.contains_key(name) {
            let ty = self.signature(signature);
            self.imports.import(from, name, EntityType::Function(ty));
            self.functions.insert(name.to_owned(), self.functions.len() as u32);
        }
    }

    fn import_global(&mut self, from: &str, name: &str, exports: &Exports) {
        if let Some(ty) = exports.global(name)
            && !self.imported_globals.contains_key(name)
        {
            let ty = GlobalType { val_type: val_type(ty), mutable: exports.is_mutable(name), shared: false };
            self.imports.import(from, name, EntityType::Global(ty));
            self.imported_globals.insert(name.to_owned(), self.imported_globals.len() as u32);
        }
    }

    /// The bodies of [`HELPERS`]; `first`: the index of the first.
    fn helpers(&mut self, allocator: &Allocator, first: u32) -> [Function; 4] {
        let global = self.imported_globals.len() as u32;
        [allocate(allocator, &self.functions, &mut self.globals, global), room(first), length(), realloc(first)]
    }

    fn finished(&self, code: &CodeSection, names: &NameMap, lifted: &[LiftedFunction]) -> Vec<u8> {
        let mut section = NameSection::new();
        section.functions(names);
        let mut module = Module::new();
        module.section(&self.types).section(&self.imports).section(&self.defined);
        module.section(&self.globals).section(&self.exports).section(code);
        let data = encoded(lifted);
        module.section(&CustomSection { name: SECTION.into(), data: data.into() });
        module.section(&section);
        module.finish()
    }
}

fn val_type(ty: CoreType) -> ValType {
    match ty {
        CoreType::I32 => ValType::I32,
        CoreType::I64 => ValType::I64,
        CoreType::F32 => ValType::F32,
        CoreType::F64 => ValType::F64,
        CoreType::V128 => ValType::V128,
    }
}

fn body(made: &Lowered, params: usize) -> Function {
    let mut function = Function::new(made.locals.iter().skip(params).map(|ty| (1, val_type(*ty))));
    made.code.iter().for_each(|instruction| _ = function.instruction(instruction));
    function
}

/// Of a size: the address of so many bytes, which lie in memory. `global`: the number of the first global variable that is added.
fn allocate(
    allocator: &Allocator,
    functions: &HashMap<String, u32>,
    globals: &mut GlobalSection,
    global: u32,
) -> Function {
    let mut function = Function::new([(2, ValType::I32)]);
    let mut code = function.instructions();
    let (size, at, pages) = (0, 1, 2);
    traps_if(&mut code, |code| _ = code.local_get(size).i32_const(LARGEST).i32_gt_u());
    match allocator {
        Allocator::Size(malloc) => _ = code.local_get(size).call(functions[malloc]),
        Allocator::SizeAndAlignment(malloc) => _ = code.local_get(size).i32_const(8).call(functions[malloc]),
        Allocator::Realloc(realloc) => {
            code.i32_const(0).i32_const(0).i32_const(8).local_get(size).call(functions[realloc]);
        }
        Allocator::AssemblyScript { new, pin } => {
            code.local_get(size).i32_const(ARRAY_BUFFER).call(functions[new]);
            pin.iter().for_each(|pin| _ = code.call(functions[pin]));
        }
        Allocator::Pages { behind } => {
            let behind = behind.as_ref().map(|name| functions[name]);
            added_pages(&mut code, behind, globals, global, (size, pages));
        }
    }
    code.local_set(at);
    traps_if(&mut code, |code| _ = code.local_get(at).i32_eqz());
    traps_if(&mut code, |code| {
        code.local_get(at).i64_extend_i32_u().local_get(size).i64_extend_i32_u().i64_add();
        code.memory_size(0).i64_extend_i32_u().i64_const(16).i64_shl().i64_gt_u();
    });
    code.local_get(at).end();
    function
}

/// Takes room from pages that are added to the memory, one block behind the other. `behind`: the function that adds them.
fn added_pages(
    code: &mut InstructionSink<'_>,
    behind: Option<u32>,
    globals: &mut GlobalSection,
    global: u32,
    (size, pages): (u32, u32),
) {
    let ty = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
    globals.global(ty, &ConstExpr::i32_const(0)).global(ty, &ConstExpr::i32_const(0));
    let (next, end) = (global, global + 1);
    code.local_get(size).i32_const(16).i32_add().i32_const(-16).i32_and().local_set(size);
    code.global_get(end).global_get(next).i32_sub().local_get(size).i32_lt_u().if_(BlockType::Empty);
    code.local_get(size).i32_const(0xffff).i32_add().i32_const(16).i32_shr_u();
    match behind {
        Some(behind) => _ = code.call(behind),
        None => {
            // No block lies at 0, which is no address in C.
            code.memory_size(0).i32_eqz().if_(BlockType::Empty).i32_const(1).memory_grow(0).drop().end();
            code.memory_grow(0);
        }
    }
    // The number of pages before is the address of the first that was added.
    code.local_tee(pages).i32_const(-1).i32_eq().if_(BlockType::Empty).unreachable().end();
    code.local_get(pages).i32_const(16).i32_shl().local_tee(pages).global_get(end).i32_ne().if_(BlockType::Empty);
    code.local_get(pages).global_set(next).end();
    code.memory_size(0).i32_const(16).i32_shl().global_set(end).end();
    code.global_get(next).global_get(next).local_get(size).i32_add().global_set(next);
}

/// Of a size: the address of so many bytes that are zero.
fn room(allocate: u32) -> Function {
    let mut function = Function::new([(1, ValType::I32)]);
    let mut code = function.instructions();
    code.local_get(0).call(allocate).local_tee(1).i32_const(0).local_get(0).memory_fill(0).local_get(1).end();
    function
}

/// Of an address: how many bytes lie before the next zero.
fn length() -> Function {
    let mut function = Function::new([(1, ValType::I32)]);
    let mut code = function.instructions();
    code.local_get(0).local_set(1).block(BlockType::Empty).loop_(BlockType::Empty);
    code.local_get(1).i32_load8_u(MemArg { offset: 0, align: 0, memory_index: 0 }).i32_eqz().br_if(1);
    code.local_get(1).i32_const(1).i32_add().local_set(1).br(0).end().end();
    code.local_get(1).local_get(0).i32_sub().end();
    function
}

/// Makes room as the canonical ABI asks for it. A zero lies behind it, as C has it behind a text.
fn realloc(allocate: u32) -> Function {
    let mut function = Function::new([(1, ValType::I32)]);
    let mut code = function.instructions();
    let (old, old_size, align, size, at) = (0, 1, 2, 3, 4);
    for value in [align, size] {
        traps_if(&mut code, |code| _ = code.local_get(value).i32_const(LARGEST / 2).i32_gt_u());
    }
    code.local_get(size).local_get(align).i32_add().call(allocate);
    code.local_get(align).i32_add().i32_const(1).i32_sub();
    code.i32_const(0).local_get(align).i32_sub().i32_and().local_set(at);
    code.local_get(old).if_(BlockType::Empty).local_get(at).local_get(old);
    code.local_get(old_size).local_get(size).local_get(old_size).local_get(size).i32_lt_u().select();
    code.memory_copy(0, 0).end();
    code.local_get(at).local_get(size).i32_add().i32_const(0);
    code.i32_store8(MemArg { offset: 0, align: 0, memory_index: 0 }).local_get(at).end();
    function
}

fn traps_if(code: &mut InstructionSink<'_>, condition: impl Fn(&mut InstructionSink<'_>)) {
    condition(code);
    code.if_(BlockType::Empty).unreachable().end();
}
