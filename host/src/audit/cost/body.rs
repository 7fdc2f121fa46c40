//! What one function's body takes to compile.

use super::{
    ACCESS, Arity, BLOCK, BLOCKS_SQUARED, CALL, CARRIED_BLOCKS, CAST, Costing, FIELD, FOUND, FUNCTION, LOCAL,
    LOOKED_THROUGH, MADE, MANY_RESULTS, MEET_SQUARED, MEET_SQUARED_WAY, MEET_WAY, MEETS, NOP, OBJECT, OPERATOR, PARAM,
    PASSED, PASSED_OVER, READ_SQUARED, RESULT, TABLE_SQUARED, TARGET, THROW, UNIT, passed,
};
use wasmparser::{BlockType, Catch, FunctionBody, HeapType, Operator, ValType};

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
    /// How often they were read before it.
    read: u64,
    branched: Option<(u64, u64)>,
    /// How many branches to it there are, each entry of a table for itself.
    branches: u64,
    /// The table of branches that named it last.
    table: u64,
    /// How many handlers of exceptions a call in it has.
    handlers: u64,
}

/// Of a function that costs less, it is not asked which local variables cross basic blocks.
const DEAR: u64 = UNIT / 4;

/// The local variables that are read in another basic block than that in which they were set: no others can have several values where ways
/// meet. Briggs, Cooper, Harvey, Simpson: Practical Improvements to the Construction and Destruction of Static Single Assignment Form, 1998
/// (semi-pruned form).
#[derive(Default)]
struct Crossing {
    crosses: Vec<bool>,
    count: u64,
}

impl Crossing {
    fn of(body: &FunctionBody<'_>, params: u32) -> wasmparser::Result<Crossing> {
        let mut locals = params as usize;
        for group in body.get_locals_reader()? {
            locals += group?.0 as usize;
        }
        let mut crossing = Crossing { crosses: vec![false; locals], count: 0 };
        // The block in which each was set last; what a call begins with was set before the first.
        let (mut set, mut block, mut catches) = (vec![0u32; locals], 1u32, false);
        for op in body.get_operators_reader()? {
            match op? {
                Operator::LocalSet { local_index } | Operator::LocalTee { local_index } => {
                    if let Some(set) = set.get_mut(local_index as usize) {
                        *set = block;
                    }
                }
                Operator::LocalGet { local_index } => {
                    let at = local_index as usize;
                    if set.get(at).is_some_and(|set| *set != block)
                        && !std::mem::replace(&mut crossing.crosses[at], true)
                    {
                        crossing.count += 1;
                    }
                }
                ref op => {
                    catches |= matches!(op, Operator::TryTable { .. });
                    block += u32::from(ends_block(op, catches));
                }
            }
        }
        Ok(crossing)
    }

    fn has(&self, local: u32) -> bool {
        self.crosses.get(local as usize).is_none_or(|crosses| *crosses)
    }
}

/// Whether another basic block may begin behind an operator: whatever is not known to stay in one.
fn ends_block(op: &Operator<'_>, catches: bool) -> bool {
    use Operator as O;
    match op {
        O::Unreachable | O::Block { .. } | O::Loop { .. } | O::If { .. } | O::Else | O::End => true,
        O::Br { .. } | O::BrIf { .. } | O::BrTable { .. } | O::Return => true,
        // An exception goes another way.
        O::Call { .. } | O::CallIndirect { .. } => catches,
        op => !is_plain(op),
    }
}

