//! What compiling a core module takes, told from its bytes.
//!
//! The compiler takes time in proportion to the square of some things: of the basic blocks of a function, of the values that cross a call or a
//! branch. So a few kilobytes may take minutes. What is told here is an upper bound, within the precision with which another
//! processor's time can be told: its figures were measured on modules that do one thing over and over, and held against real ones. It is
//! told of what is compiled, that is, of a guest that was rewritten.
//!
//! One unit stands for about a second of one processor, and for 256 MiB.

mod body;

use body::{Body, is_collected};
use wasmparser::{CompositeInnerType, DataKind, ElementItems, ExternalKind, Operator, Parser, Payload, TypeRef};

/// A billionth of a unit.
pub(crate) type Nanounits = u64;

/// One unit.
pub(crate) const UNIT: Nanounits = 1_000_000_000;

/// How many bytes may cost one unit more than the limit.
pub(crate) const BYTES_PER_UNIT: u64 = 128 << 10;

/// What compiling a core module costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    /// All of it.
    pub(crate) total: Nanounits,
    /// The function that costs most beyond what its bytes allow for.
    pub(crate) largest: Option<Single>,
}

/// What compiling one function costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Single {
    /// Its number.
    pub(crate) function: u32,
    pub(crate) cost: Nanounits,
    pub(crate) bytes: u64,
}

impl Single {
    /// What it costs beyond what its bytes allow for.
    pub(crate) fn beyond(&self) -> Nanounits {
        self.cost.saturating_sub(self.bytes * (UNIT / BYTES_PER_UNIT))
    }
}

/// A module, and what it takes however little is in it.
const MODULE: u64 = 10_000_000;
/// A function, and what it takes however little is in it.
const FUNCTION: u64 = 180_000;
/// A function that the host could call, or that is referred to: it has a second entry.
const ENTRY: u64 = 130_000;
/// A function that has one and is referred to once more.
const NAMED_AGAIN: u64 = 200;
/// A type of functions.
const TYPE: u64 = 150_000;
/// A local variable.
const LOCAL: u64 = 70;
/// An operator; one that does nothing; one that reads or writes memory; a call.
const OPERATOR: u64 = 1_800;
const NOP: u64 = 60;
const ACCESS: u64 = 4_000;
const CALL: u64 = 12_000;
/// A basic block, and the square of their number.
const BLOCK: u64 = 15_000;
const BLOCKS_SQUARED: f64 = 1.3;
/// A value that a call is given, or gives, beside the first.
const PARAM: u64 = 1_000;
const RESULT: u64 = 14_000;
/// Results of all calls of a function at which each takes twice as long.
const MANY_RESULTS: u64 = 2_000_000;
/// A value of a signature, where it is passed on, and their square.
const PASSED: u64 = 6_000;
const PASSED_SQUARED: u64 = 9;
/// A value that a branch or a construct carries, with each basic block of the function: that is memory above all.
const CARRIED_BLOCKS: f64 = 10.0;
/// The square of the values that all branches of one `br_table` carry.
const TABLE_SQUARED: f64 = 1.5;
/// A target of a `br_table`.
const TARGET: u64 = 150;
/// A block through which the value of a local variable is looked for: all since it was set or read last.
const LOOKED_THROUGH: u64 = 100;
/// One before it is set: the compiler keeps a place for each, in memory.
const PASSED_OVER: u64 = 24;
/// The square of how many are read in a loop.
const READ_SQUARED: u64 = 8;
/// A local variable that has another value on another way; the square of how many meet in one place, and that with each way there.
const MEETS: u64 = 500;
const MEET_SQUARED: u64 = 75;
const MEET_SQUARED_WAY: u64 = 25;
/// The value of one local variable on one way to the place where they meet: as many as are set there times branches to it.
const MEET_WAY: u64 = 700;
/// An expression in a segment of elements; a global, or an address, that is computed; an operator of one.
const ELEMENT: u64 = 55_000;
const COMPUTED: u64 = 50_000;
const CONSTANT: u64 = 6_000;
const PLACED: u64 = 250_000;
/// A field of an object, an element or a value of an exception that is written when it is made; one that is read or written later.
const MADE: u64 = 120_000;
const FIELD: u64 = 60_000;
/// What makes an object, or does something with many elements; a cast; what throws.
const OBJECT: u64 = 250_000;
const CAST: u64 = 80_000;
const THROW: u64 = 220_000;
/// A reference that may be in use, with each call: the collector has to find it.
const FOUND: u64 = 100;

/// What compiling a valid core module costs.
pub(crate) fn cost(bytes: &[u8]) -> wasmparser::Result<Cost> {
    let mut module = Costing::default();
    module.add(MODULE);
    for payload in Parser::new(0).parse_all(bytes) {
        module.payload(payload?)?;
    }
    Ok(module.cost)
}

/// How many parameters and results a type has; or fields.
type Arity = (u32, u32);

