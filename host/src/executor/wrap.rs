//! A core module to the component that it is meant to become.

use super::encode::encoded;
use crate::audit::{Refusal, audit};
use crate::error::Result;
use crate::imports::Imports;

/// What a core module becomes before it is audited.
pub(super) enum Wrapped {
    /// It is meant to become this component.
    Component(Vec<u8>),
    /// It is what it is.
    None,
    /// The same, as what it is meant to become cannot be read. No custom section stops a core module.
    Unreadable(String),
}

/// The component that a core module is meant to become, if it is.
pub(super) fn wrapped(bytes: &[u8], may: Imports) -> Result<Wrapped> {
    if !component_type(bytes) {
        return Ok(Wrapped::None);
    }
    // What it imports is judged in the component.
    if let Err(refusal @ Refusal::Malformed(_)) = audit(bytes, may) {
        return Err(refusal.into());
    }
    encoded(bytes)
}

/// Whether a custom section of a core module holds component types.
fn component_type(bytes: &[u8]) -> bool {
    component_types(bytes).next().is_some()
}

/// The custom sections of a core module that hold component types.
pub(super) fn component_types(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let payloads = wasmparser::Parser::is_core_wasm(bytes)
        .then(|| wasmparser::Parser::new(0).parse_all(bytes).map_while(Result::ok));
    payloads.into_iter().flatten().filter_map(|payload| match payload {
        wasmparser::Payload::CustomSection(section) if section.name().starts_with("component-type") => {
            Some(section.data())
        }
        _ => None,
    })
}
