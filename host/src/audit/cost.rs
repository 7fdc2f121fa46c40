//! What compiling a core module takes, told from its bytes.
//!
//! The compiler takes time in proportion to the square of some things: of the basic blocks of a function, of the values that cross a call or a
//! branch. So a few kilobytes may take minutes. What is told here is an upper bound, within the precision with which another
//! processor's time can be told: its figures were measured on modules that do one thing over and over, and held against real ones. It is
//! told of what is compiled, that is, of a guest that was rewritten.
//!
//! One unit stands for about a second of one processor, and for 256 MiB.

use wasmparser::{
    BlockType, CompositeInnerType, DataKind, ElementItems, ExternalKind, FunctionBody, Operator, Parser, Payload,
    TypeRef,
};

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

/// What compiling a valid core module costs.
pub(crate) fn cost(bytes: &[u8]) -> wasmparser::Result<Cost> {
    let mut module = Costing::default();
    module.add(MODULE);
    for payload in Parser::new(0).parse_all(bytes) {
        module.payload(payload?)?;
    }
    Ok(module.cost)
}

/// How many parameters and results a type has.
type Arity = (u32, u32);

#[derive(Default)]
struct Costing {
    cost: Cost,
    types: Vec<Arity>,
    /// The type of each function, imported ones first.
    functions: Vec<u32>,
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
                        let arity = match &ty.composite_type.inner {
                            CompositeInnerType::Func(ty) => (ty.params().len() as u32, ty.results().len() as u32),
                            CompositeInnerType::Array(_)
                            | CompositeInnerType::Struct(_)
                            | CompositeInnerType::Cont(_) => (0, 0),
                        };
                        self.types.push(arity);
                        self.add(TYPE + passed(arity));
                    }
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    if let TypeRef::Func(ty) | TypeRef::FuncExact(ty) = import?.ty {
                        self.functions.push(ty);
                        self.add(ENTRY);
                    }
                }
                self.next = self.functions.len();
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    self.functions.push(ty?);
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    let global = global?;
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

fn squared(n: u64, cost: f64) -> u64 {
    (n as f64 * n as f64 * cost) as u64
}

/// A construct that is open.
#[derive(Clone, Copy)]
struct Open {
    is_loop: bool,
    /// Values that a branch to it carries.
    carries: u32,
    /// How often local variables were set before it, and before the first and the last branch to it.
    begin: u64,
    branched: Option<(u64, u64)>,
    /// How many branches to it there are, each entry of a table for itself.
    branches: u64,
    /// The table of branches that named it last.
    table: u64,
}

/// What one function's body has.
#[derive(Default)]
struct Body {
    open: Vec<Open>,
    locals: u64,
    /// How often a local variable was set.
    sets: u64,
    blocks: u64,
    carried: u64,
    results: u64,
    tables: u64,
    /// At which block each local variable was set or read last.
    touched: Vec<u64>,
    linear: u64,
    nops: u64,
    reachable: bool,
}

impl Body {
    fn cost(&mut self, body: &FunctionBody<'_>, module: &Costing, ty: u32) -> wasmparser::Result<u64> {
        let (mut open, mut touched) = (std::mem::take(&mut self.open), std::mem::take(&mut self.touched));
        open.clear();
        touched.clear();
        let arity = module.arity(ty);
        let linear = FUNCTION + passed(arity);
        *self = Body { open, touched, locals: arity.0.into(), linear, blocks: 1, reachable: true, ..Body::default() };
        for group in body.get_locals_reader()? {
            self.locals += u64::from(group?.0);
        }
        self.linear += self.locals * LOCAL;
        self.enter(false, arity.1);
        for op in body.get_operators_reader()? {
            self.operator(&op?, module);
        }
        let slower = 1.0 + self.results as f64 / MANY_RESULTS as f64;
        let sums = [
            self.linear,
            self.blocks.saturating_mul(BLOCK),
            squared(self.blocks, BLOCKS_SQUARED),
            (self.results.saturating_mul(RESULT) as f64 * slower) as u64,
            (self.carried as f64 * self.blocks as f64 * CARRIED_BLOCKS) as u64,
        ];
        Ok(sums.into_iter().fold(0, u64::saturating_add))
    }

    fn enter(&mut self, is_loop: bool, carries: u32) {
        self.open.push(Open { is_loop, carries, begin: self.sets, branched: None, branches: 0, table: 0 });
    }

    fn block(&mut self, is_loop: bool, ty: BlockType, module: &Costing) {
        let (params, results) = match ty {
            BlockType::Empty => (0, 0),
            BlockType::Type(_) => (0, 1),
            BlockType::FuncType(ty) => module.arity(ty),
        };
        self.carried += u64::from(params.max(results));
        self.enter(is_loop, if is_loop { params } else { results });
    }

    /// So many local variables have another value on another way.
    fn meet(&mut self, sets: u64, ways: u64) {
        let meet = sets.min(self.locals);
        let each = ways.saturating_mul(MEET_SQUARED_WAY).saturating_add(MEET_SQUARED);
        let cost = meet.saturating_mul(MEETS).saturating_add(meet.saturating_mul(meet).saturating_mul(each));
        self.linear = self.linear.saturating_add(cost);
    }

    fn branch(&mut self, depth: u32) {
        let sets = self.sets;
        let Some(at) = self.open.len().checked_sub(1 + depth as usize) else { return };
        let open = &mut self.open[at];
        let carries = open.carries;
        open.branches += 1;
        let since = match open.branched {
            Some((_, last)) => sets - last,
            None => sets - open.begin,
        };
        open.branched = Some((open.branched.map_or(sets, |(first, _)| first), sets));
        let back = open.is_loop;
        self.carried += u64::from(carries);
        if back {
            self.meet(since, 2);
        }
    }

