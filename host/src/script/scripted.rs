//! A function that is made of a script, and what is wrong with one.

use crate::error::{Error, ErrorKind};
use crate::value::Type;

/// A function that is made of a script.
pub(crate) struct Scripted {
    pub(crate) name: String,
    pub(crate) params: Vec<(String, Type)>,
    /// What it gives, where that is said; else what the script's last statement gives.
    pub(crate) result: Option<Option<Type>>,
    /// The script; none to call the module's function of the same name with the parameters in order.
    pub(crate) script: Option<String>,
}

/// What is wrong with a script, or does not fit the module.
pub(super) fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, message)
}
