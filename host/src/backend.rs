//! The seam between calls that are forked and whatever makes them.

use crate::error::Result;
use crate::future::{Completion, Ready};
use crate::limits::Usage;
use crate::sched::Work;
use crate::value::{Value, Values};
use crate::wasi::Output;
use std::sync::Arc;
use std::time::Instant;

/// What comes of a fork.
pub(crate) enum Forked {
    /// A call that may have ended, or not.
    Call(Arc<dyn Completion<Value>>),
    /// One that has, and has given a value.
    Ready(Ready),
}

/// What is called, as a digest: of the guest's bytes, of all that it is linked to, of the function, and of all of the executor's
/// configuration that can be seen in a result. Equal arguments then give equal results.
pub(crate) type Subject = [u8; 32];

/// How a call has ended, as it does not depend on who has forked it.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// An error has the forks below the call in its chain, and not the call itself.
    pub(crate) result: Result<Value>,
    pub(crate) usage: Usage,
    pub(crate) output: Option<Arc<Output>>,
}

/// A call to be made: started once, by whoever comes first, and complete with a result.
///
/// Whoever decides what becomes of it holds it first: nobody starts a call that is held. Then it answers it, or lets go of it and hands
/// it on.
pub(crate) trait Request: Work + Completion<Value> {
    /// Whether the host has forked it.
    fn is_root(&self) -> bool;

    /// What is called; none where a call is made for what it leaves behind, and not for its result.
    fn subject(&self) -> Option<&Subject>;

    /// Shows the arguments to `look`, and holds the call, unless somebody has begun it.
    fn hold(&self, look: &mut dyn FnMut(&Values));

    /// Lets others start a call that is held.
    fn let_go(&self);

    /// Completes a call that is held, without running it.
    fn answer(&self, outcome: Outcome);

    /// Counts, in what the call has used, that a memory of results was asked for its own, and whether it was there.
    fn note_asked(&self, known: bool);

    /// How it has ended; none if it has not, or if that cannot be told without saying who has forked it.
    fn outcome(&self) -> Option<Outcome>;

    /// The call that has forked it.
    fn parent(&self) -> Option<&dyn Request>;

    /// When it has to end, if that is known.
    fn deadline(&self) -> Option<Instant>;

    /// Tells it from all other calls that there are at a time.
    fn id(&self) -> usize;
}

/// Whatever has calls made: the threads of this process, or one that decides which of them are to be made, around another.
///
/// All calls come this way, those that guests fork too. Inline calls do only where the backend says that it looks at each: what nobody
/// can see before it has ended is else run where it is forked. How a call ends, what it has used, and how it is cancelled is the
/// call's own, a [`Completion`].
pub(crate) trait Backend: Send + Sync {
    /// Has a call made, now or later.
    fn start(&self, call: Arc<dyn Request>);

    /// Whether inline calls are to come this way, too.
    fn looks_at_all(&self) -> bool {
        false
    }

    /// Told that somebody is about to wait for a call that is held: if it can be decided now what becomes of it, it is.
    fn hurry(&self, _call: &dyn Request) {}
}
