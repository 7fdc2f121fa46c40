//! A module's own indices to those in the module that is made.

use super::constant::{Constant, evaluated};
use super::part::Kind;
use super::resolve::Resolved;
use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{ConstExpr, Instruction};
use wasmparser::Operator;

pub(super) type Done<T> = Result<T, Error<Infallible>>;

/// Writes parts of one module with new indices.
pub(super) struct Remap<'r> {
    resolved: &'r Resolved,
    /// The module's number.
    part: usize,
    /// How many segments of other modules lie before its own.
    elements: u32,
    data: u32,
    /// What immutable globals hold, by their new indices, of the modules before this one.
    known: &'r HashMap<u32, Constant>,
    /// The functions that code takes references of, by their new indices.
    pub(super) referenced: BTreeSet<u32>,
}

impl<'r> Remap<'r> {
    /// For the module of this number. `before`: how many element and data segments of other modules lie before its own.
    pub(super) fn new(
        resolved: &'r Resolved,
        part: usize,
        before: (u32, u32),
        known: &'r HashMap<u32, Constant>,
    ) -> Remap<'r> {
        Remap { resolved, part, elements: before.0, data: before.1, known, referenced: BTreeSet::new() }
    }

    /// What an expression computes, if that is known.
    pub(super) fn constant(&mut self, expression: &wasmparser::ConstExpr<'_>) -> Option<Constant> {
        let (resolved, part, known) = (self.resolved, self.part, self.known);
        let global = |index| resolved.index(part, Kind::Global, index);
        evaluated(expression, known, global, |operator| utils::instruction(self, operator))
    }

    /// Whether an expression reads a global of another module.
    fn reads_others(&self, expression: &wasmparser::ConstExpr<'_>) -> bool {
        let operators = expression.get_operators_reader().into_iter().map_while(Result::ok);
        operators.into_iter().any(|operator| match operator {
            Operator::GlobalGet { global_index } => {
                self.resolved.place(self.part, Kind::Global, global_index).part != self.part
            }
            _ => false,
        })
    }
}

impl Reencode for Remap<'_> {
    type Error = Infallible;

    fn type_index(&mut self, ty: u32) -> Done<u32> {
        Ok(self.resolved.types.bases[self.part] + ty)
    }

    fn function_index(&mut self, function: u32) -> Done<u32> {
        Ok(self.resolved.index(self.part, Kind::Function, function))
    }

    fn table_index(&mut self, table: u32) -> Done<u32> {
        Ok(self.resolved.index(self.part, Kind::Table, table))
    }

    fn memory_index(&mut self, memory: u32) -> Done<u32> {
        Ok(self.resolved.index(self.part, Kind::Memory, memory))
    }

    fn global_index(&mut self, global: u32) -> Done<u32> {
        Ok(self.resolved.index(self.part, Kind::Global, global))
    }

    fn tag_index(&mut self, tag: u32) -> Done<u32> {
        Ok(self.resolved.index(self.part, Kind::Tag, tag))
    }

    fn data_index(&mut self, data: u32) -> Done<u32> {
        Ok(self.data + data)
    }

    fn element_index(&mut self, element: u32) -> Done<u32> {
        Ok(self.elements + element)
    }

    /// A provider's global is no imported one any more, and so no constant expression may read it: what it holds stands in its place.
    fn const_expr(&mut self, expression: wasmparser::ConstExpr<'_>) -> Done<ConstExpr> {
        if self.reads_others(&expression)
            && let Some(constant) = self.constant(&expression)
        {
            return Ok(constant.expression());
        }
        utils::const_expr(self, expression)
    }

    fn instruction<'a>(&mut self, operator: Operator<'a>) -> Done<Instruction<'a>> {
        if let Operator::RefFunc { function_index } = operator {
            let index = self.function_index(function_index)?;
            self.referenced.insert(index);
        }
        utils::instruction(self, operator)
    }
}
