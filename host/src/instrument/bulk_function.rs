//! The function that does a bulk operation: a small one at once, a large one in chunks, so that a call can be interrupted between two
//! of them. With card marks, it marks what it wrote.
//!
//! An operation out of bounds must write nothing. So the bounds of a large one are checked first; where they are exceeded, it is done as
//! it was given, which traps.
//!
//! What it is made of costs nothing but the bytes or elements of the operation, and the unit of its entry is the operator's. (With 64-bit
//! addresses it costs a few units more: such memories are not marked, so it costs that in every sandbox.)

use super::added::{CardMarks, mark_range, mark_small_range, moved, moved_in_bounds};
use super::bulk::{Bulk, Source, Space};
use super::card_table::CardTable;
use wasm_encoder::{BlockType, Function, InstructionSink, ValType};

/// A function that does one bulk operation.
pub(super) struct BulkFunction {
    pub(super) bulk: Bulk,
    /// Its operands: destination, source or value, and size.
    pub(super) params: [ValType; 3],
    /// The index of the function type with these parameters.
    pub(super) ty: u32,
    /// The length of the segment, if it is one's.
    pub(super) segment: u64,
}

/// The parameters.
const TO: u32 = 0;
const FROM: u32 = 1;
const SIZE: u32 = 2;

/// Local variables of a function that marks.
const MARKS: CardMarks = CardMarks { entry: 3, end: 4 };

/// Pushes a constant of the type of a size.
fn constant(ty: ValType, value: u32, code: &mut InstructionSink<'_>) {
    match ty {
        ValType::I64 => code.i64_const(value.into()),
        _ => code.i32_const(value.cast_signed()),
    };
}

fn add(ty: ValType, code: &mut InstructionSink<'_>) {
    match ty {
        ValType::I64 => code.i64_add(),
        _ => code.i32_add(),
    };
}

fn sub(ty: ValType, code: &mut InstructionSink<'_>) {
    match ty {
        ValType::I64 => code.i64_sub(),
        _ => code.i32_sub(),
    };
}

/// Pushes whether the lower of two values on the stack is the smaller one.
fn below(ty: ValType, code: &mut InstructionSink<'_>) {
    match ty {
        ValType::I64 => code.i64_lt_u(),
        _ => code.i32_lt_u(),
    };
}

impl BulkFunction {
    /// Writes it. `table`: that of the memory, if its stores are marked; addresses are then of 32 bits.
    pub(super) fn function(&self, table: Option<CardTable>) -> Function {
        let mut function = Function::new(table.map(|_| (2, ValType::I32)));
        let mut code = function.instructions();
        code.block(BlockType::Empty);
        self.is_large(&mut code);
        code.br_if(0);
        self.rest(table, &mut code);
        code.end();

        code.block(BlockType::Empty);
        self.within(TO, self.bulk.to, table, &mut code);
        match self.bulk.from {
            Source::Value => {}
            Source::Space(from) => self.within(FROM, from, table, &mut code),
            Source::Segment(_) => {
                self.within_end(FROM, |code| _ = code.i32_const((self.segment as u32).cast_signed()), &mut code);
            }
        }
        // Where ranges overlap and the destination is higher, it is copied from the end, so that nothing is overwritten before it
        // was read. Two memories, or two tables, may be one that was imported twice, unless their address types differ.
        if let (Source::Space(_), true) = (self.bulk.from, self.params[TO as usize] == self.params[FROM as usize]) {
            code.block(BlockType::Empty);
            code.local_get(TO).local_get(FROM);
            below(self.params[TO as usize], &mut code);
            code.br_if(0);
            self.chunks(true, table, &mut code);
            code.end();
        }
        self.chunks(false, table, &mut code);
        code.end();
        self.rest(table, &mut code);
        code.end();
        function
    }

    /// Pushes whether the size is larger than a chunk.
    fn is_large(&self, code: &mut InstructionSink<'_>) {
        let size = self.params[SIZE as usize];
        constant(size, self.bulk.chunk(), code);
        code.local_get(SIZE);
        below(size, code);
    }

