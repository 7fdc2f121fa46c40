//! What the functions of a core module take and give, where they were given types beyond numbers: as text in a custom section.
//!
//! The section decides how values are passed, and nothing else: whether the module is pure is known without it, and what does
//! not fit the core functions is not taken.

use super::core::{CoreType, core_type};
use super::{MAX_EXPORTS, MAX_VALUES};
use crate::value::Type;

/// The section's name, with the version of what is in it.
pub(crate) const SECTION: &str = "purefork-lift:1";

/// The export that makes room for arguments.
pub(crate) const REALLOC: &str = "cabi_realloc";

/// The most core values that parameters are passed in, as in the canonical ABI.
pub(crate) const MAX_FLAT: usize = 16;

/// A function, and what it takes and gives: numbers, texts, and lists of numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LiftedFunction {
    pub(crate) name: String,
    pub(crate) params: Vec<(String, Type)>,
    pub(crate) result: Option<Type>,
}

impl LiftedFunction {
    /// What its core function takes.
    pub(crate) fn core_params(&self) -> Vec<CoreType> {
        self.params.iter().flat_map(|(_, ty)| flat(ty)).collect()
    }

    /// What its core function gives: of what is no number, where its address and length lie.
    pub(crate) fn core_results(&self) -> Vec<CoreType> {
        self.result.iter().map(core_type).collect()
    }

    /// Whether a value of it lies in memory.
    pub(crate) fn has_memory(&self) -> bool {
        self.params.iter().map(|(_, ty)| ty).chain(&self.result).any(Type::has_memory)
    }
}

/// The core values that a parameter is passed in.
pub(crate) fn flat(ty: &Type) -> Vec<CoreType> {
    if ty.has_memory() { vec![CoreType::I32, CoreType::I32] } else { vec![core_type(ty)] }
}

/// The types that values may have: numbers, texts, and lists of numbers.
const SCALARS: [(&str, Type); 16] = [
    ("i32", Type::I32),
    ("i64", Type::I64),
    ("f32", Type::F32),
    ("f64", Type::F64),
    ("bool", Type::Bool),
    ("s8", Type::S8),
    ("u8", Type::U8),
    ("s16", Type::S16),
    ("u16", Type::U16),
    ("s32", Type::S32),
    ("u32", Type::U32),
    ("s64", Type::S64),
    ("u64", Type::U64),
    ("char", Type::Char),
    ("v128", Type::V128),
    ("string", Type::String),
];

/// The type's name in the section; none if no value here may have it.
pub(crate) fn name_of(ty: &Type) -> Option<String> {
    let simple = |ty: &Type| SCALARS.iter().find(|(_, known)| known == ty).map(|(name, _)| *name);
    match ty {
        Type::List(element) => {
            let element = simple(element).filter(|name| !matches!(*name, "string" | "i32" | "i64" | "v128"))?;
            Some(format!("list<{element}>"))
        }
        ty => simple(ty).map(str::to_owned),
    }
}

fn type_of(name: &str) -> Option<Type> {
    let simple = |name: &str| SCALARS.iter().find(|(known, _)| *known == name).map(|(_, ty)| ty.clone());
    let ty = match name.strip_prefix("list<").and_then(|rest| rest.strip_suffix('>')) {
        Some(element) => Type::list(simple(element)?),
        None => simple(name)?,
    };
    name_of(&ty).map(|_| ty)
}

/// The section's content: a line for each function, of its name, its result or `-`, and the names and types of its parameters.
pub(crate) fn encoded(functions: &[LiftedFunction]) -> Vec<u8> {
    let name = |ty: &Type| name_of(ty).unwrap_or_else(|| "-".to_owned());
    let mut text = String::new();
    for LiftedFunction { name: function, params, result } in functions {
        let result = result.as_ref().map_or_else(|| "-".to_owned(), name);
        let params: String = params.iter().map(|(param, ty)| format!(" {param} {}", name(ty))).collect();
        text.push_str(&format!("{function} {result}{params}\n"));
    }
    text.into_bytes()
}

/// Reads the section. Lines that are wrong are left out.
pub(crate) fn decoded(content: &[u8]) -> Vec<LiftedFunction> {
    let text = str::from_utf8(content).unwrap_or_default();
    text.lines().take(MAX_EXPORTS).filter_map(function).collect()
}

fn function(line: &str) -> Option<LiftedFunction> {
    let mut words = line.split(' ');
    let name = words.next()?.to_owned();
    let result = match words.next()? {
        "-" => None,
        ty => Some(type_of(ty)?),
    };
    let mut params = Vec::new();
    while let Some(param) = words.next() {
        params.push((param.to_owned(), type_of(words.next()?)?));
        if params.len() > MAX_VALUES {
            return None;
        }
    }
    let flat: usize = params.iter().map(|(_, ty)| flat(ty).len()).sum();
    (flat <= MAX_FLAT).then_some(LiftedFunction { name, params, result })
}
