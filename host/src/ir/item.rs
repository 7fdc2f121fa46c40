//! An export of a core instance, by name.

use serde::{Deserialize, Serialize};

/// An export of a core instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Item {
    /// The step that made the instance.
    pub(crate) instance: u32,
    pub(crate) name: String,
}
