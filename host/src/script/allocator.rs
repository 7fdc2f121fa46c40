//! Where room for arguments comes from: the module's own allocator, by the names that toolchains give it.

use super::exports::{BEHIND, Exports};
use crate::ir::CoreType;

/// A way to get room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Allocator {
    /// A function of the size, as C's `malloc`.
    Size(String),
    /// One of the size and the alignment, as Rust's wasm-bindgen has it.
    SizeAndAlignment(String),
    /// One of an old block, its size, the alignment and the size, as components have it.
    Realloc(String),
    /// AssemblyScript's: of the size and the number of a type; then what keeps the collector from it.
    AssemblyScript { new: String, pin: Option<String> },
    /// Pages are added to the memory, by a function of the module's if that may grow by itself.
    Pages { behind: Option<String> },
}

/// AssemblyScript's number of `ArrayBuffer`.
pub(super) const ARRAY_BUFFER: i32 = 1;

impl Allocator {
    /// The module's own, if it exports one that is known.
    pub(super) fn of(exports: &Exports) -> Allocator {
        const I32: CoreType = CoreType::I32;
        let find = |names: &[&str], params: usize| {
            let params = vec![I32; params];
            names.iter().find(|name| exports.has(name, &params, &[I32])).map(|name| (*name).to_owned())
        };
        if let Some(malloc) = find(&["malloc"], 1) {
            return Allocator::Size(malloc);
        }
        if let Some(realloc) = find(&["cabi_realloc", "canonical_abi_realloc"], 4) {
            return Allocator::Realloc(realloc);
        }
        if let Some(new) = find(&["__new"], 2) {
            return Allocator::AssemblyScript { new, pin: find(&["__pin"], 1) };
        }
        if let Some(malloc) = find(&["__wbindgen_malloc"], 2) {
            return Allocator::SizeAndAlignment(malloc);
        }
        // Newer versions number their exports: the first takes size and alignment, the second makes a block larger.
        if find(&["__wbindgen_export_1", "__wbindgen_export2"], 4).is_some()
            && let Some(malloc) = find(&["__wbindgen_export_0", "__wbindgen_export"], 2)
        {
            return Allocator::SizeAndAlignment(malloc);
        }
        match find(&["_malloc", "alloc", "allocate", "__wbindgen_malloc"], 1) {
            Some(malloc) => Allocator::Size(malloc),
            None => Allocator::Pages { behind: exports.has(BEHIND, &[I32], &[I32]).then(|| BEHIND.to_owned()) },
        }
    }

    /// The function of the module's that gives room.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Allocator::Pages { .. } => None,
            _ => self.functions().first().copied(),
        }
    }

    /// The functions of the module that it calls.
    pub(super) fn functions(&self) -> Vec<&str> {
        match self {
            Allocator::Size(name) | Allocator::SizeAndAlignment(name) | Allocator::Realloc(name) => vec![name],
            Allocator::AssemblyScript { new, pin } => std::iter::once(new).chain(pin).map(String::as_str).collect(),
            Allocator::Pages { behind } => behind.iter().map(String::as_str).collect(),
        }
    }
}
