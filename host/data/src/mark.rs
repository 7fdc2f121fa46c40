//! A place in an input that a later run can go on from.

use serde::{Deserialize, Serialize};

/// A place in an input, between two rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// How many rows are before it.
    pub rows: u64,
    /// How many lines, if the format has lines.
    pub lines: u64,
    /// How many bytes, of what is in a compressed file.
    pub bytes: u64,
    /// A digest of all that is before it.
    pub digest: String,
}