    /// Leaves the block if a range, which is not empty, exceeds its memory or table.
    fn within(&self, at: u32, space: Space, table: Option<CardTable>, code: &mut InstructionSink<'_>) {
        let memory = match space {
            Space::Table(number) => return self.within_end(at, |code| _ = code.table_size(number), code),
            Space::Memory(memory) => memory,
        };
        // The end of a memory may be the first address that there is not. So its last byte is looked at.
        let ty = self.params[at as usize];
        let last = |code: &mut InstructionSink<'_>| {
            self.end_of(at, code);
            constant(ty, 1, code);
            sub(ty, code);
        };
        last(code);
        code.local_get(at);
        below(ty, code);
        code.br_if(0);
        code.memory_size(memory);
        if let Some(table) = table {
            code.i32_const(table.pages()).i32_sub();
        }
        last(code);
        constant(ty, 16, code);
        match ty {
            ValType::I64 => code.i64_shr_u(),
            _ => code.i32_shr_u(),
        };
        constant(ty, 1, code);
        add(ty, code);
        below(ty, code);
        code.br_if(0);
    }

    /// Leaves the block if a range, which is not empty, exceeds an end.
    fn within_end(&self, at: u32, end: impl Fn(&mut InstructionSink<'_>), code: &mut InstructionSink<'_>) {
        let ty = self.params[at as usize];
        self.end_of(at, code);
        code.local_get(at);
        below(ty, code);
        code.br_if(0);
        end(code);
        self.end_of(at, code);
        below(ty, code);
        code.br_if(0);
    }

    /// Pushes the sum of a parameter and the size, which may wrap.
    fn end_of(&self, at: u32, code: &mut InstructionSink<'_>) {
        let (ty, size) = (self.params[at as usize], self.params[SIZE as usize]);
        code.local_get(at).local_get(SIZE);
        if ty != size {
            code.i64_extend_i32_u();
        }
        add(ty, code);
    }

    /// Does what is left at once, and returns.
    fn rest(&self, table: Option<CardTable>, code: &mut InstructionSink<'_>) {
        let Some(table) = table else {
            code.local_get(TO).local_get(FROM).local_get(SIZE);
            self.bulk.write(code);
            code.return_();
            return;
        };
        moved(table, TO, code);
        match self.bulk.from {
            Source::Value => _ = code.local_get(FROM),
            _ => moved(table, FROM, code),
        }
        code.local_get(SIZE);
        self.bulk.write(code);
        let to = |code: &mut InstructionSink<'_>| _ = code.local_get(TO);
        let size = |code: &mut InstructionSink<'_>| _ = code.local_get(SIZE);
        mark_small_range(table, TO, SIZE, code);
        mark_range(table, MARKS, to, size, code);
        code.return_();
    }

    /// Does the operation, which is in bounds, in chunks, from its beginning or from its end, and returns.
    fn chunks(&self, from_end: bool, table: Option<CardTable>, code: &mut InstructionSink<'_>) {
        let ty = self.params[SIZE as usize];
        let chunk = self.bulk.chunk();
        code.loop_(BlockType::Empty);
        if from_end {
            self.change(SIZE, sub, code);
        }
        // From the end, all three are of one type.
        let at = |param: u32, code: &mut InstructionSink<'_>| {
            code.local_get(param);
            if from_end {
                code.local_get(SIZE);
                add(ty, code);
            }
        };
        for (param, is_address) in [(TO, true), (FROM, self.bulk.from != Source::Value)] {
            at(param, code);
            if let Some(table) = table.filter(|_| is_address) {
                moved_in_bounds(table, code);
            }
        }
        constant(ty, chunk, code);
        self.bulk.write(code);
        if let Some(table) = table {
            let size = |code: &mut InstructionSink<'_>| _ = code.i32_const(chunk.cast_signed());
            mark_range(table, MARKS, |code| at(TO, code), size, code);
        }
        if !from_end {
            self.change(TO, add, code);
            if self.bulk.from != Source::Value {
                self.change(FROM, add, code);
            }
            self.change(SIZE, sub, code);
        }
        self.is_large(code);
        code.br_if(0).end();
        self.rest(table, code);
    }

    /// Adds a chunk's size to a parameter, or subtracts it.
    fn change(&self, param: u32, by: impl Fn(ValType, &mut InstructionSink<'_>), code: &mut InstructionSink<'_>) {
        let ty = self.params[param as usize];
        code.local_get(param);
        constant(ty, self.bulk.chunk(), code);
        by(ty, code);
        code.local_set(param);
    }
}
