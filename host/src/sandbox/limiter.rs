//! What a call may grow to.

use super::{Carried, Room, Stop};
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
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
        }
    }

    /// What memories and tables take, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.memory.saturating_add(self.elements.saturating_mul(ELEMENT))
    }
}

impl<D: Carried> ResourceLimiter for Room<D> {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let Room { limiter, call, .. } = self;
        if limiter.maximum.or(maximum).is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        // `current` is part of `memory`, or 0 for a memory that is being made.
        let total = (limiter.memory - current.min(limiter.memory)).saturating_add(desired);
        if total > limiter.memory_limit {
            call.refused = true;
            return Ok(false);
        }
        limiter.memory = total;
        Ok(true)
    }

    /// What may be grown to was told before: it is within the limits and the declared maximum.
    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        let message = format!("the host could not give a memory that is within the limits: {error:#}");
        Err(Stop(Error::new(ErrorKind::Exhausted, message)).into())
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let limiter = &mut self.limiter;
        let allowed = desired <= limiter.table_limit.min(maximum.unwrap_or(usize::MAX));
        if allowed {
            limiter.elements = limiter.elements.saturating_add(desired.saturating_sub(current));
        }
        Ok(allowed)
    }

    /// wasmtime tells this of sizes that no table can have, and of no others: it does not ask before. Where the host is short,
    /// the call ends with wasmtime's own error.
    fn table_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        Ok(())
    }
}
