//! Which stores of a function need a mark, and where.
//!
//! A mark for an address covers a block's length from there. So of the stores near one address the first is marked, at the
//! lowest offset that is written to and near enough; the others are covered where the mark is sure to have been made before
//! them, which structured control makes easy to see: marks made within a block are forgotten at its end.
//!
//! That two addresses are the same is known if both are the same constant, or the same local variable, not assigned in
//! between. A variable has a version, which an assignment changes; a variable that is assigned in some loop has another one in
//! each loop, as an assignment may come before a use by going round.

use super::BLOCK;
use super::store::{Store, store};
use std::collections::HashMap;
use wasmparser::{FuncValidator, FunctionBody, Operator, ValidatorResources};

/// A mark to be made after a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// For the address in a local variable, and an offset, which may go round.
    Local { local: u32, offset: u32 },
    /// For a constant address.
    Constant { address: u64 },
    /// For the store's own address, and its offset.
    Own { offset: u64 },
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
    // For each base with what is added, the offsets that are written to, in order.
    let mut offsets: HashMap<(Base, u32), Vec<u64>> = HashMap::new();
    for event in &events {
        if let Event::Store { known: Some(known), store, .. } = event {
            let (of, offset) = near(*known, store);
            offsets.entry(of).or_default().push(offset);
        }
    }
    for offsets in offsets.values_mut() {
        offsets.sort_unstable();
    }
    let mut marks = Vec::new();
    let mut covered: Vec<(Base, i64)> = Vec::new();
    let mut entered = Vec::new();
    for event in events {
        match event {
            Event::Enter => entered.push(covered.len()),
            Event::Else => covered.truncate(entered.last().copied().unwrap_or_default()),
            Event::Leave => covered.truncate(entered.pop().unwrap_or_default()),
            Event::Store { operator, known: None, store } => {
                marks.push((operator, Mark::Own { offset: store.offset }));
            }
            Event::Store { operator, known: Some(known), store } => {
                let (of @ (base, added), offset) = near(known, &store);
                // What is added may be negative. Where it goes round all the same, the store is out of bounds: a mark covers
                // less than there is between the end of memory and the last address.
                let first = |offset: u64| i64::from(added.cast_signed()) + offset.cast_signed();
                let (at, end) = (first(offset), first(offset + store.size));
                let covers = |from: i64| from <= at && end <= from + BLOCK as i64;
                if covered.iter().rev().take(REMEMBERED).any(|(of, from)| *of == base && covers(*from)) {
                    continue;
                }
                // As low as another store's, of the same sum: below that, an address could go round.
                let least = (offset + store.size).saturating_sub(BLOCK as u64);
                let offsets = &offsets[&of];
                let from =
                    offsets.get(offsets.partition_point(|at| *at < least)).copied().unwrap_or(offset).min(offset);
                covered.push((base, first(from)));
                let mark = match base {
                    Base::Local { local, .. } => Mark::Local { local, offset: added.wrapping_add(from as u32) },
                    Base::Constant => Mark::Constant { address: from },
                };
                marks.push((operator, mark));
            }
        }
    }
    Ok((marks, locals))
}

/// The sum that a store's address begins with, and what follows. Of a constant, all of it.
fn near((base, added): (Base, u32), store: &Store) -> ((Base, u32), u64) {
    match base {
        Base::Local { .. } => ((base, added), store.offset),
        Base::Constant => ((base, 0), u64::from(added) + store.offset),
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
