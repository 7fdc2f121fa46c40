//! What a call knows of being stopped.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// What a call knows of being stopped.
pub(super) struct Stop {
    pub(super) cancelled: AtomicBool,
    /// How many epoch interrupts there had been when the call was last seen to be wanted, with all above it.
    pub(super) wanted: AtomicU64,
    /// When the tree has to end. The root sets it when it starts; the others are given it.
    deadline: OnceLock<Instant>,
}

impl Stop {
    pub(super) fn new() -> Stop {
        // Not yet looked at: there are never that many interrupts.
        Stop { cancelled: AtomicBool::new(false), wanted: AtomicU64::new(u64::MAX), deadline: OnceLock::new() }
    }

    /// For a child.
    pub(super) fn inherit(&self) -> Stop {
        let stop = Stop::new();
        if let Some(deadline) = self.deadline() {
            stop.set_deadline(deadline);
        }
        stop
    }

    /// Says that the call is not wanted any more. An interrupt has to follow.
    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
    }

    pub(super) fn set_deadline(&self, deadline: Instant) {
        // Set once: only one thread gets to run a root.
        let _ = self.deadline.set(deadline);
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline.get().copied()
    }
}