#[derive(Default)]
struct Costing {
    cost: Cost,
    types: Vec<Arity>,
    /// The type of each function, imported ones first.
    functions: Vec<u32>,
    /// The type of each tag.
    tags: Vec<u32>,
    /// For each global, whether the collector looks into it.
    collected: Vec<bool>,
    next: usize,
    /// Which functions have a second entry.
    entries: Vec<bool>,
    body: Body,
}

/// What passing on so many values costs: between the host and a guest, or out of a function.
fn passed((params, results): Arity) -> u64 {
    let values = u64::from(params) + u64::from(results);
    values * PASSED + values * values * PASSED_SQUARED
}

impl Costing {
    fn add(&mut self, cost: u64) {
        self.cost.total = self.cost.total.saturating_add(cost);
    }

    fn arity(&self, ty: u32) -> Arity {
        self.types.get(ty as usize).copied().unwrap_or_default()
    }

    /// The second entry of a function.
    fn entry(&mut self, function: u32) {
        let at = function as usize;
        if self.entries.len() <= at {
            self.entries.resize(at + 1, false);
        }
        if std::mem::replace(&mut self.entries[at], true) {
            self.add(NAMED_AGAIN);
            return;
        }
        let ty = self.functions.get(function as usize).copied().unwrap_or_default();
        self.add(ENTRY + passed(self.arity(ty)));
    }

    fn expression(&mut self, expression: &wasmparser::ConstExpr<'_>) -> wasmparser::Result<u64> {
        let mut count = 0;
        for op in expression.get_operators_reader() {
            count += 1;
            if let Operator::RefFunc { function_index } = op? {
                self.entry(function_index);
            }
        }
        // Its end is no operator.
        Ok(if count > 2 { COMPUTED + count * CONSTANT } else { 0 })
    }

    fn payload(&mut self, payload: Payload<'_>) -> wasmparser::Result<()> {
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
                    for ty in group?.types() {
                        let (arity, passed) = match &ty.composite_type.inner {
                            CompositeInnerType::Func(ty) => {
                                let arity = (ty.params().len() as u32, ty.results().len() as u32);
                                (arity, passed(arity))
                            }
                            CompositeInnerType::Struct(ty) => ((ty.fields.len() as u32, 0), 0),
                            CompositeInnerType::Array(_) | CompositeInnerType::Cont(_) => ((0, 0), 0),
                        };
                        self.types.push(arity);
                        self.add(TYPE + passed);
                    }
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    match import?.ty {
                        TypeRef::Func(ty) | TypeRef::FuncExact(ty) => {
                            self.functions.push(ty);
                            self.add(ENTRY);
                        }
                        TypeRef::Tag(tag) => self.tags.push(tag.func_type_idx),
                        TypeRef::Global(global) => self.collected.push(is_collected(global.content_type)),
                        TypeRef::Table(_) | TypeRef::Memory(_) => {}
                    }
                }
                self.next = self.functions.len();
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    self.functions.push(ty?);
                }
            }
            Payload::TagSection(section) => {
                for tag in section {
                    self.tags.push(tag?.func_type_idx);
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    let global = global?;
                    self.collected.push(is_collected(global.ty.content_type));
                    let reference = matches!(global.ty.content_type, wasmparser::ValType::Ref(_));
                    let cost = self.expression(&global.init_expr)?;
                    self.add(if reference { cost.max(ELEMENT) } else { cost });
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    if let ExternalKind::Func | ExternalKind::FuncExact = export.kind {
                        self.entry(export.index);
                    }
                }
            }
            Payload::ElementSection(section) => {
                for element in section {
                    match element?.items {
                        ElementItems::Functions(functions) => {
                            for function in functions {
                                self.entry(function?);
                            }
                        }
                        ElementItems::Expressions(_, expressions) => {
                            for expression in expressions {
                                let cost = self.expression(&expression?)?;
                                self.add(ELEMENT + cost);
                            }
                        }
                    }
                }
            }
            Payload::DataSection(section) => {
                for data in section {
                    if let DataKind::Active { offset_expr, .. } = data?.kind {
                        let cost = self.expression(&offset_expr)?;
                        self.add(if cost > 0 { cost + PLACED } else { 0 });
                    }
                }
            }
            Payload::CodeSectionEntry(body) => {
                let function = self.next as u32;
                let ty = self.functions.get(self.next).copied().unwrap_or_default();
                self.next += 1;
                let mut costing = std::mem::take(&mut self.body);
                let cost = costing.cost(&body, self, ty)?;
                self.body = costing;
                self.add(cost);
                // The nops are not the guest's.
                let bytes = (body.range().len() as u64).saturating_sub(self.body.nops);
                let single = Single { function, cost, bytes };
                if self.cost.largest.is_none_or(|most| most.beyond() < single.beyond()) {
                    self.cost.largest = Some(single);
                }
            }
            _ => {}
        }
        Ok(())
    }
}
