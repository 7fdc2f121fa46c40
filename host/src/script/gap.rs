//! Pages that a module may still take, in front of those that lie behind its memory.
//!
//! With the first room for a script, the memory grows by the gap, too. From then on the module's `memory.size` and `memory.grow` are
//! these functions: its memory ends where it ended, and grows into the gap, page after page that follows what it had, as it would without a
//! script. What the script lays comes behind the gap. What
//! lies between is there, and zero, where without a script a read would trap.

use wasm_encoder::{BlockType, CodeSection, ConstExpr, ExportKind, ExportSection, Function, FunctionSection};
use wasm_encoder::{GlobalSection, GlobalType, InstructionSink, TypeSection, ValType};

/// How large the gap is, in pages; half of it, and so on, where a call may not have as much.
const PAGES: i32 = 512;

/// The largest memory, in pages.
const LARGEST: u64 = 1 << 16;

/// What `end` is before there is a gap.
const NONE: i32 = -1;

/// Where the functions lie in the module that they are added to.
pub(super) struct Gap {
    pub(super) memory: u32,
    /// The most pages that the module's memory may have by its own type.
    pub(super) maximum: Option<u64>,
    /// How many of each the module has.
    pub(super) types: u32,
    pub(super) functions: u32,
    pub(super) globals: u32,
}

impl Gap {
    /// The function that stands for `memory.size`.
    pub(super) fn size(&self) -> u32 {
        self.functions
    }

    /// The function that stands for `memory.grow`.
    pub(super) fn grow(&self) -> u32 {
        self.functions + 1
    }

    /// The global variable with the module's pages, once there is a gap.
    fn pages(&self) -> u32 {
        self.globals
    }

    /// The one with the page at which the gap ends.
    fn end(&self) -> u32 {
        self.globals + 1
    }

    pub(super) fn add_types(&self, types: &mut TypeSection) {
        types.ty().function([], [ValType::I32]);
        types.ty().function([ValType::I32], [ValType::I32]);
    }

    pub(super) fn add_functions(&self, functions: &mut FunctionSection) {
        functions.function(self.types).function(self.types + 1).function(self.types + 1);
    }

    pub(super) fn add_globals(&self, globals: &mut GlobalSection) {
        let ty = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
        globals.global(ty, &ConstExpr::i32_const(0)).global(ty, &ConstExpr::i32_const(NONE));
    }

    /// What adds pages behind the gap, and makes that before.
    pub(super) fn add_export(&self, exports: &mut ExportSection, name: &str) {
        exports.export(name, ExportKind::Func, self.functions + 2);
    }

    pub(super) fn add_code(&self, code: &mut CodeSection) {
        code.function(&self.size_body()).function(&self.grow_body()).function(&self.behind());
    }

    fn if_none(&self, code: &mut InstructionSink<'_>) {
        code.global_get(self.end()).i32_const(NONE).i32_eq().if_(BlockType::Empty);
    }

    fn size_body(&self) -> Function {
        let mut function = Function::new([]);
        let mut code = function.instructions();
        self.if_none(&mut code);
        code.memory_size(self.memory).return_().end();
        code.global_get(self.pages()).end();
        function
    }

    fn grow_body(&self) -> Function {
        let mut function = Function::new([(1, ValType::I32)]);
        let mut code = function.instructions();
        let (more, pages) = (0, 1);
        code.call(self.size()).local_set(pages);
        let maximum = self.maximum.unwrap_or(LARGEST).min(LARGEST) as i32;
        code.local_get(more).i32_const(maximum).local_get(pages).i32_sub().i32_gt_u().if_(BlockType::Empty);
        code.i32_const(-1).return_().end();
        self.if_none(&mut code);
        code.local_get(more).memory_grow(self.memory).return_().end();
        code.local_get(more).global_get(self.end()).local_get(pages).i32_sub().i32_gt_u().if_(BlockType::Empty);
        // Asked all the same: a call that fails after its limit refused it memory is told so.
        code.local_get(more).memory_grow(self.memory).drop().i32_const(-1).return_().end();
        code.local_get(pages).local_get(more).i32_add().global_set(self.pages());
        code.local_get(pages).end();
        function
    }

    /// Of a number of pages: adds so many behind the gap, and gives the number of the first, or -1.
    fn behind(&self) -> Function {
        let mut function = Function::new([(2, ValType::I32)]);
        let mut code = function.instructions();
        let (more, size, pages) = (0, 1, 2);
        code.global_get(self.end()).i32_const(NONE).i32_ne().if_(BlockType::Empty);
        code.local_get(more).memory_grow(self.memory).return_().end();
        code.i32_const(PAGES).local_set(size).memory_size(self.memory).local_set(pages);
        code.loop_(BlockType::Empty);
        code.local_get(size).local_get(more).i32_add().memory_grow(self.memory).i32_const(-1).i32_eq();
        code.if_(BlockType::Empty);
        code.local_get(size).i32_eqz().if_(BlockType::Empty).i32_const(-1).return_().end();
        code.local_get(size).i32_const(1).i32_shr_u().local_set(size).br(1).end();
        code.end();
        code.local_get(pages).global_set(self.pages());
        code.local_get(pages).local_get(size).i32_add().global_set(self.end());
        code.global_get(self.end()).end();
        function
    }
}
