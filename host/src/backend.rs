//! The seam between calls that are forked and whatever makes them.

use crate::future::{Completion, Ready};
use crate::sched::Work;
use crate::value::Value;
use std::sync::Arc;

/// What comes of a fork.
pub(crate) enum Forked {
    /// A call that may have ended, or not.
    Call(Arc<dyn Completion<Value>>),
    /// One that has, and has given a value.
    Ready(Ready),
}

/// A call to be made: started once, by whoever comes first, and complete with a result.
pub(crate) trait Request: Work + Completion<Value> {
    /// Whether the host has forked it.
    fn is_root(&self) -> bool;
}

/// Whatever has calls made: the threads of this process.
///
/// All calls come this way, those that guests fork too, but for inline calls: what nobody can see before it has ended is run
/// where it is forked. How one ends, what it has used, and how it is cancelled is the call's
/// own, a [`Completion`].
pub(crate) trait Backend: Send + Sync {
    /// Has a call made, now or later.
    fn start(&self, call: Arc<dyn Request>);
}