/// Whether an operator is one of a proposal that has no control flow of its own.
fn is_plain(op: &Operator<'_>) -> bool {
    macro_rules! plain {
        ($( @$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
            match op {
                $(Operator::$op { .. } => matches!(
                    stringify!($proposal),
                    "mvp" | "sign_extension" | "saturating_float_to_int" | "simd" | "relaxed_simd"
                ),)*
                _ => false,
            }
        };
    }
    wasmparser::for_each_operator!(plain)
}

/// What one function's body has.
#[derive(Default)]
pub(super) struct Body {
    open: Vec<Open>,
    locals: u64,
    /// Which local variables cross basic blocks, if that is known; and how many do, or all.
    crossing: Option<Crossing>,
    meeting: u64,
    /// How often a local variable was set that may cross.
    sets: u64,
    /// How often one was read that may cross.
    reads: u64,
    blocks: u64,
    carried: u64,
    results: u64,
    tables: u64,
    /// At which block each local variable was set or read last.
    touched: Vec<u64>,
    linear: u64,
    pub(super) nops: u64,
    reachable: bool,
    /// How many handlers of exceptions a call has here.
    handlers: u64,
    /// Values that may be references, and calls that may collect.
    references: u64,
    pauses: u64,
}

impl Body {
    pub(super) fn cost(&mut self, body: &FunctionBody<'_>, module: &Costing, ty: u32) -> wasmparser::Result<u64> {
        let cost = self.estimate(body, module, ty, None)?;
        // What unoptimised code has thousands of is set and read in the same block, and never meets another value.
        if cost < DEAR {
            return Ok(cost);
        }
        let crossing = Crossing::of(body, module.arity(ty).0)?;
        self.estimate(body, module, ty, Some(crossing))
    }

    fn estimate(
        &mut self,
        body: &FunctionBody<'_>,
        module: &Costing,
        ty: u32,
        crossing: Option<Crossing>,
    ) -> wasmparser::Result<u64> {
        let (mut open, mut touched) = (std::mem::take(&mut self.open), std::mem::take(&mut self.touched));
        open.clear();
        touched.clear();
        let arity = module.arity(ty);
        let linear = FUNCTION + passed(arity);
        *self = Body { open, touched, locals: arity.0.into(), linear, blocks: 1, reachable: true, ..Body::default() };
        for group in body.get_locals_reader()? {
            let (count, ty) = group?;
            self.locals += u64::from(count);
            self.references += if is_collected(ty) { count.into() } else { 0 };
        }
        self.linear += self.locals * LOCAL;
        self.meeting = crossing.as_ref().map_or(self.locals, |crossing| crossing.count);
        self.crossing = crossing;
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
            self.references.saturating_mul(self.pauses).saturating_mul(FOUND),
        ];
        Ok(sums.into_iter().fold(0, u64::saturating_add))
    }

    fn enter(&mut self, is_loop: bool, carries: u32) {
        self.open.push(Open {
            is_loop,
            carries,
            begin: self.sets,
            read: self.reads,
            branched: None,
            branches: 0,
            table: 0,
            handlers: self.handlers,
        });
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

    /// Whether a local variable may cross basic blocks.
    fn crosses(&self, local: u32) -> bool {
        self.crossing.as_ref().is_none_or(|crossing| crossing.has(local))
    }

    /// So many local variables have another value on another way.
    fn meet(&mut self, sets: u64, ways: u64) {
        let meet = sets.min(self.meeting);
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
        self.handlers = open.handlers;
        if open.is_loop {
            // Each that is read gets a parameter of the loop's first block, and those that are not set there lose theirs, one by one, before it
            // is known which.
            let read = (self.reads - open.read).min(self.meeting);
            self.linear = self.linear.saturating_add(read.saturating_mul(read).saturating_mul(READ_SQUARED));
        }
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
        let values = sets.min(self.meeting).saturating_mul(ways);
        self.linear = self.linear.saturating_add(values.saturating_mul(MEET_WAY));
        self.reachable |= !open.is_loop;
    }

    fn call(&mut self, (params, results): Arity) {
        self.linear += CALL + u64::from(params) * PARAM;
        // The first is in a register.
        self.results += u64::from(results.saturating_sub(1));
        self.pauses += 1;
        // A way to each of them.
        self.blocks = self.blocks.saturating_add(self.handlers);
    }

    /// An object is made, or much is done with one: so many blocks.
    fn object(&mut self, blocks: u64) {
        self.linear += OBJECT;
        self.blocks += blocks;
        self.pauses += 1;
        self.references += 1;
    }

    /// A local variable is set, or read: then its value is looked for where it was touched last.
    fn touch(&mut self, local: u32, read: bool) {
        let local = local as usize;
        if self.touched.len() <= local {
            self.touched.resize(local + 1, 0);
        }
        let last = std::mem::replace(&mut self.touched[local], self.blocks);
        self.linear += (self.blocks - last) * if read { LOOKED_THROUGH } else { PASSED_OVER };
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
            O::LocalGet { local_index } => {
                self.reads += u64::from(self.crosses(local_index));
                self.touch(local_index, true);
            }
            O::LocalSet { local_index } | O::LocalTee { local_index } => {
                self.sets += u64::from(self.crosses(local_index));
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
            O::TryTable { ref try_table } => {
                self.blocks += 2;
                self.block(false, try_table.ty, module);
                for catch in &try_table.catches {
                    let (Catch::One { label, .. }
                    | Catch::OneRef { label, .. }
                    | Catch::All { label }
                    | Catch::AllRef { label }) = *catch;
                    self.blocks += 2;
                    self.handlers += 1;
                    // From within the construct, labels are counted from outside of it.
                    self.branch(label.saturating_add(1));
                }
            }
            O::Throw { tag_index } => {
                let ty = module.tags.get(tag_index as usize).copied().unwrap_or_default();
                self.linear += THROW + u64::from(module.arity(ty).0) * MADE;
                self.blocks += 2 + self.handlers;
                self.pauses += 1;
                self.reachable = false;
            }
            O::ThrowRef => {
                self.linear += FIELD;
                self.blocks += 1 + self.handlers;
                self.reachable = false;
            }
            O::StructNew { struct_type_index } | O::StructNewDefault { struct_type_index } => {
                self.linear += u64::from(module.arity(struct_type_index).0) * MADE;
                self.object(9);
            }
            O::ArrayNewFixed { array_size, .. } => {
                self.linear += u64::from(array_size) * MADE;
                self.object(12);
            }
            O::ArrayNew { .. } | O::ArrayNewDefault { .. } => self.object(13),
            O::ArrayNewData { .. } | O::ArrayNewElem { .. } => self.object(16),
            O::ArrayFill { .. } | O::ArrayCopy { .. } | O::ArrayInitData { .. } | O::ArrayInitElem { .. } => {
                self.object(9)
            }
            O::StructGet { .. }
            | O::StructGetS { .. }
            | O::StructGetU { .. }
            | O::StructSet { .. }
            | O::ArrayGet { .. }
            | O::ArrayGetS { .. }
            | O::ArrayGetU { .. }
            | O::ArraySet { .. }
            | O::ArrayLen => {
                self.linear += FIELD;
                self.blocks += 1;
                self.references += 1;
            }
            O::GlobalGet { global_index } => {
                self.references += u64::from(module.collected.get(global_index as usize).is_some_and(|is| *is));
            }
            O::RefTestNonNull { .. }
            | O::RefTestNullable { .. }
            | O::RefCastNonNull { .. }
            | O::RefCastNullable { .. } => {
                self.linear += CAST;
                self.blocks += 3;
            }
            O::BrOnCast { relative_depth, .. } | O::BrOnCastFail { relative_depth, .. } => {
                self.linear += CAST;
                self.blocks += 6;
                self.branch(relative_depth);
            }
            ref op if accesses(op) => self.linear += ACCESS,
            _ => {}
        }
    }
}

/// Whether a value of such a type is found by the collector.
pub(super) fn is_collected(ty: ValType) -> bool {
    matches!(ty, ValType::Ref(ty) if ty.heap_type() != HeapType::FUNC)
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
