//! A core module to the component that it is meant to become.

use super::wrap::{Wrapped, component_types};
use crate::audit::too_deep;
use crate::error::{Error, ErrorKind, Result};
use crate::escape::{escaped, escaped_within};

pub(super) fn encoded(bytes: &[u8]) -> Result<Wrapped> {
    let unreadable = |why: &str| {
        let why =
            format!("it is used as a core module, as the component type in its custom section cannot be read: {why}");
        Ok(Wrapped::Unreadable(why))
    };
    if component_types(bytes).any(too_deep) {
        return unreadable("types lie too many levels within each other");
    }
    if let Err(error) = wit_component::metadata::decode(bytes) {
        return unreadable(&escaped_within(&format!("{error:#}"), 300));
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
                escaped(&format!("{error:#}"))
            ),
        )
    })
}
