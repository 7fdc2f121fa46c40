//! Which stores of a function need a mark, and where.
//!
//! A mark covers a stretch of memory, no longer than a block. So of the stores near one address the first is marked, from the
//! lowest offset that is written to and near enough; the others are covered where the mark is sure to have been made before
//! them, which structured control makes easy to see: marks made within a block are forgotten at its end.
//!
//! Of a constant address, or of one byte, it is known which block it lies in. Else the block of the first byte is marked and the
//! next one, in one store of two bytes: whatever is no longer than a block lies in these. To mark the blocks of the first byte
//! and the last takes two, which costs an interpreter more than it saves.
//!
//! That two addresses are the same is known if both are the same constant, or the same local variable, not assigned in
//! between. A variable has a version, which an assignment changes; a variable that is assigned in some loop has another one in
//! each loop, as an assignment may come before a use by going round.

use super::BLOCK;
use super::store::{Store, store};
use std::collections::HashMap;
use std::ops::Range;
use wasmparser::{FuncValidator, FunctionBody, Operator, ValidatorResources};

/// A mark to be made after a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) address: Address,
    pub(super) reach: Reach,
}

/// Where what a mark covers begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// At the address in a local variable, and an offset, which may go round.
    Local { local: u32, offset: u32 },
    /// At a constant address.
    Constant(u64),
    /// At the store's own address, and its offset.
    Own { offset: u64 },
}

/// Which blocks are marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// That of the first byte.
    Block,
    /// That and the one after it.
    Next,
}

/// The marks of one function, by the number of the operator, in order.
pub(super) type Marks = Vec<(usize, Mark)>;

/// What is known of a value on the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Base {
    Local {
        local: u32,
        version: Version,
    },
    /// The constant is part of the offset.
    Constant,
}

/// A value on the stack: a base and what is added to it, which may go round.
type Known = Option<(Base, u32)>;

/// The version of a local variable: the last assignment, and the loop if it is assigned in one.
type Version = (u32, u32);

/// How many marks are remembered at a time: bounds the time that a large function takes.
const REMEMBERED: usize = 64;

/// Something that happens in a function, as far as marks go.
enum Event {
    Store { operator: usize, known: Known, store: Store },
    Enter,
    Else,
    Leave,
}

/// Finds the marks of a function; also tells how many local variables it has.
///
/// # Errors
///
/// Those of validation, which a valid function does not have.
pub(super) fn marks(
    body: &FunctionBody<'_>,
    validator: FuncValidator<ValidatorResources>,
) -> wasmparser::Result<(Marks, u32)> {
    let walk = Walk::new(body, validator)?;
    let locals = walk.locals.len() as u32;
    let events = walk.events(body)?;
    let written = Written::new(&events);
    let mut marks = Vec::new();
    let mut covered: Vec<(Base, Range<i64>)> = Vec::new();
    let mut entered = Vec::new();
    for event in events {
        match event {
            Event::Enter => entered.push(covered.len()),
            Event::Else => covered.truncate(entered.last().copied().unwrap_or_default()),
            Event::Leave => covered.truncate(entered.pop().unwrap_or_default()),
            Event::Store { operator, known: None, store } => {
                let reach = if store.size == 1 { Reach::Block } else { Reach::Next };
                marks.push((operator, Mark { address: Address::Own { offset: store.offset }, reach }));
            }
            Event::Store { operator, known: Some(known), store } => {
                let own = bytes(known, &store);
                let covers = |bytes: &Range<i64>| bytes.start <= own.start && own.end <= bytes.end;
                if covered.iter().rev().take(REMEMBERED).any(|(base, bytes)| *base == known.0 && covers(bytes)) {
                    continue;
                }
                let (bytes, mark) = match known.0 {
                    Base::Constant => whole_blocks(own),
                    Base::Local { local, .. } => {
                        let start = written.lowest(known, &own);
                        let address = Address::Local { local, offset: start as u32 };
                        (start..start + BLOCK as i64, Mark { address, reach: Reach::Next })
                    }
                };
                covered.push((known.0, bytes));
                marks.push((operator, mark));
            }
        }
    }
    Ok((marks, locals))
}

