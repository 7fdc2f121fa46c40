//! Custom sections that the compiler would stumble over.
//!
//! A custom section means nothing to WebAssembly, and none is a reason to refuse a module. wasmtime compiles none that has one of
//! these, whatever is in it. So it is given another name, of the same length: nothing moves.

use wasmparser::{Parser, Payload};

/// Sections of a proposal that is no more.
const GONE: [&str; 2] = ["webidl-bindings", "wasm-interface-types"];

/// Where names of such sections begin, in a valid module.
pub(super) fn gone(bytes: &[u8]) -> Vec<usize> {
    let payloads = Parser::new(0).parse_all(bytes).map_while(Result::ok);
    let sections = payloads.filter_map(|payload| match payload {
        Payload::CustomSection(section) if GONE.contains(&section.name()) => Some(section),
        _ => None,
    });
    sections.filter_map(|section| section.data_offset().checked_sub(section.name().len())).collect()
}
