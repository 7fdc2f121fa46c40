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
    Preview1(Preview1, Edition),
    /// One of WASI 0.2, with the type of its result, in which handles are numbers.
    Preview2(Preview2, #[serde(with = "crate::value::wire")] Option<crate::value::Type>),
    /// The end of a handle of WASI 0.2.
    Drop(Resource),
    /// One without an answer; with its name, fit to be shown.
    Unanswered(String),
}

/// An edition of WASI 0.1. The types of its functions are the same, and a few things lie elsewhere in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Edition {
    /// `wasi_unstable`, as compilers of 2019 have it.
    Unstable,
    /// `wasi_snapshot_preview1`.
    Preview1,
}

/// The function of WASI 0.1 that is imported by that name from a module, and of which edition.
pub(crate) fn preview1(module: &str, name: &str) -> Option<(Preview1, Edition)> {
    let edition = match module {
        "wasi_snapshot_preview1" => Edition::Preview1,
        "wasi_unstable" => Edition::Unstable,
        _ => return None,
    };
    let function = Preview1::find(name)?;
    // It came later.
    let absent = edition == Edition::Unstable && function == Preview1::SockAccept;
    (!absent).then_some((function, edition))
}

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
