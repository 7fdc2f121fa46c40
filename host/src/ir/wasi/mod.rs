//! WASI as a guest imports it: which functions there are, with the types that they have, and which of them have an answer in
//! a world that stands still.
//!
//! An import is taken only with the very type that WASI gives it, so that whoever answers it knows what is on the stack.

mod preview1;
mod preview2;

pub(crate) use preview1::Preview1;
pub(crate) use preview2::{Preview2, Resource};

use serde::{Deserialize, Serialize};

/// A function of WASI that a guest imports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Function {
    /// One of WASI 0.1.
    Preview1(Preview1),
    /// One of WASI 0.2, with the type of its result, in which handles are numbers.
    Preview2(Preview2, #[serde(with = "crate::value::wire")] Option<crate::value::Type>),
    /// The end of a handle of WASI 0.2.
    Drop(Resource),
    /// One without an answer; with its name, fit to be shown.
    Unanswered(String),
}

/// The module that functions of WASI 0.1 are imported from.
pub(crate) const PREVIEW1: &str = "wasi_snapshot_preview1";

/// The name without its version, if it is one of an interface of WASI 0.2: `wasi:io/streams` for `wasi:io/streams@0.2.9`.
pub(crate) fn interface(name: &str) -> Option<&str> {
    let (interface, version) = name.split_once('@')?;
    let patch = version.strip_prefix("0.2.")?;
    let number = !patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit());
    (number && interface.starts_with("wasi:")).then_some(interface)
}

/// Whether an exported function is a program of WASI 0.2.
pub(crate) fn is_run(name: &str) -> bool {
    name.strip_suffix("#run").and_then(interface) == Some("wasi:cli/run")
}
