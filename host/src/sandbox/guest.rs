//! A guest that was audited and compiled, and what it may start with.

use crate::engine::{Compiled, Kind, MAX_MEMORIES, MAX_TABLES};
use crate::error::{Error, ErrorKind, Result};
use crate::instrument::ResetPlan;
use crate::ir::{Facts, Recipe};
use crate::limits::Limits;

/// A guest that was audited and compiled.
pub(crate) struct Guest {
    pub(crate) facts: Facts,
    pub(crate) recipe: Recipe,
    /// How the state of its sandboxes is reset, or why it cannot be.
    pub(crate) reset: std::result::Result<ResetPlan, String>,
    pub(crate) compiled: Compiled,
    /// The heap that its calls start with, in bytes.
    pub(crate) heap: usize,
}

impl Guest {
    /// The kind of engine that a guest needs.
    pub(crate) fn kind(facts: &Facts) -> Kind {
        if facts.forks.is_empty() { Kind::Leaf } else { Kind::Forking }
    }

    /// Compares what a guest starts with with the limits.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OutOfMemory`] if it starts with more memory than a call may have, [`ErrorKind::Unsupported`] if with
    /// more of something else.
    pub(crate) fn check(limits: &Limits, facts: &Facts) -> Result<()> {
        let bytes = facts.memories.iter().fold(0u64, |sum, m| sum.saturating_add(m.initial_bytes));
        let heap = (limits.heap as u64).saturating_mul(facts.reallocs().len() as u64);
        if bytes <= limits.memory as u64 && bytes.saturating_add(heap) > limits.memory as u64 {
            return Err(Error::new(
                ErrorKind::OutOfMemory,
                format!(
                    "the module starts with {bytes} bytes of memory and a heap of {heap}, together more than its limit of {}",
                    limits.memory
                ),
            )
            .with_help("raise `Limits::memory` (`--memory`), or lower `Limits::heap` (`--heap`)")
            .ending_tree());
        }
        if bytes > limits.memory as u64 {
            return Err(Error::new(
                ErrorKind::OutOfMemory,
                format!("the module starts with {bytes} bytes of memory, more than its limit of {}", limits.memory),
            )
            .with_help("raise `Limits::memory` (`--memory`)")
            .ending_tree());
        }
        for (what, n, most) in
            [("memories", facts.memories.len(), MAX_MEMORIES), ("tables", facts.tables.len(), MAX_TABLES)]
        {
            if n > most {
                let message = format!("the guest has {n} {what}, and {most} are allowed");
                return Err(Error::new(ErrorKind::Unsupported, message).with_help("build it of fewer modules"));
            }
        }
        if let Some(table) = facts.tables.iter().find(|table| table.initial > limits.table_elements as u64) {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "a table starts with {} elements, more than its limit of {}",
                    table.initial, limits.table_elements
                ),
            )
            .with_help("raise `Limits::table_elements`"));
        }
        Ok(())
    }
}
