//! A guest in every shard that it is loaded into.

use super::loaded::Loaded;
use crate::engine::{Compiled, Unload, now};
use std::ops::Deref;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A guest's machine code, and what was made of it in each shard.
///
/// A sandbox has a reference to what it was made of, and none is taken away from it. What nothing refers to may be dropped, and is
/// loaded again by the next call that needs a new sandbox.
pub(crate) struct Shards {
    pub(crate) compiled: Compiled,
    loaded: Box<[Slot]>,
}

/// What is loaded into one shard, if anything is.
type Slot = Mutex<Option<Arc<Loaded>>>;

impl Shards {
    pub(crate) fn new(compiled: Compiled, shards: usize) -> Shards {
        Shards { compiled, loaded: (0..shards).map(|_| Mutex::default()).collect() }
    }

    /// What is loaded into a shard.
    pub(crate) fn get(&self, shard: usize) -> Option<Arc<Loaded>> {
        self.lock(shard).clone()
    }

    /// Loads it into a shard, unless another thread was faster; says if none was.
    pub(crate) fn put(&self, shard: usize, loaded: Loaded) -> (Arc<Loaded>, bool) {
        let mut slot = self.lock(shard);
        let first = slot.is_none();
        (slot.get_or_insert_with(|| Arc::new(loaded)).clone(), first)
    }

    fn lock(&self, shard: usize) -> MutexGuard<'_, Option<Arc<Loaded>>> {
        self.loaded[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Unload for Shards {
    fn idle(&self, shard: usize) -> Option<u64> {
        let slot = self.lock(shard);
        let loaded = slot.as_ref().filter(|loaded| Arc::strong_count(loaded) == 1)?;
        Some(loaded.used.load(Ordering::Relaxed))
    }

    fn unload(&self, shard: usize) -> bool {
        let mut slot = self.lock(shard);
        // Whoever takes one more does so under the lock.
        let loaded = slot.take_if(|loaded| Arc::strong_count(loaded) == 1);
        drop(slot);
        if loaded.is_some() {
            self.compiled.release();
        }
        loaded.is_some()
    }
}

/// What a sandbox was made of.
pub(crate) struct InUse(Arc<Loaded>);

impl InUse {
    pub(crate) fn new(loaded: Arc<Loaded>) -> InUse {
        InUse(loaded)
    }
}

impl Deref for InUse {
    type Target = Loaded;

    #[inline]
    fn deref(&self) -> &Loaded {
        &self.0
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.used.store(now(), Ordering::Relaxed);
    }
}
