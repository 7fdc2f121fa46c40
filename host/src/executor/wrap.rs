//! A core module to the component that it is meant to become.

use crate::audit::{Refusal, audit, too_deep};
use crate::error::{Error, ErrorKind, Result};
use crate::escape::{shown, shown_within};
use crate::wasi::Wasi;

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
pub(super) fn wrapped(bytes: &[u8], wasi: Wasi) -> Result<Wrapped> {
    if !component_type(bytes) {
        return Ok(Wrapped::None);
    }
    // What it imports is judged in the component.
    if let Err(refusal @ Refusal::Malformed(_)) = audit(bytes, wasi) {
        return Err(refusal.into());
    }
    let unreadable = |why: &str| {
        let why =
            format!("it is used as a core module, as the component type in its custom section cannot be read: {why}");
        Ok(Wrapped::Unreadable(why))
    };
    if component_types(bytes).any(too_deep) {
        return unreadable("types lie too many levels within each other");
    }
    if let Err(error) = wit_component::metadata::decode(bytes) {
        return unreadable(&shown_within(&format!("{error:#}"), 300));
    }
    let wrapped = wit_component::ComponentEncoder::default()
        .validate(false)
        .module(bytes)
        .and_then(|mut encoder| encoder.encode());
    wrapped.map(Wrapped::Component).map_err(|error| {
        Error::new(
            ErrorKind::Malformed,
            format!(
                "the module says that it is meant to become a component, but it cannot: {}",
                shown(&format!("{error:#}"))
            ),
        )
    })
}

/// Whether a custom section of a core module holds component types.
fn component_type(bytes: &[u8]) -> bool {
    component_types(bytes).next().is_some()
}

/// The custom sections of a core module that hold component types.
fn component_types(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let payloads = wasmparser::Parser::is_core_wasm(bytes)
        .then(|| wasmparser::Parser::new(0).parse_all(bytes).map_while(Result::ok));
    payloads.into_iter().flatten().filter_map(|payload| match payload {
        wasmparser::Payload::CustomSection(section) if section.name().starts_with("component-type") => {
            Some(section.data())
        }
        _ => None,
    })
}
