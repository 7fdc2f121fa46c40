//! A script to the code of one function.

use super::exports::Exports;
use super::scripted::{Scripted, wrong};
use super::syntax::{Expression, Statement};
use crate::error::Result;
use crate::escape::escaped;
use crate::ir::{CoreType, core_type};
use crate::value::Type;
use std::collections::HashMap;
use wasm_encoder::{Ieee32, Ieee64, Instruction, MemArg};

/// The longest text in a script, in bytes.
const LONGEST: usize = 4096;

/// What a script may not be named like, and has no function of the module's behind it.
const WORDS: [&str; 6] = ["len", "room", "copy", "bytes", "list", "string"];

/// Where functions are that the code calls.
pub(super) struct Places {
    /// The module's global variables that scripts read, by name.
    pub(super) globals: HashMap<String, u32>,
    /// The module's functions, by name.
    pub(super) functions: HashMap<String, u32>,
    /// Of the size: an address. The second gives zeroed bytes.
    pub(super) allocate: u32,
    pub(super) room: u32,
    /// Of an address: how many bytes lie before the next zero.
    pub(super) length: u32,
}

/// The code of a function.
pub(super) struct Lowered {
    /// The types of its local variables, its parameters first.
    pub(super) locals: Vec<CoreType>,
    pub(super) code: Vec<Instruction<'static>>,
    pub(super) result: Option<Type>,
}

/// What a name stands for.
#[derive(Clone, Copy)]
struct Bound {
    local: u32,
    ty: CoreType,
    /// Of an address: the local variable that holds how many elements lie there.
    length: Option<u32>,
}

struct Lower<'p> {
    exports: &'p Exports,
    places: &'p Places,
    locals: Vec<CoreType>,
    code: Vec<Instruction<'static>>,
    names: HashMap<String, Bound>,
    /// The length of what stood last as an address.
    laid: Option<u32>,
    /// How many addresses stood so far.
    addresses: u32,
}

/// The names of the module's functions that a script calls.
pub(super) fn called(statements: &[Statement]) -> Vec<&str> {
    let mut names = Vec::new();
    each(statements, &mut |expression| match expression {
        Expression::Call(name, _) if !WORDS.contains(&name.as_str()) && loaded(name).is_none() => {
            names.push(name.as_str())
        }
        _ => {}
    });
    names
}

/// The names in a script that are no calls.
pub(super) fn named(statements: &[Statement]) -> Vec<&str> {
    let mut names = Vec::new();
    each(statements, &mut |expression| {
        if let Expression::Name(name) = expression {
            names.push(name.as_str());
        }
    });
    names
}

/// Visits every expression of a script, each before those within it.
fn each<'s>(statements: &'s [Statement], visit: &mut impl FnMut(&'s Expression)) {
    fn within<'s>(expression: &'s Expression, visit: &mut impl FnMut(&'s Expression)) {
        visit(expression);
        match expression {
            Expression::Call(_, args) => args.iter().for_each(|arg| within(arg, visit)),
            Expression::Computed(_, sides) => sides.iter().for_each(|side| within(side, visit)),
            Expression::Room(size) => within(size, visit),
            Expression::Number(_) | Expression::Text(_) | Expression::Name(_) => {}
        }
    }
    for statement in statements {
        statement.at.iter().for_each(|(_, at)| within(at, visit));
        within(&statement.value, visit);
    }
}

/// Writes the code of a function.
pub(super) fn lower(
    function: &Scripted,
    statements: &[Statement],
    exports: &Exports,
    places: &Places,
) -> Result<Lowered> {
    let mut lower = Lower {
        exports,
        places,
        locals: Vec::new(),
        code: Vec::new(),
        names: HashMap::new(),
        laid: None,
        addresses: 0,
    };
    for (name, ty) in &function.params {
        let local = lower.local(core_type(ty));
        let length = ty.has_memory().then(|| lower.local(CoreType::I32));
        lower.names.insert(name.clone(), Bound { local, ty: core_type(ty), length });
    }
    let Some((last, first)) = statements.split_last() else { return Err(wrong("expected a script, but it is empty")) };
    for statement in first {
        if let Some(ty) = lower.statement(statement)? {
            let local = lower.local(ty);
            lower.code.push(Instruction::LocalSet(local));
        }
    }
    let result = lower.value(last, function)?;
    lower.code.push(Instruction::End);
    Ok(Lowered { locals: lower.locals, code: lower.code, result })
}

