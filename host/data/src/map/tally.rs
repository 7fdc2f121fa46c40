//! What has become of the rows of a run.

use super::histogram::Histogram;
use std::collections::BTreeMap;

/// What has become of the rows of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many rows there were.
    pub rows: u64,
    /// How many of them failed.
    pub failed: u64,
    /// How many failed in each way, by [`RowError::kind`](crate::RowError::kind).
    pub kinds: BTreeMap<String, u64>,
    /// The fuel that calls used which succeeded, where it is known.
    pub fuel: Histogram,
    /// The bytes of memory that calls had at their end, where it is known.
    pub memory: Histogram,
}

impl Tally {
    pub(super) fn fail(&mut self, kind: &str) {
        self.failed += 1;
        match self.kinds.get_mut(kind) {
            Some(count) => *count += 1,
            None => drop(self.kinds.insert(kind.to_owned(), 1)),
        }
    }

    pub(super) fn merge(&mut self, other: &Tally) {
        self.rows += other.rows;
        self.failed += other.failed;
        for (kind, count) in &other.kinds {
            *self.kinds.entry(kind.clone()).or_default() += count;
        }
        self.fuel.merge(&other.fuel);
        self.memory.merge(&other.memory);
    }
}
