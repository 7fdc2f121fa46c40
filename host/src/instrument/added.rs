//! Code that is added: marks, what is done in place of bulk operations and `memory.grow`, and the start function. It is made of operators
//! that cost nothing (`fuel.rs`).

use super::card_table::{CARD, CARD_SHIFT, CardTable, GROUP_SHIFT};
use super::marking::{Address, Cards, Mark};
use super::store::Store;
use wasm_encoder::{BlockType, Function, InstructionSink, MemArg, ValType};

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

/// Local variables of a function for what is done in place: an address, and another or a value.
#[derive(Clone, Copy)]
pub(super) struct InPlace {
    pub(super) address: u32,
    pub(super) other: u32,
}

/// Moves the operands of `memory.fill` or `memory.copy`, which are on the stack. The size is a constant.
pub(super) fn move_operands(
    table: CardTable,
    locals: InPlace,
    copies: bool,
    size: u32,
    code: &mut InstructionSink<'_>,
) {
    code.drop().local_set(locals.other).local_set(locals.address);
    moved(table, locals.address, code);
    if copies {
        moved(table, locals.other, code);
    } else {
        code.local_get(locals.other);
    }
    code.i32_const(size.cast_signed());
}

/// What follows `memory.grow`: the number of pages before, without the card table's, or -1.
pub(super) fn grown(table: CardTable, locals: InPlace, code: &mut InstructionSink<'_>) {
    code.local_tee(locals.address).i32_const(table.pages()).i32_sub();
    code.i32_const(-1);
    code.local_get(locals.address).i32_const(-1).i32_lt_u().select();
}

/// The start function: traps if the moved address of a data segment wraps, as the address itself is out of bounds. Then calls
/// the module's own start function.
pub(super) fn start(table: CardTable, data: &[Vec<u8>], start: Option<u32>) -> Function {
    let mut function = Function::new([]);
    for address in data {
        function.instructions().block(BlockType::Empty);
        function.raw(address.iter().copied());
        let mut code = function.instructions();
        // Where it does not wrap, it is compared with the end of memory when the segment is placed.
        code.i32_const(first_beyond(table)).i32_lt_u().br_if(0);
        code.i32_const(-1).i32_load(MemArg { offset: BEYOND.into(), align: 0, memory_index: 0 }).drop();
        code.end();
    }
    let mut code = function.instructions();
    if let Some(start) = start {
        code.call(start);
    }
    code.end();
    function
}

/// The first address that wraps when it is moved.
fn first_beyond(table: CardTable) -> i32 {
    0u32.wrapping_sub(table.bytes).cast_signed()
}

/// Pushes the moved address of what a local variable holds; where it would wrap, one at which every access traps.
pub(super) fn moved(table: CardTable, address: u32, code: &mut InstructionSink<'_>) {
    code.local_get(address);
    moved_in_bounds(table, code);
    // A branch would trap before wasmtime looks for fuel.
    code.i32_const(-1);
    code.local_get(address).i32_const(first_beyond(table)).i32_lt_u().select();
}

/// Moves the address on the stack, which is in bounds.
pub(super) fn moved_in_bounds(table: CardTable, code: &mut InstructionSink<'_>) {
    code.i32_const(table.bytes.cast_signed()).i32_add();
}

/// Local variables for marks of a range: the entry to be written next, and the one behind the last.
#[derive(Clone, Copy)]
pub(super) struct CardMarks {
    pub(super) entry: u32,
    pub(super) end: u32,
}

/// Marks the cards of a range within memory and returns, if it is no larger than a card. Both are local variables.
pub(super) fn mark_small_range(table: CardTable, address: u32, size: u32, code: &mut InstructionSink<'_>) {
    code.block(BlockType::Empty);
    code.i32_const(CARD as i32).local_get(size).i32_lt_u().br_if(0);
    mark(table, Cards::Two, code, |code| _ = code.local_get(address));
    code.return_().end();
}

/// Marks the cards of a range within memory that is not empty: two at a time, so perhaps the one behind it. Not by `memory.fill`, which
/// would be charged for.
pub(super) fn mark_range(
    table: CardTable,
    locals: CardMarks,
    address: impl Fn(&mut InstructionSink<'_>),
    size: impl Fn(&mut InstructionSink<'_>),
    code: &mut InstructionSink<'_>,
) {
    for (base, shift) in levels(table) {
        let shift = shift.cast_signed();
        address(code);
        code.i32_const(shift).i32_shr_u().local_set(locals.entry);
        address(code);
        size(code);
        code.i32_add().i32_const(1).i32_sub().i32_const(shift).i32_shr_u().i32_const(1).i32_add().local_set(locals.end);
        code.loop_(BlockType::Empty);
        let arg = MemArg { offset: base.into(), align: 0, memory_index: 0 };
        code.local_get(locals.entry).i32_const(0x0101).i32_store16(arg);
        code.local_get(locals.entry).i32_const(2).i32_add().local_tee(locals.entry);
        code.local_get(locals.end).i32_lt_u().br_if(0).end();
    }
}

/// Local variables that are added: for a store's address, then for its value, one of each type.
pub(super) const TEMPORARIES: [ValType; 6] =
    [ValType::I32, ValType::I32, ValType::I64, ValType::F32, ValType::F64, ValType::V128];

/// The number of the local variable for a value, among [`TEMPORARIES`].
fn temporary(ty: ValType) -> u32 {
    TEMPORARIES.iter().skip(1).position(|temporary| *temporary == ty).map_or(0, |at| at as u32 + 1)
}

/// Saves the address of a store, which lies on the stack below the value. `locals`: how many the function has of its own.
pub(super) fn save_address(store: &Store, locals: u32, code: &mut InstructionSink<'_>) {
    let value = locals + temporary(store.value);
    code.local_set(value).local_tee(locals).local_get(value);
}

/// Writes the mark of the store that was just written. `locals`: how many the function has of its own.
///
/// Not in front of the store: a load, a sum and a store may become one machine instruction, which a mark would split.
pub(super) fn write_mark(made: Mark, table: CardTable, locals: u32, code: &mut InstructionSink<'_>) {
    mark(table, made.cards, code, |code| match made.address {
        Address::Constant(address) => {
            code.i32_const((address as u32).cast_signed());
        }
        Address::Local { local, offset } => {
            code.local_get(local);
            plus(code, offset);
        }
        Address::Dynamic { offset } => {
            code.local_get(locals);
            plus(code, offset as u32);
        }
    });
}