    fn end(&mut self) {
        let Some(open) = self.open.pop() else { return };
        let Some((first, last)) = open.branched else {
            self.reachable |= !open.is_loop;
            return;
        };
        // A loop's variables meet at its beginning.
        let (sets, ways) = match (open.is_loop, self.reachable) {
            (true, _) => (last - open.begin, open.branches),
            (false, true) => (self.sets - first, open.branches + 1),
            (false, false) => (last - first, open.branches),
        };
        if !open.is_loop {
            self.meet(sets, ways);
        }
        let values = sets.min(self.locals).saturating_mul(ways);
        self.linear = self.linear.saturating_add(values.saturating_mul(MEET_WAY));
        self.reachable |= !open.is_loop;
    }

    fn call(&mut self, (params, results): Arity) {
        self.linear += CALL + u64::from(params) * PARAM;
        // The first is in a register.
        self.results += u64::from(results.saturating_sub(1));
    }

    /// A local variable is set, or read: then its value is looked for where it was touched last.
    fn touch(&mut self, local: u32, read: bool) {
        let local = local as usize;
        if self.touched.len() <= local {
            self.touched.resize(local + 1, 0);
        }
        let last = std::mem::replace(&mut self.touched[local], self.blocks);
        if read {
            self.linear += (self.blocks - last) * LOOKED_THROUGH;
        }
    }

    fn operator(&mut self, op: &Operator<'_>, module: &Costing) {
        use Operator as O;
        // It becomes no machine code.
        if let O::Nop = op {
            self.linear += NOP;
            self.nops += 1;
            return;
        }
        self.linear += OPERATOR;
        match *op {
            O::Block { blockty } => {
                self.blocks += 1;
                self.block(false, blockty, module);
            }
            O::Loop { blockty } => {
                // With what looks at the fuel and the epoch.
                self.blocks += 9;
                self.block(true, blockty, module);
            }
            O::If { blockty } => {
                self.blocks += 3;
                self.block(false, blockty, module);
                // Whoever does not enter comes to its end.
                if let Some(open) = self.open.last_mut() {
                    open.branched = Some((self.sets, self.sets));
                    open.branches = 1;
                }
            }
            O::Else => {
                self.blocks += 1;
                self.reachable = true;
            }
            O::End => self.end(),
            O::Br { relative_depth } => {
                self.branch(relative_depth);
                self.reachable = false;
            }
            O::BrIf { relative_depth } | O::BrOnNull { relative_depth } | O::BrOnNonNull { relative_depth } => {
                self.blocks += 2;
                self.branch(relative_depth);
            }
            O::BrTable { ref targets } => {
                self.blocks += 1;
                self.tables += 1;
                let before = self.carried;
                let depths = targets.targets().map_while(Result::ok).chain([targets.default()]);
                for depth in depths {
                    self.linear += TARGET;
                    let Some(at) = self.open.len().checked_sub(1 + depth as usize) else { continue };
                    // Each is a way of its own, once for each table.
                    if std::mem::replace(&mut self.open[at].table, self.tables) != self.tables {
                        self.blocks += u64::from(self.open[at].carries > 0 || self.open[at].is_loop);
                        self.branch(depth);
                    } else {
                        self.open[at].branches += 1;
                    }
                }
                self.linear = self.linear.saturating_add(squared(self.carried - before, TABLE_SQUARED));
                self.reachable = false;
            }
            O::Return | O::Unreachable => {
                if let O::Return = op {
                    let results = self.open.first().map_or(0, |open| open.carries);
                    self.linear += u64::from(results) * PASSED;
                }
                self.reachable = false;
            }
            O::LocalGet { local_index } => self.touch(local_index, true),
            O::LocalSet { local_index } | O::LocalTee { local_index } => {
                self.sets += 1;
                self.touch(local_index, false);
            }
            O::Call { function_index } => {
                let ty = module.functions.get(function_index as usize).copied().unwrap_or_default();
                self.call(module.arity(ty));
            }
            O::ReturnCall { function_index } => {
                let ty = module.functions.get(function_index as usize).copied().unwrap_or_default();
                self.call((module.arity(ty).0, 0));
                self.reachable = false;
            }
            O::CallIndirect { type_index, .. } | O::CallRef { type_index } => {
                self.linear += 50_000;
                self.blocks += 5;
                self.call(module.arity(type_index));
            }
            O::ReturnCallIndirect { type_index, .. } | O::ReturnCallRef { type_index } => {
                self.linear += 50_000;
                self.blocks += 5;
                self.call((module.arity(type_index).0, 0));
                self.reachable = false;
            }
            O::TableGet { .. } | O::TableSet { .. } => {
                self.linear += 20_000;
                self.blocks += 5;
            }
            O::TableCopy { .. } | O::TableInit { .. } | O::TableFill { .. } => {
                self.linear += 50_000;
                self.blocks += 4;
            }
            O::MemoryCopy { .. } | O::MemoryFill { .. } | O::MemoryInit { .. } => {
                self.linear += CALL;
                self.blocks += 1;
            }
            O::MemoryGrow { .. } | O::TableGrow { .. } | O::RefFunc { .. } => self.linear += CALL,
            ref op if accesses(op) => self.linear += ACCESS,
            _ => {}
        }
    }
}

/// Whether an operator reads or writes memory, or has a long constant: those are the longest.
fn accesses(op: &Operator<'_>) -> bool {
    macro_rules! accesses {
        ($( @$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
            match op {
                $(Operator::$op $({ $($arg),* })? => {
                    let names: &[&str] = &[$($(stringify!($arg)),*)?];
                    $($(let _ = $arg;)*)?
                    names.contains(&"memarg")
                })*
                _ => false,
            }
        };
    }
    wasmparser::for_each_operator!(accesses)
}