impl Lower<'_> {
    /// The instruction, which uses the memory.
    fn memory(&mut self, instruction: Instruction<'static>) -> Result<()> {
        if self.exports.memory.is_none() {
            return Err(wrong("the script uses memory, and the module exports no 32-bit memory"));
        }
        self.code.push(instruction);
        Ok(())
    }

    fn local(&mut self, ty: CoreType) -> u32 {
        self.locals.push(ty);
        self.locals.len() as u32 - 1
    }

    /// An address stands here, of so much as a local variable holds.
    fn lay(&mut self, length: u32) {
        self.laid = Some(length);
        self.addresses += 1;
    }

    /// Keeps what is on the stack in a local variable.
    fn kept(&mut self, ty: CoreType) -> u32 {
        let local = self.local(ty);
        self.code.push(Instruction::LocalSet(local));
        local
    }

    /// Writes a statement; what it leaves on the stack.
    fn statement(&mut self, statement: &Statement) -> Result<Option<CoreType>> {
        if let Some((what, at)) = &statement.at {
            let Some(access) = loaded(what) else {
                return Err(wrong(format!("`{}` is no place that a script can write to", escaped(what)))
                    .with_help("write `u32(p) = n`, with any of u8, s8, u16, s16, u32, s32, u64, s64, f32 and f64"));
            };
            self.wanted(at, CoreType::I32, "an address")?;
            self.wanted(&statement.value, access.ty, what)?;
            self.memory((access.store)(arg()))?;
            return Ok(None);
        }
        let left = self.expression(&statement.value, None)?;
        let Some(name) = &statement.name else { return Ok(left) };
        let ty = left.ok_or_else(|| wrong(format!("`{}` is given what gives nothing", escaped(name))))?;
        if WORDS.contains(&name.as_str()) {
            return Err(wrong(format!("`{name}` is a word of scripts")).with_help("choose another name"));
        }
        if self.exports.is_mutable(name) {
            let message =
                format!("`{}` is a global variable of the module's, which a script cannot set", escaped(name));
            return Err(wrong(message).with_help("choose another name"));
        }
        let is_address = match &statement.value {
            Expression::Room(_) | Expression::Text(_) => true,
            Expression::Name(name) => self.names.get(name).is_some_and(|bound| bound.length.is_some()),
            Expression::Call(..) | Expression::Number(_) | Expression::Computed(..) => false,
        };
        let length = self.laid.filter(|_| is_address);
        let local = self.kept(ty);
        self.names.insert(name.clone(), Bound { local, ty, length });
        self.code.push(Instruction::LocalGet(local));
        Ok(Some(ty))
    }

    /// Writes the last statement, which gives the function's value, and leaves that on the stack.
    fn value(&mut self, statement: &Statement, function: &Scripted) -> Result<Option<Type>> {
        let declared = function.result.clone();
        if let Statement { name: None, at: None, value: Expression::Call(word, args) } = statement
            && let "bytes" | "list" | "string" = word.as_str()
        {
            return self.in_memory(word, args, declared).map(Some);
        }
        if let Some(Some(ty)) = declared.as_ref().filter(|ty| ty.as_ref().is_some_and(Type::has_memory)) {
            return Err(wrong(format!("it is to give {ty}, and its script gives something else")).with_help(
                "end it with what is to be read, such as `bytes(p, n)`, `list(p, n)`, `string(p)` or `string(p, n)`",
            ));
        }
        let left = match (&declared, statement) {
            (Some(Some(ty)), Statement { name: None, at: None, value }) => {
                self.expression(value, Some(core_type(ty)))?
            }
            _ => self.statement(statement)?,
        };
        match (declared, left) {
            (None, None) | (Some(None), None) => Ok(None),
            (Some(None), Some(_)) => {
                self.code.push(Instruction::Drop);
                Ok(None)
            }
            (None, Some(CoreType::I32)) => Ok(Some(Type::I32)),
            (None, Some(CoreType::I64)) => Ok(Some(Type::I64)),
            (None, Some(CoreType::F32)) => Ok(Some(Type::F32)),
            (None, Some(CoreType::F64)) => Ok(Some(Type::F64)),
            (None, Some(CoreType::V128)) => Ok(Some(Type::V128)),
            (Some(Some(ty)), Some(given)) if core_type(&ty) == given => Ok(Some(ty)),
            (Some(Some(ty)), given) => {
                let given = given.map_or_else(|| "nothing".to_owned(), shown);
                let wanted = shown(core_type(&ty));
                Err(wrong(format!("it is to give {ty}, which is passed as {wanted}, but its script gives {given}")))
            }
        }
    }

    /// Writes what gives a value that lies in memory: where its address and its length are.
    fn in_memory(&mut self, word: &str, args: &[Expression], declared: Option<Option<Type>>) -> Result<Type> {
        let ty = match (word, declared) {
            ("string", None | Some(Some(Type::String))) => Type::String,
            ("string", _) => return Err(wrong("its script gives a string, and it is to give something else")),
            (_, None) => Type::list(Type::U8),
            (_, Some(Some(Type::List(element)))) if word == "list" || matches!(*element, Type::U8 | Type::S8) => {
                Type::List(element)
            }
            (_, Some(declared)) => {
                let declared = declared.map_or_else(|| "nothing".to_owned(), |ty| ty.to_string());
                return Err(wrong(format!("its script gives `{word}`, and it is to give {declared}")));
            }
        };
        let [at, rest @ ..] = args else { return Err(arity(word)) };
        self.wanted(at, CoreType::I32, "an address")?;
        let at = self.kept(CoreType::I32);
        match rest {
            [length] => self.wanted(length, CoreType::I32, "a length")?,
            [] if word == "string" => {
                self.code.push(Instruction::LocalGet(at));
                self.memory(Instruction::Call(self.places.length))?;
            }
            _ => return Err(arity(word)),
        }
        let length = self.kept(CoreType::I32);
        // The pair of them, aligned whatever the allocator gives.
        self.code.push(Instruction::I32Const(12));
        self.memory(Instruction::Call(self.places.allocate))?;
        self.code.extend([
            Instruction::I32Const(3),
            Instruction::I32Add,
            Instruction::I32Const(-4),
            Instruction::I32And,
        ]);
        let pair = self.kept(CoreType::I32);
        for (offset, local) in [(0, at), (4, length)] {
            self.code.extend([Instruction::LocalGet(pair), Instruction::LocalGet(local)]);
            self.code.push(Instruction::I32Store(MemArg { offset, align: 0, memory_index: 0 }));
        }
        self.code.push(Instruction::LocalGet(pair));
        Ok(ty)
    }

    /// Writes an expression that has to give a core value of this type.
    fn wanted(&mut self, expression: &Expression, wanted: CoreType, what: &str) -> Result<()> {
        let given = self.expression(expression, Some(wanted))?;
        if given == Some(wanted) {
            return Ok(());
        }
        let given = given.map_or_else(|| "what gives nothing".to_owned(), shown);
        Err(wrong(format!("expected {} for {what} in the script, but was given {given}", shown(wanted))))
    }

    /// Writes an expression; `wanted`: what a number is to be.
    fn expression(&mut self, expression: &Expression, wanted: Option<CoreType>) -> Result<Option<CoreType>> {
        match expression {
            Expression::Number(text) => self.number(text, wanted).map(Some),
            Expression::Text(text) => self.text(text).map(Some),
            Expression::Room(size) => {
                self.wanted(size, CoreType::I32, "a number of bytes")?;
                let size = self.kept(CoreType::I32);
                self.code.push(Instruction::LocalGet(size));
                self.memory(Instruction::Call(self.places.room))?;
                self.lay(size);
                Ok(Some(CoreType::I32))
            }
            Expression::Name(name) => match self.names.get(name).copied() {
                Some(Bound { local, ty, length }) => {
                    self.code.push(Instruction::LocalGet(local));
                    if let Some(length) = length {
                        self.lay(length);
                    }
                    Ok(Some(ty))
                }
                None if name == "len" => {
                    let laid = self.laid.ok_or_else(|| {
                        wrong("`len` is the length of what stood last as an address, and there is none before it")
                            .with_help("write `len(name)`")
                    })?;
                    Ok(Some(self.length(laid, wanted)))
                }
                None => match (self.exports.global(name), self.places.globals.get(name)) {
                    (Some(ty), Some(place)) => {
                        self.code.push(Instruction::GlobalGet(*place));
                        Ok(Some(ty))
                    }
                    _ => Err(self.unknown(name)),
                },
            },
            Expression::Computed(sign, sides) => {
                let before = self.addresses;
                let ty = self.computed(*sign, sides, wanted)?;
                // How many bytes lie at an address that was computed, nobody knows.
                if self.addresses != before {
                    self.laid = None;
                }
                Ok(Some(ty))
            }
            Expression::Call(name, args) => self.call(name, args, wanted),
        }
    }

    fn call(&mut self, name: &str, args: &[Expression], wanted: Option<CoreType>) -> Result<Option<CoreType>> {
        match (name, args) {
            ("len", [Expression::Name(of)]) => {
                let bound = self.names.get(of).ok_or_else(|| self.unknown(of))?;
                let length = bound.length.ok_or_else(|| wrong(format!("`{}` has no length", escaped(of))))?;
                return Ok(Some(self.length(length, wanted)));
            }
            ("bytes" | "list" | "string", _) => {
                return Err(wrong(format!("`{name}` stands elsewhere than at the end of the script"))
                    .with_help("it says which bytes are the value of the whole script"));
            }
            ("copy", [to, from, size]) => {
                self.wanted(to, CoreType::I32, "an address")?;
                self.wanted(from, CoreType::I32, "an address")?;
                self.wanted(size, CoreType::I32, "a number of bytes")?;
                self.memory(Instruction::MemoryCopy { src_mem: 0, dst_mem: 0 })?;
                return Ok(None);
            }
            ("len" | "room" | "copy", _) => return Err(arity(name)),
            _ => {}
        }
        if let Some(access) = loaded(name) {
            let [at] = args else { return Err(arity(name)) };
            self.wanted(at, CoreType::I32, "an address")?;
            self.memory((access.load)(arg()))?;
            return Ok(Some(access.ty));
        }
        let (Some(signature), Some(place)) = (self.exports.function(name), self.places.functions.get(name)) else {
            return Err(unexported(name, self.exports));
        };
        let (signature, place) = (signature.clone(), *place);
        if signature.params.len() != args.len() {
            return Err(wrong(format!(
                "the module's `{}` takes ({}), but the script gives it {} argument{}",
                escaped(name),
                list(&signature.params),
                args.len(),
                if args.len() == 1 { "" } else { "s" },
            )));
        }
        for (number, (arg, ty)) in args.iter().zip(&signature.params).enumerate() {
            self.wanted(arg, *ty, &format!("parameter {} of `{}`", number + 1, escaped(name)))?;
        }
        self.code.push(Instruction::Call(place));
        match signature.results.as_slice() {
            [] => Ok(None),
            [ty] => Ok(Some(*ty)),
            _ => {
                Err(wrong(format!("the module's `{}` gives several values, which a script cannot take", escaped(name))))
            }
        }
    }

    fn computed(&mut self, sign: char, [left, right]: &[Expression; 2], wanted: Option<CoreType>) -> Result<CoreType> {
        let what = format!("the left side of `{sign}`");
        // A number is of the type of what stands beside it.
        let wanted = match left {
            Expression::Number(_) | Expression::Computed(..) if wanted.is_none() => self.ty(right),
            _ => wanted,
        };
        let given = self.expression(left, wanted)?;
        let ty = given.ok_or_else(|| wrong(format!("{what} in the script gives nothing")))?;
        self.wanted(right, ty, &format!("the right side of `{sign}`"))?;
        use Instruction as I;
        self.code.push(match (sign, ty) {
            ('+', CoreType::I32) => I::I32Add,
            ('-', CoreType::I32) => I::I32Sub,
            (_, CoreType::I32) => I::I32Mul,
            ('+', CoreType::I64) => I::I64Add,
            ('-', CoreType::I64) => I::I64Sub,
            (_, CoreType::I64) => I::I64Mul,
            ('+', CoreType::F32) => I::F32Add,
            ('-', CoreType::F32) => I::F32Sub,
            (_, CoreType::F32) => I::F32Mul,
            ('+', CoreType::F64) => I::F64Add,
            ('-', CoreType::F64) => I::F64Sub,
            (_, CoreType::F64) => I::F64Mul,
            (_, CoreType::V128) => return Err(wrong(format!("{what} in the script is a v128, and is to be a number"))),
        });
        Ok(ty)
    }

    /// The type of what an expression gives, as far as it is certain before it is written.
    fn ty(&self, expression: &Expression) -> Option<CoreType> {
        match expression {
            Expression::Number(text) => (!is_whole(text)).then_some(CoreType::F64),
            Expression::Text(_) | Expression::Room(_) => Some(CoreType::I32),
            Expression::Name(name) => self.names.get(name).map(|bound| bound.ty).or_else(|| self.exports.global(name)),
            Expression::Call(name, _) => match loaded(name) {
                Some(access) => Some(access.ty),
                None => self.exports.function(name)?.results.first().copied(),
            },
            Expression::Computed(_, sides) => sides.iter().find_map(|side| self.ty(side)),
        }
    }

    fn length(&mut self, local: u32, wanted: Option<CoreType>) -> CoreType {
        self.code.push(Instruction::LocalGet(local));
        if wanted != Some(CoreType::I64) {
            return CoreType::I32;
        }
        self.code.push(Instruction::I64ExtendI32U);
        CoreType::I64
    }

    fn number(&mut self, text: &str, wanted: Option<CoreType>) -> Result<CoreType> {
        let ty = wanted.unwrap_or(if is_whole(text) { CoreType::I32 } else { CoreType::F64 });
        let whole = || {
            let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
            let value = match digits.strip_prefix("0x") {
                Some(digits) => i128::from_str_radix(digits, 16),
                None => digits.parse(),
            };
            value.ok().filter(|value| *value >= 0).map(|value| sign * value)
        };
        let within = |bits: u32| whole().filter(|value| (-(1 << (bits - 1))..1 << bits).contains(value));
        let instruction = match ty {
            CoreType::I32 => within(32).map(|value| Instruction::I32Const(value as i32)),
            CoreType::I64 => within(64).map(|value| Instruction::I64Const(value as i64)),
            CoreType::F32 => text.parse::<f32>().ok().map(|value| Instruction::F32Const(Ieee32::from(value))),
            CoreType::F64 => text.parse::<f64>().ok().map(|value| Instruction::F64Const(Ieee64::from(value))),
            CoreType::V128 => None,
        };
        let instruction = instruction
            .ok_or_else(|| wrong(format!("expected {} in the script, but was given `{}`", shown(ty), escaped(text))))?;
        self.code.push(instruction);
        Ok(ty)
    }

    /// Lays a text in memory, with a zero behind it.
    fn text(&mut self, text: &str) -> Result<CoreType> {
        if text.len() > LONGEST {
            let message =
                format!("expected texts of at most {LONGEST} bytes in a script, but was given {}", text.len());
            return Err(wrong(message).with_help("pass it as an argument"));
        }
        let size = text.len() as i32;
        self.code.push(Instruction::I32Const(size + 1));
        self.memory(Instruction::Call(self.places.allocate))?;
        let at = self.kept(CoreType::I32);
        for (offset, byte) in text.bytes().chain([0]).enumerate() {
            self.code.extend([Instruction::LocalGet(at), Instruction::I32Const(byte.into())]);
            self.code.push(Instruction::I32Store8(MemArg { offset: offset as u64, align: 0, memory_index: 0 }));
        }
        self.code.push(Instruction::I32Const(size));
        let length = self.kept(CoreType::I32);
        self.lay(length);
        self.code.push(Instruction::LocalGet(at));
        Ok(CoreType::I32)
    }

    fn unknown(&self, name: &str) -> crate::Error {
        let mut names: Vec<_> = self.names.keys().map(|name| format!("`{}`", escaped(name))).collect();
        names.sort();
        let error = wrong(format!("the script has no value called `{}`", escaped(name)));
        match names.is_empty() {
            _ if name.contains('-') => error.with_help("spaces stand around `-` where it subtracts"),
            true => error.with_help("name what a call gives: `name = f()`"),
            false => error.with_help(format!("there is {}", names.join(", "))),
        }
    }
}

