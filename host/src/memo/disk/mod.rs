//! Results on the disk, for later processes and others at the same time.
//!
//! ```text
//! DIR/memo-v1/3f/3f…9c      a result, by its name: a digest of all that it is found by
//!             tmp-…         one that is being written
//!             blocks        as long as the entries have blocks, or longer: see `room`
//!             making-room   locked by who makes room
//! ```
//!
//! These invariants hold while other processes write, read, evict or are killed:
//!
//! - An entry is complete or absent. It is written under another name, and renamed into place; of several writers, the last wins, and
//!   all have written the same.
//! - Nobody waits for a lock, and none can be left behind: the only one is the system's.
//! - What is read is compared with its name and its digest in full. Whatever is not as it was written counts as absent, is removed, and
//!   is reported.
//!
//! Nothing is synced: a power failure may take what was written last, or leave a part of it, which is noticed. What was written when a
//! process is killed stays.
//!
//! A digest can be computed by anybody. So only directories are used that nobody but the user and root can write to, as for the cache
//! of machine code, and files that are theirs.
//!
//! The disk is optional. Whatever goes wrong with it is logged, and calls run.

mod queue;
mod room;
mod store;
#[cfg(all(test, unix))]
mod tests;

use super::key::Key;
use crate::backend::Outcome;
use queue::Queue;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use store::Store;

/// Calls that have used less fuel are not worth a file: it takes some 50 µs to write one, as does this much fuel to be used.
const WORTH: u64 = 100_000;

/// So many calls of the host's are written whatever they have used: what it asks for it may ask for again. A host that makes many
/// short calls does not wait for so many files.
const SMALL: u32 = 1024;

/// Results on the disk.
pub(super) struct Disk {
    store: Arc<Store>,
    queue: Queue,
    /// How many calls of the host's are still written that have used little.
    small: AtomicU32,
}

impl Disk {
    /// Opens a directory, which is made if needed.
    ///
    /// # Errors
    ///
    /// One sentence on why it cannot be used.
    pub(super) fn open(dir: &Path, limit: u64) -> Result<Disk, String> {
        let store = Arc::new(Store::open(dir, limit)?);
        Ok(Disk { queue: Queue::new(store.clone()), store, small: AtomicU32::new(SMALL) })
    }

    /// Changes how many bytes there may be.
    pub(super) fn bound(&self, limit: u64) {
        self.store.bound(limit);
    }

    pub(super) fn read(&self, key: &Key) -> Option<Outcome> {
        self.store.read(&key.name())
    }

    /// Has a result written, soon and by another thread, if it is worth it.
    pub(super) fn keep(&self, key: &Arc<Key>, outcome: &Outcome, is_root: bool) {
        // What a failed call has used is not known.
        let took_long = outcome.result.is_ok() && outcome.usage.fuel >= WORTH;
        if took_long || is_root && self.takes_small() {
            self.queue.write(key, outcome);
        }
    }

    fn takes_small(&self) -> bool {
        let less = |small: u32| small.checked_sub(1);
        self.small.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    /// Waits until all that was to be written is.
    pub(super) fn flush(&self) {
        self.queue.flush();
    }
}