/// What a store writes to, seen from the base of its address.
fn bytes((base, added): (Base, u32), store: &Store) -> Range<i64> {
    let added = match base {
        // What is added may be negative. Where it goes round all the same, the store is out of bounds: a mark covers less than
        // there is between the end of memory and the last address.
        Base::Local { .. } => i64::from(added.cast_signed()),
        Base::Constant => i64::from(added),
    };
    let start = store.offset.cast_signed() + added;
    start..start + store.size.cast_signed()
}

/// The blocks of a store at a constant address, and their mark.
fn whole_blocks(own: Range<i64>) -> (Range<i64>, Mark) {
    let block = BLOCK as i64;
    let (first, last) = (own.start / block * block, (own.end - 1) / block * block);
    let reach = if first == last { Reach::Block } else { Reach::Next };
    (first..last + block, Mark { address: Address::Constant(first.cast_unsigned()), reach })
}

/// Where stores at addresses in variables begin, in order, for each sum of a base and what is added.
struct Written(HashMap<(Base, u32), Vec<i64>>);

impl Written {
    fn new(events: &[Event]) -> Written {
        let mut starts = HashMap::<_, Vec<_>>::new();
        for event in events {
            if let Event::Store { known: Some(known @ (Base::Local { .. }, _)), store, .. } = event {
                starts.entry(*known).or_default().push(bytes(*known, store).start);
            }
        }
        starts.values_mut().for_each(|starts| starts.sort_unstable());
        Written(starts)
    }

    /// Where the mark of a store begins, which is the first one there: as low as another store of the same sum, if that is near
    /// enough. Below that, an address could go round.
    fn lowest(&self, known: (Base, u32), own: &Range<i64>) -> i64 {
        let starts = self.0.get(&known).map(Vec::as_slice).unwrap_or_default();
        let lowest = starts.get(starts.partition_point(|start| *start < own.end - BLOCK as i64));
        lowest.map_or(own.start, |lowest| own.start.min(*lowest))
    }
}

struct Walk {
    validator: FuncValidator<ValidatorResources>,
    /// For each local variable: its last assignment, and whether it is assigned in a loop.
    locals: Vec<(u32, bool)>,
    assignments: u32,
    /// The loops around, innermost last, and how many there were.
    loops: Vec<u32>,
    all_loops: u32,
    stack: Vec<Known>,
    /// Of the blocks around: whether it is a loop, and the stack's height before its parameters.
    blocks: Vec<(bool, usize)>,
}

impl Walk {
    fn new(body: &FunctionBody<'_>, mut validator: FuncValidator<ValidatorResources>) -> wasmparser::Result<Walk> {
        validator.read_locals(&mut body.get_binary_reader())?;
        let mut locals = vec![(0, false); validator.len_locals() as usize];
        let mut loops = Vec::new();
        let mut depth = 0u32;
        for op in body.get_operators_reader()? {
            match op? {
                Operator::Loop { .. } => {
                    loops.push(true);
                    depth += 1;
                }
                Operator::Block { .. } | Operator::If { .. } => loops.push(false),
                Operator::End => depth -= u32::from(loops.pop().unwrap_or(false)),
                Operator::LocalSet { local_index } | Operator::LocalTee { local_index } if depth > 0 => {
                    if let Some((_, in_loop)) = locals.get_mut(local_index as usize) {
                        *in_loop = true;
                    }
                }
                _ => {}
            }
        }
        Ok(Walk {
            validator,
            locals,
            assignments: 0,
            loops: Vec::new(),
            all_loops: 0,
            stack: Vec::new(),
            blocks: Vec::new(),
        })
    }

