//! The bytes that are audited and compiled: those that were given, without what would only be in the way.
//!
//! What is changed cannot be seen by the guest, and changes no place of an instruction, so that errors name those of
//! the bytes that were given. The proof is about what is compiled: whoever prepares a module audits what comes of it.

mod custom;
mod references;
mod segments;

use std::borrow::Cow;

/// A valid module, prepared.
pub(in crate::audit) fn prepared(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut bytes = Cow::Borrowed(bytes);
    for place in custom::gone(&bytes) {
        if let Some(first) = bytes.to_mut().get_mut(place) {
            *first = b'-';
        }
    }
    segments::joined(&bytes).map_or(bytes, Cow::Owned)
}

pub(super) use references::without_host_references;
