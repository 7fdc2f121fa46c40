//! References to what is the host's (`externref`), where there is nothing of the host's.
//!
//! Such references need a collector's heap, and who has one gets a new sandbox for each call. But most guests can have none other than
//! null: without the instructions of garbage collection there is nothing that
//! makes one, and none comes in, as whatever takes one from outside cannot be called. So each type of theirs is written as
//! the one of references to functions, of which null is one too. The types differ in a byte, and nothing moves.
//!
//! A program could tell in one way alone: where two types of functions become the same, a call through a table may no longer
//! fail. Then the module is left as it is.

use std::collections::HashSet;
use wasmparser::{
    AbstractHeapType, BinaryReader, BlockType, ConstExpr, ElementItems, FuncType, FunctionBody, HeapType, Operator,
    OperatorsReader, Parser, Payload, RefType, TableInit, ValType,
};

use crate::audit::features::{Valid, validate};
use crate::ir::proposals::WITHOUT_COLLECTOR;

const EXTERN: u8 = 0x6f;
const FUNC: u8 = 0x70;

/// The module without references to what is the host's, if there are some, and nothing else stands in the way. `valid`: the proof
/// that it is valid with them; another comes with what is written.
pub(in crate::audit::core) fn without_host_references(bytes: &[u8], valid: &Valid) -> Option<(Vec<u8>, Valid)> {
    if valid.missing.is_empty() || valid.missing.iter().any(|missing| missing.proposal != "gc_types") {
        return None;
    }
    let mut patch = Patch { from: bytes, to: bytes.to_vec() };
    for payload in Parser::new(0).parse_all(bytes) {
        patch.payload(payload.ok()?)?;
    }
    let patched = validate(&patch.to, WITHOUT_COLLECTOR).ok()?;
    (patched.missing.is_empty() && types(valid) == types(&patched)).then_some((patch.to, patched))
}

/// How many different types of functions there are.
fn types(valid: &Valid) -> usize {
    let count = valid.types.as_ref().core_type_count_in_module();
    (0..count).filter_map(|index| valid.type_at(index)).collect::<HashSet<&FuncType>>().len()
}

/// The module as it was given, and as it is written. What cannot be done is none: what comes of it is validated.
struct Patch<'a> {
    from: &'a [u8],
    to: Vec<u8>,
}

impl Patch<'_> {
    fn payload(&mut self, payload: Payload<'_>) -> Option<()> {
        match payload {
            Payload::TypeSection(section) => self.types(section.range())?,
            Payload::TableSection(section) => {
                for table in section.into_iter_with_offsets() {
                    let (offset, table) = table.ok()?;
                    // Two bytes tell of a table with a value of its own for its elements.
                    let own = self.from.get(offset) == Some(&0x40);
                    self.read::<RefType>(offset + if own { 2 } else { 0 })?;
                    if let TableInit::Expr(init) = table.init {
                        self.constant(&init)?;
                    }
                }
            }
            Payload::GlobalSection(section) => {
                for global in section.into_iter_with_offsets() {
                    let (offset, global) = global.ok()?;
                    self.read::<ValType>(offset)?;
                    self.constant(&global.init_expr)?;
                }
            }
            Payload::ElementSection(section) => {
                for element in section {
                    if let ElementItems::Expressions(ty, items) = element.ok()?.items {
                        self.ends_with(ty.heap_type(), items.range().start)?;
                        for item in items {
                            self.constant(&item.ok()?)?;
                        }
                    }
                }
            }
            Payload::CodeSectionEntry(body) => self.body(&body)?,
            _ => {}
        }
        Some(())
    }

    fn types(&mut self, range: std::ops::Range<usize>) -> Option<()> {
        let mut reader = BinaryReader::new(self.from.get(range.clone())?, range.start);
        for _ in 0..reader.read_var_u32().ok()? {
            // All others are of proposals that guests do not have.
            if reader.read_u8().ok()? != 0x60 {
                return None;
            }
            for _ in 0..2 {
                for _ in 0..reader.read_var_u32().ok()? {
                    let ty: ValType = reader.read().ok()?;
                    self.value(ty, reader.original_position())?;
                }
            }
        }
        Some(())
    }

    fn body(&mut self, body: &FunctionBody<'_>) -> Option<()> {
        let mut locals = body.get_locals_reader().ok()?;
        for _ in 0..locals.get_count() {
            let (_, ty) = locals.read().ok()?;
            self.value(ty, locals.original_position())?;
        }
        self.operators(body.get_operators_reader().ok()?)
    }

    fn constant(&mut self, expression: &ConstExpr<'_>) -> Option<()> {
        self.operators(expression.get_operators_reader())
    }

    fn operators(&mut self, mut operators: OperatorsReader<'_>) -> Option<()> {
        while !operators.eof() {
            let operator = operators.read().ok()?;
            let end = operators.original_position();
            match operator {
                Operator::RefNull { hty } => self.ends_with(hty, end)?,
                Operator::TypedSelect { ty } => self.value(ty, end)?,
                Operator::Block { blockty: BlockType::Type(ty) }
                | Operator::Loop { blockty: BlockType::Type(ty) }
                | Operator::If { blockty: BlockType::Type(ty) } => self.value(ty, end)?,
                _ => {}
            }
        }
        Some(())
    }

    /// Reads a type at a place, and writes it.
    fn read<T>(&mut self, at: usize) -> Option<()>
    where
        T: for<'c> wasmparser::FromReader<'c> + Into<ValType>,
    {
        let mut reader = BinaryReader::new(self.from.get(at..)?, at);
        let ty: T = reader.read().ok()?;
        self.value(ty.into(), reader.original_position())
    }

    /// Writes a type that ends at a place.
    fn value(&mut self, ty: ValType, end: usize) -> Option<()> {
        match ty {
            ValType::Ref(ty) => self.ends_with(ty.heap_type(), end),
            _ => Some(()),
        }
    }

    fn ends_with(&mut self, ty: HeapType, end: usize) -> Option<()> {
        if let HeapType::Abstract { shared: false, ty: AbstractHeapType::Extern } = ty {
            let byte = self.to.get_mut(end.checked_sub(1)?)?;
            if *byte != EXTERN {
                return None;
            }
            *byte = FUNC;
        }
        Some(())
    }
}
