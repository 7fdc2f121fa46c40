//! What a call may grow to.

use crate::limits::Limits;

/// An element of a table takes so many bytes.
const ELEMENT: usize = size_of::<usize>();

/// Refuses growth at min(limit, declared maximum), whatever the host could give. If the host cannot give what is below
/// that, the tree of calls ends: a guest never sees how much memory the host has.
pub(crate) struct Limiter {
    memory_limit: usize,
    /// What of the memories is no guest's, in bytes.
    card_table: usize,
    /// What a memory with a card table may grow to by its declaration, with the table; wasmtime is told a smaller one where that is
    /// more than there can be.
    maximum: Option<usize>,
    table_limit: usize,
    /// Bytes of all linear memories.
    memory: usize,
    /// Elements of all tables.
    elements: usize,
}

impl Limiter {
    /// `card_table`: its size, in front of the guest's own memory, in bytes. `maximum`: what that memory may
    /// grow to by its declaration.
    pub(crate) fn new(limits: &Limits, card_table: usize, maximum: Option<usize>) -> Limiter {
        Limiter {
            memory_limit: limits.memory.saturating_add(card_table),
            card_table,
            maximum: maximum.map(|maximum| maximum.saturating_add(card_table)),
            table_limit: limits.table_elements,
            memory: 0,
            elements: 0,
        }
    }

    /// What memories and tables take, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.memory.saturating_add(self.elements.saturating_mul(ELEMENT))
    }

    /// What the guest's memories take, in bytes.
    #[inline]
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory.saturating_sub(self.card_table)
    }

    /// Whether memory may grow from `current` bytes to `desired`; says so in `refused` where it is the limit that forbids it.
    pub(crate) fn grow_memory(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
        refused: &mut bool,
    ) -> bool {
        if self.maximum.or(maximum).is_some_and(|maximum| desired > maximum) {
            return false;
        }
        // `current` is part of `memory`, or 0 for a memory that is being made.
        let total = (self.memory - current.min(self.memory)).saturating_add(desired);
        if total > self.memory_limit {
            *refused = true;
            return false;
        }
        self.memory = total;
        true
    }

    /// Whether a table may grow from `current` elements to `desired`.
    pub(crate) fn grow_table(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> bool {
        let allowed = desired <= self.table_limit.min(maximum.unwrap_or(usize::MAX));
        if allowed {
            self.elements = self.elements.saturating_add(desired.saturating_sub(current));
        }
        allowed
    }
}
