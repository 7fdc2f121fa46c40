//! What comes of an audit: a guest that can be pure, or why it is not taken.

use super::malformed::Malformed;
use crate::error::{Error, ErrorKind, Reason};
use crate::ir::{Facts, Recipe};

/// Why a module is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is not a valid core module.
    Malformed(Malformed),
    /// It is valid, and cannot be shown to be pure.
    Impure(Vec<Reason>),
}

/// A guest that can be pure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Audited {
    pub(crate) facts: Facts,
    /// How an instance of it is made.
    pub(crate) recipe: Recipe,
    /// The core modules that the recipe is made from.
    pub(crate) modules: Vec<Vec<u8>>,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        match refusal {
            Refusal::Malformed(malformed) => Error::new(ErrorKind::Malformed, malformed.to_string()),
            Refusal::Impure(reasons) => {
                let n = reasons.len();
                let s = if n == 1 { "" } else { "s" };
                Error::new(ErrorKind::Impure, format!("the guest cannot be shown to be pure, for {n} reason{s}"))
                    .with_reasons(reasons)
            }
        }
    }
}
