//! Whether a call may go on.
//!
//! A call must not go on if it, or one it was forked by, was given up; or if the executor is shut down. Who decides that says so
//! first, and interrupts all calls then. A call that runs sees the epoch interrupt, and looks at all that is above it. A call that
//! starts looks only if there was an interrupt since one above it looked. Deadlines are the sandbox's.

use super::call::{Call, Used};
use super::futures::CallFutures;
use crate::error::Error;
use crate::future::cancelled;
use crate::sandbox::{CallState, Futures};
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl CallState for Call {
    fn stopped(&self) -> Option<Error> {
        let runtime = &self.program().runtime;
        let epoch = runtime.sandboxes.engines.epoch();
        if self.stop.wanted.load(Ordering::Relaxed) != epoch {
            if runtime.shutdown.is_shut_down() {
                return Some(runtime.shutdown.error());
            }
            if !self.is_wanted(epoch) {
                return Some(cancelled());
            }
        }
        None
    }

    fn futures(self: Arc<Self>) -> Option<Box<dyn Futures>> {
        Some(Box::new(CallFutures::new(self)))
    }
}

impl Call {
    /// Nobody can see this call any more: it is not started, or stopped.
    pub(super) fn abandon(&self) {
        if self.withdraw() {
            self.tell_cancelled();
            self.finish(Err(cancelled()), Used::default(), None);
        } else if !self.cell.is_done() {
            self.tell_cancelled();
            self.stop.cancel();
            self.program().runtime.interrupt();
        }
    }

    /// Whether nothing above was given up. `epoch`: how many interrupts there had been before.
    ///
    /// The look ends at one that was seen to be wanted since the last interrupt; so after one, each call of a deep chain
    /// is looked at once, and not once for each call below it.
    fn is_wanted(&self, epoch: u64) -> bool {
        let unseen = |call: &&Call| call.stop.wanted.load(Ordering::Relaxed) != epoch;
        let mut next = Some(self).filter(unseen);
        while let Some(call) = next {
            if call.stop.cancelled.load(Ordering::SeqCst) {
                return false;
            }
            next = call.parent().filter(unseen);
        }
        let mut next = Some(self).filter(unseen);
        while let Some(call) = next {
            call.stop.wanted.store(epoch, Ordering::Relaxed);
            next = call.parent().filter(unseen);
        }
        true
    }
}
