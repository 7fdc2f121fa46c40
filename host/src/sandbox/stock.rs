//! Sandboxes that are kept for later.

use super::{Carried, Sandbox};
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// For each shard, the sandboxes that may serve another call, the one used last at the end.
///
/// How many are kept is bounded over all modules, so that those of one never take the places of another's for good.
pub(crate) struct Stock<D: Carried> {
    shards: Box<[Mutex<VecDeque<Sandbox<D>>>]>,
    most: usize,
}

impl<D: Carried> Stock<D> {
    /// A stock for `shards` shards that keeps at most `most` sandboxes in each.
    pub(crate) fn new(shards: usize, most: usize) -> Stock<D> {
        Stock { shards: (0..shards).map(|_| Mutex::default()).collect(), most }
    }

    /// Takes the sandbox of module `module` that was used last in a shard.
    pub(super) fn take(&self, module: u64, shard: usize) -> Option<Sandbox<D>> {
        let mut kept = self.lock(shard);
        if kept.back()?.module() == module {
            return kept.pop_back();
        }
        let at = kept.iter().rposition(|sandbox| sandbox.module() == module)?;
        kept.remove(at)
    }

    /// Keeps a sandbox, in place of the one used least recently if there are enough.
    pub(super) fn put(&self, sandbox: Sandbox<D>) {
        let mut kept = self.lock(sandbox.shard());
        kept.push_back(sandbox);
        let surplus = if kept.len() > self.most { kept.pop_front() } else { None };
        drop(kept);
        // Outside the lock: it frees an instance.
        drop(surplus);
    }

    /// Drops every sandbox of a module.
    pub(super) fn purge(&self, module: u64) {
        for shard in 0..self.shards.len() {
            let mut kept = self.lock(shard);
            let (gone, rest) = std::mem::take(&mut *kept).into_iter().partition(|sandbox| sandbox.module() == module);
            *kept = rest;
            drop(kept);
            let _: VecDeque<_> = gone;
        }
    }

    /// Drops every sandbox, so that others find place in the pools.
    pub(super) fn clear(&self) {
        for shard in 0..self.shards.len() {
            let gone = std::mem::take(&mut *self.lock(shard));
            drop(gone);
        }
    }

    fn lock(&self, shard: usize) -> std::sync::MutexGuard<'_, VecDeque<Sandbox<D>>> {
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
