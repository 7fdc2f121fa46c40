//! Which stores of a function need a mark, and which cards it marks.
//!
//! A mark covers a stretch of memory no longer than a card. Of the stores near one address only the first gets a mark, which
//! begins at the lowest offset near enough that any of them writes to. The others are covered if the mark is sure to have been
//! made before them. Structured control makes that easy to see: marks made within a block are forgotten at its end.
//!
//! Where the address is a constant, or one byte is written, the card is known. Else a mark is one store of two bytes: it marks
//! the first byte's card and the next one, and a stretch no longer than a card lies within these. Marking the cards of the first
//! and of the last byte would be exact, but takes two stores, which costs an interpreter more than it saves.
//!
//! Two addresses are known to be the same if both are the same constant, or the same local variable, not assigned in between.
//! So a variable has a version, which each assignment changes. If it is assigned in any loop, it has another version in each
//! loop, as the next iteration may see an assignment that stands behind the use.

use super::card_table::CARD;
use super::store::{Store, store};
use std::collections::HashMap;
use std::ops::Range;
use wasmparser::{FuncValidator, FunctionBody, Operator, ValidatorResources};

/// A mark to be made after a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) address: Address,
    pub(super) cards: Cards,
}

/// Where the stretch that a mark covers begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// At the sum of a local variable and an offset, which wraps.
    Local { local: u32, offset: u32 },
    /// At a constant address.
    Constant(u64),
    /// At the store's address, of which nothing is known before it runs, and its offset.
    Dynamic { offset: u64 },
}

/// Which cards are marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cards {
    /// That of the first byte.
    One,
    /// That and the next one.
    Two,
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

/// A value on the stack: a base and what is added to it, which wraps.
type Known = Option<(Base, u32)>;

/// The version of a local variable: the last assignment, and the loop if it is assigned in one.
type Version = (u32, u32);

/// How many marks are searched for one that covers a store: bounds the time that a large function takes.
const REMEMBERED: usize = 64;

/// What matters for marks of the operators of a function.
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
    let starts = StoreStarts::new(&events);
    let mut marks = Vec::new();
    let mut covered: Vec<(Base, Range<i64>)> = Vec::new();
    let mut entered = Vec::new();
    for event in events {
        match event {
            Event::Enter => entered.push(covered.len()),
            Event::Else => covered.truncate(entered.last().copied().unwrap_or_default()),
            Event::Leave => covered.truncate(entered.pop().unwrap_or_default()),
            Event::Store { operator, known: None, store } => {
                let cards = if store.size == 1 { Cards::One } else { Cards::Two };
                marks.push((operator, Mark { address: Address::Dynamic { offset: store.offset }, cards }));
            }
            Event::Store { operator, known: Some(known), store } => {
                let own = bytes(known, &store);
                let covers = |bytes: &Range<i64>| bytes.start <= own.start && own.end <= bytes.end;
                if covered.iter().rev().take(REMEMBERED).any(|(base, bytes)| *base == known.0 && covers(bytes)) {
                    continue;
                }
                let (bytes, mark) = match known.0 {
                    Base::Constant => whole_cards(own),
                    Base::Local { local, .. } => {
                        let start = starts.lowest(known, &own);
                        let address = Address::Local { local, offset: start as u32 };
                        (start..start + CARD as i64, Mark { address, cards: Cards::Two })
                    }
                };
                covered.push((known.0, bytes));
                marks.push((operator, mark));
            }
        }
    }
    Ok((marks, locals))
}

/// What a store writes to, relative to the base of its address.
fn bytes((base, added): (Base, u32), store: &Store) -> Range<i64> {
    let added = match base {
        // Taken as signed, as it may be negative. Where the sum wraps all the same, the store is out of bounds: a mark covers less
        // than lies between the end of memory and the last address.
        Base::Local { .. } => i64::from(added.cast_signed()),
        Base::Constant => i64::from(added),
    };
    let start = store.offset.cast_signed() + added;
    start..start + store.size.cast_signed()
}

/// The cards of a store at a constant address, and their mark.
fn whole_cards(own: Range<i64>) -> (Range<i64>, Mark) {
    let card = CARD as i64;
    let (first, last) = (own.start / card * card, (own.end - 1) / card * card);
    let cards = if first == last { Cards::One } else { Cards::Two };
    (first..last + card, Mark { address: Address::Constant(first.cast_unsigned()), cards })
}

/// For each sum of a variable and what is added to it: where the stores there begin, in ascending order.
struct StoreStarts(HashMap<(Base, u32), Vec<i64>>);

impl StoreStarts {
    fn new(events: &[Event]) -> StoreStarts {
        let mut starts = HashMap::<_, Vec<_>>::new();
        for event in events {
            if let Event::Store { known: Some(known @ (Base::Local { .. }, _)), store, .. } = event {
                starts.entry(*known).or_default().push(bytes(*known, store).start);
            }
        }
        starts.values_mut().for_each(|starts| starts.sort_unstable());
        StoreStarts(starts)
    }

    /// Where the mark of a store begins: at the lowest store of the same sum that is near enough. Not lower: that address could
    /// wrap.
    fn lowest(&self, known: (Base, u32), own: &Range<i64>) -> i64 {
        let starts = self.0.get(&known).map(Vec::as_slice).unwrap_or_default();
        let lowest = starts.get(starts.partition_point(|start| *start < own.end - CARD as i64));
        lowest.map_or(own.start, |lowest| own.start.min(*lowest))
    }
}

/// Walks through a function with what is known of the values on the stack.
struct Walk {
    validator: FuncValidator<ValidatorResources>,
    /// For each local variable: its last assignment, and whether it is assigned in a loop.
    locals: Vec<(u32, bool)>,
    assignments: u32,
    /// The loops around the operator, innermost last, and how many there were so far.
    loops: Vec<u32>,
    all_loops: u32,
    stack: Vec<Known>,
    /// The blocks around the operator: whether each is a loop, and the stack's height below its parameters.
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
                Operator::Block { .. } | Operator::If { .. } | Operator::TryTable { .. } => loops.push(false),
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
            // In unreachable code the stack is polymorphic: take the validator's height.
            self.stack.resize(self.validator.operand_stack_height() as usize, None);
            number += 1;
        }
        Ok(events)
    }

    /// What is still known of an address: nothing, if its variable was assigned after it was pushed.
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
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } | Operator::TryTable { .. } => {
                let is_loop = matches!(op, Operator::Loop { .. });
                if is_loop {
                    self.all_loops += 1;
                    self.loops.push(self.all_loops);
                }
                // The parameters stay on the stack, but in a loop they may be other values in the next iteration.
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
                // The function's own end has no block here.
                if let Some((is_loop, kept)) = self.blocks.pop() {
                    if is_loop {
                        self.loops.pop();
                    }
                    self.stack.truncate(kept);
                    events.push(Event::Leave);
                }
            }
            // Unreachable code may pop values that lie below its block, which are still there after it. So only assignments
            // count.
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
