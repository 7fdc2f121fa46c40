//! What a constant expression computes.

use std::collections::HashMap;
use wasm_encoder::{ConstExpr, Encode as _, Instruction};
use wasmparser::Operator;

/// What an immutable global holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Constant {
    I32(i32),
    I64(i64),
    /// The one instruction that pushes it.
    Other(Vec<u8>),
}

impl Constant {
    pub(super) fn expression(&self) -> ConstExpr {
        match self {
            Constant::I32(value) => ConstExpr::i32_const(*value),
            Constant::I64(value) => ConstExpr::i64_const(*value),
            Constant::Other(bytes) => ConstExpr::raw(bytes.iter().copied()),
        }
    }
}

/// What an expression computes; none if it reads what is not known, or makes an object. `known`: what globals hold, by the indices that
/// `global` gives them; `encoded`: an instruction with new indices.
pub(super) fn evaluated<'a, E>(
    expression: &wasmparser::ConstExpr<'a>,
    known: &HashMap<u32, Constant>,
    global: impl Fn(u32) -> u32,
    mut encoded: impl FnMut(Operator<'a>) -> Result<Instruction<'a>, E>,
) -> Option<Constant> {
    let mut stack = Vec::new();
    let mut operators = expression.get_operators_reader();
    while !operators.is_end_then_eof() {
        let operator = operators.read().ok()?;
        let value = match operator {
            Operator::I32Const { value } => Constant::I32(value),
            Operator::I64Const { value } => Constant::I64(value),
            Operator::GlobalGet { global_index } => known.get(&global(global_index))?.clone(),
            Operator::I32Add | Operator::I32Sub | Operator::I32Mul => {
                let (Constant::I32(right), Constant::I32(left)) = (stack.pop()?, stack.pop()?) else { return None };
                Constant::I32(match operator {
                    Operator::I32Add => left.wrapping_add(right),
                    Operator::I32Sub => left.wrapping_sub(right),
                    _ => left.wrapping_mul(right),
                })
            }
            Operator::I64Add | Operator::I64Sub | Operator::I64Mul => {
                let (Constant::I64(right), Constant::I64(left)) = (stack.pop()?, stack.pop()?) else { return None };
                Constant::I64(match operator {
                    Operator::I64Add => left.wrapping_add(right),
                    Operator::I64Sub => left.wrapping_sub(right),
                    _ => left.wrapping_mul(right),
                })
            }
            Operator::F32Const { .. }
            | Operator::F64Const { .. }
            | Operator::V128Const { .. }
            | Operator::RefNull { .. }
            | Operator::RefFunc { .. } => {
                let mut bytes = Vec::new();
                encoded(operator).ok()?.encode(&mut bytes);
                Constant::Other(bytes)
            }
            _ => return None,
        };
        stack.push(value);
    }
    match (stack.pop(), stack.pop()) {
        (Some(value), None) => Some(value),
        _ => None,
    }
}