/// How values of a type are read and written.
struct Access {
    ty: CoreType,
    load: fn(MemArg) -> Instruction<'static>,
    store: fn(MemArg) -> Instruction<'static>,
}

/// The access that a word means.
fn loaded(word: &str) -> Option<Access> {
    use Instruction as I;
    let access = |ty, load, store| Some(Access { ty, load, store });
    match word {
        "u8" => access(CoreType::I32, I::I32Load8U, I::I32Store8),
        "s8" => access(CoreType::I32, I::I32Load8S, I::I32Store8),
        "u16" => access(CoreType::I32, I::I32Load16U, I::I32Store16),
        "s16" => access(CoreType::I32, I::I32Load16S, I::I32Store16),
        "u32" | "s32" => access(CoreType::I32, I::I32Load, I::I32Store),
        "u64" | "s64" => access(CoreType::I64, I::I64Load, I::I64Store),
        "f32" => access(CoreType::F32, I::F32Load, I::F32Store),
        "f64" => access(CoreType::F64, I::F64Load, I::F64Store),
        _ => None,
    }
}

/// Whether a number is one of integers.
fn is_whole(text: &str) -> bool {
    text.contains("0x") || !text.contains(['.', 'e', 'E', 'n'])
}

/// At an address that need not be aligned.
fn arg() -> MemArg {
    MemArg { offset: 0, align: 0, memory_index: 0 }
}

