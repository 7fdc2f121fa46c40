//! Types as text, bounded: a guest may declare a thousand parameters, and a message shows a few.

use std::fmt::Write as _;

use wasmparser::{FuncType, GlobalType, MemoryType, RefType, TableType, ValType};

/// The most types that are written out in a row.
const MAX_TYPES: usize = 16;

/// `(func (param i32 i32) (result i32))`
pub(crate) fn function(ty: &FuncType) -> String {
    let mut out = String::from("(func");
    list(&mut out, "param", ty.params());
    list(&mut out, "result", ty.results());
    out.push(')');
    out
}

/// `(tag (param i32))`
pub(crate) fn tag(ty: &FuncType) -> String {
    let mut out = String::from("(tag");
    list(&mut out, "param", ty.params());
    out.push(')');
    out
}

/// `(memory i64 1 2 shared)`
pub(crate) fn memory(ty: &MemoryType) -> String {
    let mut out = String::from("(memory");
    limits(&mut out, ty.memory64, ty.initial, ty.maximum);
    if ty.shared {
        out.push_str(" shared");
    }
    if let Some(log2) = ty.page_size_log2 {
        let _ = write!(out, " (pagesize {})", 1u64.checked_shl(log2).unwrap_or(0));
    }
    out.push(')');
    out
}

/// `(table 1 funcref)`
pub(crate) fn table(ty: &TableType) -> String {
    let mut out = String::from("(table");
    limits(&mut out, ty.table64, ty.initial, ty.maximum);
    let _ = write!(out, " {})", reference(ty.element_type));
    out
}

/// `(global (mut i32))`
pub(crate) fn global(ty: &GlobalType) -> String {
    let content = ty.content_type;
    if ty.mutable { format!("(global (mut {content}))") } else { format!("(global {content})") }
}

/// `funcref`
pub(crate) fn reference(ty: RefType) -> String {
    ty.to_string()
}

fn limits(out: &mut String, wide: bool, initial: u64, maximum: Option<u64>) {
    if wide {
        out.push_str(" i64");
    }
    let _ = write!(out, " {initial}");
    if let Some(maximum) = maximum {
        let _ = write!(out, " {maximum}");
    }
}

fn list(out: &mut String, what: &str, types: &[ValType]) {
    if types.is_empty() {
        return;
    }
    let _ = write!(out, " ({what}");
    for ty in types.iter().take(MAX_TYPES) {
        let _ = write!(out, " {ty}");
    }
    if types.len() > MAX_TYPES {
        let _ = write!(out, " … {} more", types.len() - MAX_TYPES);
    }
    out.push(')');
}
