//! What a call may grow to.

use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::sandbox::Stop;
use wasmtime::ResourceLimiter;

/// An element of a table takes so many bytes.
const ELEMENT: usize = size_of::<usize>();

/// Refuses growth at min(limit, declared maximum), whatever the host could give. If the host cannot give what is below
/// that, the tree of calls ends: a guest never sees how much memory the host has.
pub(super) struct Limiter {
    memory_limit: usize,
    /// What a memory with a margin may grow to by its declaration, with the margin; wasmtime is told a smaller one where that is
    /// more than there can be.
    maximum: Option<usize>,
    table_limit: usize,
    /// Bytes of all linear memories.
    memory: usize,
    /// Elements of all tables.
    elements: usize,
    /// Memory was refused because of the limit, not because of the guest's own declared maximum.
    refused: bool,
    /// A growth was allowed, and wasmtime is about to carry it out.
    allowed: bool,
}

impl Limiter {
    /// `margin`: bytes that lie in front of the guest's memory, and are not the guest's. `maximum`: what that memory may
    /// grow to by its declaration.
    pub(super) fn new(limits: &Limits, margin: usize, maximum: Option<usize>) -> Limiter {
        Limiter {
            memory_limit: limits.memory.saturating_add(margin),
            maximum: maximum.map(|maximum| maximum.saturating_add(margin)),
            table_limit: limits.table_elements,
            memory: 0,
            elements: 0,
            refused: false,
            allowed: false,
        }
    }

    /// Whether the guest was refused memory since it was last asked.
    pub(super) fn take_refused(&mut self) -> bool {
        std::mem::take(&mut self.refused)
    }

    /// What memories and tables take, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.memory.saturating_add(self.elements.saturating_mul(ELEMENT))
    }

    fn failed(&mut self, what: &str, error: wasmtime::Error) -> wasmtime::Result<()> {
        if !std::mem::take(&mut self.allowed) {
            // Too large for any host, or beyond the declared maximum: the guest is given -1 everywhere.
            return Ok(());
        }
        let message = format!("the host could not give a {what} that is within the limits: {error:#}");
        Err(Stop(Error::new(ErrorKind::Exhausted, message)).into())
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.allowed = false;
        if self.maximum.or(maximum).is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        // `current` is part of `memory`, or 0 for a memory that is being made.
        let total = (self.memory - current.min(self.memory)).saturating_add(desired);
        if total > self.memory_limit {
            self.refused = true;
            return Ok(false);
        }
        self.memory = total;
        self.allowed = true;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.failed("memory", error)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.allowed = desired <= self.table_limit.min(maximum.unwrap_or(usize::MAX));
        if self.allowed {
            self.elements = self.elements.saturating_add(desired.saturating_sub(current));
        }
        Ok(self.allowed)
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.failed("table", error)
    }
}