    fn events(mut self, body: &FunctionBody<'_>) -> wasmparser::Result<Vec<Event>> {
        let mut events = Vec::new();
        let mut operators = body.get_operators_reader()?;
        let mut number = 0;
        while !operators.eof() {
            let (op, offset) = operators.read_with_offset()?;
            let reachable = self.validator.get_control_frame(0).is_some_and(|frame| !frame.unreachable);
            let arity = op.operator_arity(&self.validator);
            if let (true, Some(store)) = (reachable, store(&op)) {
                let known = self.stack.len().checked_sub(2).and_then(|at| self.current(self.stack[at]));
                events.push(Event::Store { operator: number, known, store });
            }
            self.validator.op(offset, &op)?;
            self.step(&op, reachable, arity, &mut events);
            // Where code cannot be reached, heights are what they want to be.
            self.stack.resize(self.validator.operand_stack_height() as usize, None);
            number += 1;
        }
        Ok(events)
    }

    /// What is known of an address now: nothing, if its variable was assigned since.
    fn current(&self, known: Known) -> Known {
        known.filter(|(base, _)| match base {
            Base::Local { local, version } => self.version(*local) == *version,
            Base::Constant => true,
        })
    }

    fn version(&self, local: u32) -> Version {
        let (assignment, in_loop) = self.locals[local as usize];
        (assignment, if in_loop { self.loops.last().copied().unwrap_or_default() } else { 0 })
    }

    fn assign(&mut self, local: u32) {
        self.assignments += 1;
        self.locals[local as usize].0 = self.assignments;
    }

    fn step(&mut self, op: &Operator<'_>, reachable: bool, arity: Option<(u32, u32)>, events: &mut Vec<Event>) {
        let (pops, pushes) = arity.unwrap_or_default();
        match op {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => {
                let is_loop = matches!(op, Operator::Loop { .. });
                if is_loop {
                    self.all_loops += 1;
                    self.loops.push(self.all_loops);
                }
                // The parameters stay where they are, but in a loop they may be other values the next time.
                let kept = self.stack.len().saturating_sub(pops as usize);
                self.stack.truncate(kept);
                self.blocks.push((is_loop, kept));
                events.push(Event::Enter);
            }
            Operator::Else => {
                let kept = self.blocks.last().map_or(0, |(_, kept)| *kept);
                self.stack.truncate(kept);
                events.push(Event::Else);
            }
            Operator::End => {
                // The last one is the function's own.
                if let Some((is_loop, kept)) = self.blocks.pop() {
                    if is_loop {
                        self.loops.pop();
                    }
                    self.stack.truncate(kept);
                    events.push(Event::Leave);
                }
            }
            // Where code cannot be reached, what it takes may lie below its block, and is still there after it. So only
            // assignments count.
            Operator::LocalSet { local_index } | Operator::LocalTee { local_index } if !reachable => {
                self.assign(*local_index);
            }
            _ if !reachable => {}
            Operator::LocalGet { local_index } => {
                let base = Base::Local { local: *local_index, version: self.version(*local_index) };
                self.stack.push(Some((base, 0)));
            }
            Operator::LocalSet { local_index } => {
                self.stack.pop();
                self.assign(*local_index);
            }
            Operator::LocalTee { local_index } => {
                self.stack.pop();
                self.assign(*local_index);
                let base = Base::Local { local: *local_index, version: self.version(*local_index) };
                self.stack.push(Some((base, 0)));
            }
            Operator::I32Const { value } => self.stack.push(Some((Base::Constant, value.cast_unsigned()))),
            Operator::I32Add => {
                let (b, a) = (self.stack.pop().flatten(), self.stack.pop().flatten());
                self.stack.push(match (a, b) {
                    (Some((base, a)), Some((Base::Constant, b))) | (Some((Base::Constant, a)), Some((base, b))) => {
                        Some((base, a.wrapping_add(b)))
                    }
                    _ => None,
                });
            }
            _ => {
                let kept = self.stack.len().saturating_sub(pops as usize);
                self.stack.truncate(kept);
                self.stack.resize(kept + pushes as usize, None);
            }
        }
    }
}
