//! Code that is added: marks, and functions that stand in for bulk operations and `memory.grow`.

use super::card_table::{CARD, CARD_SHIFT, CardTable, GROUP_SHIFT};
use super::marking::Cards;
use wasm_encoder::{BlockType, Function, InstructionSink, MemArg};

/// An offset at which every access traps: a memory with a card table is smaller than 4 GiB.
pub(super) const BEYOND: u32 = u32::MAX;

/// Marks the card of an address, or that and the next one. `address` pushes the address.
pub(super) fn mark(
    table: CardTable,
    cards: Cards,
    code: &mut InstructionSink<'_>,
    address: impl Fn(&mut InstructionSink<'_>),
) {
    for (base, shift) in levels(table) {
        address(code);
        code.i32_const(shift.cast_signed()).i32_shr_u();
        let arg = MemArg { offset: base.into(), align: 0, memory_index: 0 };
        match cards {
            Cards::One => code.i32_const(1).i32_store8(arg),
            Cards::Two => code.i32_const(0x0101).i32_store16(arg),
        };
    }
}

/// Adds an offset to the address on the stack. The sum does not wrap: a store just succeeded there or higher.
pub(super) fn plus(code: &mut InstructionSink<'_>, offset: u32) {
    if offset != 0 {
        code.i32_const(offset.cast_signed()).i32_add();
    }
}

/// Where the entries of each level begin, and by how many bits an address is shifted to get an entry's number.
fn levels(table: CardTable) -> impl Iterator<Item = (u32, u32)> {
    [(0, CARD_SHIFT)].into_iter().chain(table.groups.map(|base| (base, GROUP_SHIFT)))
}

/// `memory.fill`.
pub(super) fn fill(table: CardTable) -> Function {
    let mut function = Function::new([]);
    let mut code = function.instructions();
    within(table, 0, &mut code);
    moved(table, 0, &mut code);
    code.local_get(1).local_get(2).memory_fill(0);
    mark_range(table, 0, 2, &mut code);
    code.end();
    function
}

/// `memory.copy`.
pub(super) fn copy(table: CardTable) -> Function {
    let mut function = Function::new([]);
    let mut code = function.instructions();
    within(table, 0, &mut code);
    within(table, 1, &mut code);
    moved(table, 0, &mut code);
    moved(table, 1, &mut code);
    code.local_get(2).memory_copy(0, 0);
    mark_range(table, 0, 2, &mut code);
    code.end();
    function
}

/// `memory.grow`: the number of pages before, without the card table's, or -1.
pub(super) fn grow(table: CardTable) -> Function {
    let mut function = Function::new([]);
    let mut code = function.instructions();
    code.local_get(0).memory_grow(0).local_set(0);
    code.i32_const(-1);
    code.local_get(0).i32_const(table.pages()).i32_sub();
    code.local_get(0).i32_const(-1).i32_eq().select();
    code.end();
    function
}

/// The start function: traps if the moved address of a data segment wraps, as the address itself is out of bounds. Then calls
/// the module's own start function.
pub(super) fn start(table: CardTable, data: &[(Vec<u8>, u64)], start: Option<u32>) -> Function {
    let mut function = Function::new([]);
    for (address, bytes) in data {
        function.raw(address.iter().copied());
        let mut code = function.instructions();
        code.i64_extend_i32_u().i64_const((bytes + u64::from(table.bytes)).cast_signed()).i64_add();
        // Out of bounds even for an empty segment: a memory with a card table is smaller than 4 GiB.
        code.i64_const(1 << 32).i64_ge_u().if_(BlockType::Empty);
        trap(&mut code);
        code.end();
    }
    let mut code = function.instructions();
    if let Some(start) = start {
        code.call(start);
    }
    code.end();
    function
}

/// Traps as an access out of bounds does.
fn trap(code: &mut InstructionSink<'_>) {
    code.i32_const(-1).i32_load(MemArg { offset: BEYOND.into(), align: 0, memory_index: 0 }).drop();
}

/// Traps if the address in a local variable wraps when it is moved.
fn within(table: CardTable, address: u32, code: &mut InstructionSink<'_>) {
    let first = 0u32.wrapping_sub(table.bytes);
    code.local_get(address).i32_const(first.cast_signed()).i32_ge_u().if_(BlockType::Empty);
    trap(code);
    code.end();
}

/// Pushes the moved address of what a local variable holds.
fn moved(table: CardTable, address: u32, code: &mut InstructionSink<'_>) {
    code.local_get(address).i32_const(table.bytes.cast_signed()).i32_add();
}

/// Marks the cards of a range within memory. `address` and `size` are local variables, the size in bytes.
fn mark_range(table: CardTable, address: u32, size: u32, code: &mut InstructionSink<'_>) {
    code.local_get(size).i32_const(CARD as i32).i32_le_u().if_(BlockType::Empty);
    mark(table, Cards::Two, code, |code| {
        code.local_get(address);
    });
    code.else_();
    for (base, shift) in levels(table) {
        let entry = |code: &mut InstructionSink<'_>| {
            code.local_get(address).i32_const(shift.cast_signed()).i32_shr_u();
        };
        entry(code);
        code.i32_const(base.cast_signed()).i32_add();
        code.i32_const(1);
        // From the first byte's card to the last byte's.
        code.local_get(address).local_get(size).i32_add().i32_const(1).i32_sub();
        code.i32_const(shift.cast_signed()).i32_shr_u();
        entry(code);
        code.i32_sub().i32_const(1).i32_add();
        code.memory_fill(0);
    }
    code.end();
}
