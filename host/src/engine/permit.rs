//! Permits for sandboxes, as a semaphore gives them.
//!
//! wasmtime's pools count core instances and stacks, and a sandbox takes one or many instances and one stack or none. So
//! sandboxes are counted here, before anything is made.

use crossbeam_utils::CachePadded;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The sandboxes of one shard that may be in use.
pub(super) struct Permits {
    used: Arc<CachePadded<AtomicUsize>>,
    most: usize,
}

/// The right to one sandbox, until it is dropped.
pub(crate) struct Permit(Arc<CachePadded<AtomicUsize>>);

impl Permits {
    pub(super) fn new(most: usize) -> Permits {
        Permits { used: Arc::default(), most }
    }

    /// The right to one more sandbox, if there is one.
    pub(super) fn take(&self) -> Option<Permit> {
        let before = self.used.fetch_add(1, Ordering::Relaxed);
        let permit = Permit(self.used.clone());
        (before < self.most).then_some(permit)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
