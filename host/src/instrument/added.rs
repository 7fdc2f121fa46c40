//! Code that is added: marks, and functions in place of what takes more than a few instructions.

use super::marks::Reach;
use super::{BLOCK, GROUP_SHIFT, Margin, SHIFT};
use wasm_encoder::{BlockType, Function, InstructionSink, MemArg};

/// An offset that no access has within memory: a memory with a margin is smaller than 4 GiB.
pub(super) const BEYOND: u32 = u32::MAX;

/// Marks the block of an address, or that and the next one. `address` pushes the address.
pub(super) fn mark(
    margin: Margin,
    reach: Reach,
    code: &mut InstructionSink<'_>,
    address: impl Fn(&mut InstructionSink<'_>),
) {
    for (base, shift) in levels(margin) {
        address(code);
        code.i32_const(shift.cast_signed()).i32_shr_u();
        let arg = MemArg { offset: base.into(), align: 0, memory_index: 0 };
        match reach {
            Reach::Block => code.i32_const(1).i32_store8(arg),
            Reach::Next => code.i32_const(0x0101).i32_store16(arg),
        };
    }
}

/// Adds an offset to what lies on the stack. That does not go round: it is no higher than a store that did not trap.
pub(super) fn plus(code: &mut InstructionSink<'_>, offset: u32) {
    if offset != 0 {
        code.i32_const(offset.cast_signed()).i32_add();
    }
}

/// Where the marks of each level begin, and by how many bits an address is shifted to get one's place.
fn levels(margin: Margin) -> impl Iterator<Item = (u32, u32)> {
    [(0, SHIFT)].into_iter().chain(margin.groups.map(|base| (base, GROUP_SHIFT)))
}

/// `memory.fill`.
pub(super) fn fill(margin: Margin) -> Function {
    let mut function = Function::new([]);
    let mut code = function.instructions();
    within(margin, 0, &mut code);
    moved(margin, 0, &mut code);
    code.local_get(1).local_get(2).memory_fill(0);
    mark_range(margin, 0, 2, &mut code);
    code.end();
    function
}

/// `memory.copy`.
pub(super) fn copy(margin: Margin) -> Function {
    let mut function = Function::new([]);
    let mut code = function.instructions();
    within(margin, 0, &mut code);
    within(margin, 1, &mut code);
    moved(margin, 0, &mut code);
    moved(margin, 1, &mut code);
    code.local_get(2).memory_copy(0, 0);
    mark_range(margin, 0, 2, &mut code);
    code.end();
    function
}

/// `memory.grow`: the pages that there were before, without the margin's, or -1.
pub(super) fn grow(margin: Margin) -> Function {
    let mut function = Function::new([]);
    let mut code = function.instructions();
    code.local_get(0).memory_grow(0).local_set(0);
    code.i32_const(-1);
    code.local_get(0).i32_const(margin.pages()).i32_sub();
    code.local_get(0).i32_const(-1).i32_eq().select();
    code.end();
    function
}

/// What is done at the start: data whose address goes round is out of bounds, as it was before the address was moved.
/// Then what the module itself does.
pub(super) fn start(margin: Margin, placed: &[(Vec<u8>, u64)], start: Option<u32>) -> Function {
    let mut function = Function::new([]);
    for (address, bytes) in placed {
        function.raw(address.iter().copied());
        let mut code = function.instructions();
        code.i64_extend_i32_u().i64_const((bytes + u64::from(margin.bytes)).cast_signed()).i64_add();
        // Beyond all memory, as even no bytes at such an address are: a memory with a margin is smaller.
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

/// Traps if the address in a local variable would go round when it is moved.
fn within(margin: Margin, address: u32, code: &mut InstructionSink<'_>) {
    let first = 0u32.wrapping_sub(margin.bytes);
    code.local_get(address).i32_const(first.cast_signed()).i32_ge_u().if_(BlockType::Empty);
    trap(code);
    code.end();
}

/// Pushes the moved address of what a local variable holds.
fn moved(margin: Margin, address: u32, code: &mut InstructionSink<'_>) {
    code.local_get(address).i32_const(margin.bytes.cast_signed()).i32_add();
}

/// Marks the blocks of a range within memory; its address and its size in bytes are in local variables.
fn mark_range(margin: Margin, address: u32, size: u32, code: &mut InstructionSink<'_>) {
    code.local_get(size).i32_const(BLOCK as i32).i32_le_u().if_(BlockType::Empty);
    mark(margin, Reach::Next, code, |code| {
        code.local_get(address);
    });
    code.else_();
    for (base, shift) in levels(margin) {
        let place = |code: &mut InstructionSink<'_>| {
            code.local_get(address).i32_const(shift.cast_signed()).i32_shr_u();
        };
        place(code);
        code.i32_const(base.cast_signed()).i32_add();
        code.i32_const(1);
        // From the first byte's block to the last one's.
        code.local_get(address).local_get(size).i32_add().i32_const(1).i32_sub();
        code.i32_const(shift.cast_signed()).i32_shr_u();
        place(code);
        code.i32_sub().i32_const(1).i32_add();
        code.memory_fill(0);
    }
    code.end();
}
