//! Core values and their types, as wasmtime has them.

use crate::ir::CoreType;
use crate::value::Value;
use wasmtime::{Engine, FuncType, Val, ValType};

pub(super) fn func_type(engine: &Engine, params: &[CoreType], results: &[CoreType]) -> FuncType {
    FuncType::new(engine, params.iter().map(|&ty| val_type(ty)), results.iter().map(|&ty| val_type(ty)))
}

pub(super) fn val_type(ty: CoreType) -> ValType {
    match ty {
        CoreType::I32 => ValType::I32,
        CoreType::I64 => ValType::I64,
        CoreType::F32 => ValType::F32,
        CoreType::F64 => ValType::F64,
        CoreType::V128 => ValType::V128,
    }
}

pub(super) fn bits(val: &Val) -> u64 {
    match val {
        Val::I32(v) => v.cast_unsigned().into(),
        Val::I64(v) => v.cast_unsigned(),
        Val::F32(bits) => (*bits).into(),
        Val::F64(bits) => *bits,
        _ => 0,
    }
}

pub(super) fn from_bits(ty: &ValType, bits: u64) -> Val {
    match ty {
        ValType::I64 => Val::I64(bits.cast_signed()),
        ValType::F32 => Val::F32(bits as u32),
        ValType::F64 => Val::F64(bits),
        _ => Val::I32((bits as u32).cast_signed()),
    }
}

/// A core value for wasmtime; none for a value that is no single core value.
pub(super) fn to_val(value: &Value) -> Option<Val> {
    Some(match value {
        Value::I32(v) => Val::I32(*v),
        Value::U32(v) => Val::I32(v.cast_signed()),
        Value::I64(v) => Val::I64(*v),
        Value::U64(v) => Val::I64(v.cast_signed()),
        Value::F32(v) => Val::F32(v.to_bits()),
        Value::F64(v) => Val::F64(v.to_bits()),
        Value::V128(bytes) => Val::V128(u128::from_le_bytes(*bytes).into()),
        _ => return None,
    })
}

/// A core value from wasmtime; none for a reference, which never crosses.
pub(super) fn from_val(val: &Val) -> Option<Value> {
    Some(match val {
        Val::I32(v) => Value::I32(*v),
        Val::I64(v) => Value::I64(*v),
        Val::F32(bits) => Value::F32(f32::from_bits(*bits)),
        Val::F64(bits) => Value::F64(f64::from_bits(*bits)),
        Val::V128(v) => Value::V128(v.as_u128().to_le_bytes()),
        _ => return None,
    })
}