pub(super) fn shown(ty: CoreType) -> String {
    match ty {
        CoreType::I32 => "i32",
        CoreType::I64 => "i64",
        CoreType::F32 => "f32",
        CoreType::F64 => "f64",
        CoreType::V128 => "v128",
    }
    .to_owned()
}

/// `i32, i64`
pub(super) fn list(types: &[CoreType]) -> String {
    types.iter().map(|ty| shown(*ty)).collect::<Vec<_>>().join(", ")
}

fn arity(word: &str) -> crate::Error {
    let usage = match word {
        "len" => "len(name)",
        "room" => "room(n)",
        "copy" => "copy(to, from, n)",
        "string" => "string(p)` or `string(p, n)",
        "bytes" => "bytes(p, n)",
        "list" => "list(p, n)",
        _ => return wrong(format!("expected one address, as in `{word}(p)`")),
    };
    wrong(format!("expected `{usage}` in the script, but `{word}` has other arguments"))
}

/// What is said of a function that the module does not export.
pub(super) fn unexported(name: &str, exports: &Exports) -> crate::Error {
    /// The most functions that are listed.
    const LISTED: usize = 8;
    let error = wrong(format!("the module exports no function `{}` that takes and gives numbers", escaped(name)));
    let shown = exports.listed().take(LISTED).map(|(name, signature)| {
        format!("`{}`({}) -> ({})", escaped(name), list(&signature.params), list(&signature.results))
    });
    let more = exports.listed().count().saturating_sub(LISTED);
    match (shown.collect::<Vec<_>>().join(", "), more) {
        (none, _) if none.is_empty() => error,
        (shown, 0) => error.with_help(format!("it exports {shown}")),
        (shown, more) => error.with_help(format!("it exports {shown} and {more} more")),
    }
}
