//! Types of core WebAssembly.

use crate::value::Type;
use serde::{Deserialize, Serialize};

/// A type of core WebAssembly that crosses to the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum CoreType {
    I32,
    I64,
    F32,
    F64,
    V128,
}

/// The core type that a scalar has on the stack.
pub(crate) fn core_type(ty: &Type) -> CoreType {
    match ty {
        Type::I64 | Type::S64 | Type::U64 => CoreType::I64,
        Type::F32 => CoreType::F32,
        Type::F64 => CoreType::F64,
        Type::V128 => CoreType::V128,
        Type::I32 | Type::S32 | Type::U32 | Type::S16 | Type::U16 | Type::S8 | Type::U8 => CoreType::I32,
        Type::Bool | Type::Char => CoreType::I32,
        // No scalars: functions of core modules have none.
        Type::String | Type::List(_) | Type::Record(_) | Type::Tuple(_) | Type::Flags(_) => CoreType::I32,
        Type::Variant(_) | Type::Enum(_) | Type::Option(_) | Type::Result(_) => CoreType::I32,
    }
}
