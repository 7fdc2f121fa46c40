//! Which operators write to memory, and how many bytes.

use wasm_encoder::ValType;
use wasmparser::{MemArg, Operator};

/// A store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Store {
    pub(super) offset: u64,
    /// In bytes.
    pub(super) size: u64,
    /// What is stored, as it lies on the stack.
    pub(super) value: ValType,
}

/// The store that an operator is, if it is one.
pub(super) fn store(op: &Operator<'_>) -> Option<Store> {
    use Operator as O;
    let store = |memarg: &MemArg, size, value| Some(Store { offset: memarg.offset, size, value });
    match op {
        O::I32Store { memarg } => store(memarg, 4, ValType::I32),
        O::I32Store8 { memarg } => store(memarg, 1, ValType::I32),
        O::I32Store16 { memarg } => store(memarg, 2, ValType::I32),
        O::I64Store { memarg } => store(memarg, 8, ValType::I64),
        O::I64Store8 { memarg } => store(memarg, 1, ValType::I64),
        O::I64Store16 { memarg } => store(memarg, 2, ValType::I64),
        O::I64Store32 { memarg } => store(memarg, 4, ValType::I64),
        O::F32Store { memarg } => store(memarg, 4, ValType::F32),
        O::F64Store { memarg } => store(memarg, 8, ValType::F64),
        O::V128Store { memarg } => store(memarg, 16, ValType::V128),
        O::V128Store8Lane { memarg, .. } => store(memarg, 1, ValType::V128),
        O::V128Store16Lane { memarg, .. } => store(memarg, 2, ValType::V128),
        O::V128Store32Lane { memarg, .. } => store(memarg, 4, ValType::V128),
        O::V128Store64Lane { memarg, .. } => store(memarg, 8, ValType::V128),
        _ => None,
    }
}

/// Whether an operator reads memory and does nothing else with it.
pub(super) fn is_load(op: &Operator<'_>) -> bool {
    use Operator as O;
    matches!(
        op,
        O::I32Load { .. }
            | O::I32Load8S { .. }
            | O::I32Load8U { .. }
            | O::I32Load16S { .. }
            | O::I32Load16U { .. }
            | O::I64Load { .. }
            | O::I64Load8S { .. }
            | O::I64Load8U { .. }
            | O::I64Load16S { .. }
            | O::I64Load16U { .. }
            | O::I64Load32S { .. }
            | O::I64Load32U { .. }
            | O::F32Load { .. }
            | O::F64Load { .. }
            | O::V128Load { .. }
            | O::V128Load8x8S { .. }
            | O::V128Load8x8U { .. }
            | O::V128Load16x4S { .. }
            | O::V128Load16x4U { .. }
            | O::V128Load32x2S { .. }
            | O::V128Load32x2U { .. }
            | O::V128Load8Splat { .. }
            | O::V128Load16Splat { .. }
            | O::V128Load32Splat { .. }
            | O::V128Load64Splat { .. }
            | O::V128Load32Zero { .. }
            | O::V128Load64Zero { .. }
            | O::V128Load8Lane { .. }
            | O::V128Load16Lane { .. }
            | O::V128Load32Lane { .. }
            | O::V128Load64Lane { .. }
    )
}
