//! The canonical options of a function: how its values lie in a guest's memory.

use super::item::Item;
use serde::{Deserialize, Serialize};

/// How values lie in a guest's memory, and how room for them is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Canon {
    pub(crate) memory: Option<Item>,
    pub(crate) realloc: Option<Item>,
    pub(crate) strings: Encoding,
    /// The component instance that the function belongs to.
    pub(crate) component: u32,
}

/// How strings are encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Encoding {
    #[default]
    Utf8,
    Utf16,
    /// Latin-1, or UTF-16 where the top bit of the length says so.
    CompactUtf16,
}
