//! Whether a call may go on.
//!
//! A call must not go on if it, or one it was forked by, was given up; if its tree's time is over; or if the executor is
//! shut down. Who decides that says so first, and rings the bell then. A call that runs hears the bell, and looks at all
//! that is above it. A call that starts looks only if the bell was rung since one above it looked.

use super::call::Call;
use crate::error::Error;
use crate::future::cancelled;
use crate::limits::Usage;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// What a call knows of being stopped.
pub(super) struct Stop {
    cancelled: AtomicBool,
    /// How often the bell had been rung when the call was last seen to be wanted, with all above it.
    wanted: AtomicU64,
    /// When the tree has to end. The root sets it when it starts; the others are given it.
    deadline: OnceLock<Instant>,
}

impl Stop {
    pub(super) fn new() -> Stop {
        // Not yet looked at: no bell is ever rung that often.
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

    /// Says that the call is not wanted any more. The bell has to be rung after this.
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

impl Call {
    /// Nobody can see this call any more: it is not started, or stopped.
    pub(super) fn abandon(&self) {
        if self.withdraw() {
            self.finish(Err(cancelled()), Usage::default(), None);
        } else if !self.cell.is_done() {
            self.stop.cancel();
            self.program().runtime.ring();
        }
    }

    /// Why the call must not go on, if it must not.
    pub(super) fn stopped(&self) -> Option<Error> {
        let runtime = &self.program().runtime;
        let rung = runtime.engines.rung();
        if self.stop.wanted.load(Ordering::Relaxed) != rung {
            if runtime.is_shut_down() {
                return Some(runtime.closed_error());
            }
            if !self.is_wanted(rung) {
                return Some(cancelled());
            }
        }
        runtime.late(self.stop.deadline(), || self.name())
    }

    /// Whether nothing above was given up. `rung`: how often the bell had been rung before.
    ///
    /// The look ends at one that was seen to be wanted since the last ring; so after a ring, each call of a deep chain
    /// is looked at once, and not once for each call below it.
    fn is_wanted(&self, rung: u64) -> bool {
        let unseen = |call: &&Call| call.stop.wanted.load(Ordering::Relaxed) != rung;
        let mut next = Some(self).filter(unseen);
        while let Some(call) = next {
            if call.stop.cancelled.load(Ordering::SeqCst) {
                return false;
            }
            next = call.parent().filter(unseen);
        }
        let mut next = Some(self).filter(unseen);
        while let Some(call) = next {
            call.stop.wanted.store(rung, Ordering::Relaxed);
            next = call.parent().filter(unseen);
        }
        true
    }
}
