//! Whatever a result comes from.

use super::Cell;
use crate::error::Error;
use crate::event::TaskId;
use crate::limits::Usage;
use crate::wasi::Output;
use std::sync::Arc;

/// Whatever a result comes from.
pub(crate) trait Completion<T>: Send + Sync {
    /// Where the result will be.
    fn cell(&self) -> &Cell<T>;

    /// The same, for one who has it alone.
    fn cell_mut(&mut self) -> &mut Cell<T>;

    /// Cancels it, and returns whether that came in time.
    fn cancel(&self) -> bool;

    /// What computing the result has used, if that is known.
    fn usage(&self) -> Option<Usage> {
        None
    }

    /// What the call wrote by way of WASI, if it is complete and wrote something.
    fn output(&self) -> Option<Output> {
        None
    }

    /// Computes the result on this thread, if nobody has begun to; returns whether it did.
    fn help(self: Arc<Self>) -> bool {
        false
    }

    /// The call behind it, if there is one that somebody observes.
    fn task(&self) -> Option<TaskId> {
        None
    }

    /// Told that the host begins to wait for it.
    fn waited_for(&self) {}

    /// Why the result, which is not there, will not come in this process, if that is so: it was forked, by fork(2), since.
    fn stranded(&self) -> Option<Error> {
        None
    }
}
