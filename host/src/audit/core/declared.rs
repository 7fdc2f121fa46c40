//! What a core module declares, as the guest's data has it.

use crate::ir::NoReturn;
use crate::ir::shown as types;
use crate::ir::wasi;
use crate::ir::{CoreType, MemoryFacts, TableFacts};
use crate::value::Type;
use wasmparser::{FuncType, ValType};

/// The type as ours, unless it is a reference.
pub(super) fn number(ty: ValType) -> Option<Type> {
    Some(match ty {
        ValType::I32 => Type::I32,
        ValType::I64 => Type::I64,
        ValType::F32 => Type::F32,
        ValType::F64 => Type::F64,
        ValType::V128 => Type::V128,
        ValType::Ref(_) => return None,
    })
}

pub(super) fn table(ty: &wasmparser::TableType) -> TableFacts {
    TableFacts {
        element: types::reference(ty.element_type),
        initial: ty.initial,
        maximum: ty.maximum,
        table64: ty.table64,
    }
}

pub(super) fn memory(ty: &wasmparser::MemoryType) -> MemoryFacts {
    let page_size_log2 = ty.page_size_log2();
    let bytes = u128::from(ty.initial) << page_size_log2.min(64);
    MemoryFacts {
        initial: ty.initial,
        maximum: ty.maximum,
        page_size_log2,
        memory64: ty.memory64,
        initial_bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
    }
}

/// The type of a function, as the parser has it.
pub(super) fn function_type(params: &[CoreType], results: &[CoreType]) -> FuncType {
    let value = |ty: &CoreType| match ty {
        CoreType::I32 => ValType::I32,
        CoreType::I64 => ValType::I64,
        CoreType::F32 => ValType::F32,
        CoreType::F64 => ValType::F64,
        CoreType::V128 => ValType::V128,
    };
    FuncType::new(params.iter().map(value), results.iter().map(value))
}

/// Whether a function of WASI 0.1 is imported with its type, but for 64-bit integers, which are passed in two halves.
pub(super) fn is_split(module: &str, name: &str, ty: &FuncType) -> bool {
    wasi::preview1(module, name).is_some_and(|(function, _)| {
        let params = function.split_params();
        params.len() > function.params().len() && function_type(&params, function.results()) == *ty
    })
}

/// The function that does not return of this name, if it is imported with its type.
pub(super) fn no_return(module: &str, name: &str, ty: &FuncType) -> Option<NoReturn> {
    NoReturn::named(module, name).find(|function| function_type(function.params(), &[]) == *ty)
}
