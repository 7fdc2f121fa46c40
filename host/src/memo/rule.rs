//! What is kept: what depends on the function, its arguments and the limits of the call alone.

use crate::backend::Outcome;
use crate::error::{Error, ErrorKind};

/// Whether another call with the same key ends in the same way, wherever it stands, whenever, and on whichever host.
pub(super) fn is_kept(outcome: &Outcome) -> bool {
    match &outcome.result {
        Ok(_) => true,
        Err(error) => error.is_catchable() && is_own(error),
    }
}

/// Whether a failure of this kind is the call's own. All kinds stand here: a new one does not compile until somebody has thought
/// of it.
fn is_own(error: &Error) -> bool {
    match error.kind() {
        // Limits that every call has in full, and that are part of the key. Where it is a limit of the tree's that was reached, the
        // error says that it ends the tree.
        ErrorKind::Trap
        | ErrorKind::OutOfFuel
        | ErrorKind::OutOfMemory
        | ErrorKind::TooManyForks
        | ErrorKind::TooMuchOutput => true,
        // How much stack a frame takes is the processor's.
        ErrorKind::StackOverflow => false,
        // Of the calls above it.
        ErrorKind::TooDeep => false,
        // Of time, and of who gave up.
        ErrorKind::Timeout | ErrorKind::Cancelled => false,
        // Of what the host has left.
        ErrorKind::Exhausted => false,
        // Before a call, or of no call at all.
        ErrorKind::Unreadable
        | ErrorKind::Malformed
        | ErrorKind::Impure
        | ErrorKind::Unsupported
        | ErrorKind::Link
        | ErrorKind::NotCallable
        | ErrorKind::NoSuchFunction
        | ErrorKind::ArgumentMismatch
        | ErrorKind::SignatureMismatch
        | ErrorKind::NotReady
        | ErrorKind::AlreadyCompleted
        | ErrorKind::BrokenPromise
        | ErrorKind::Panicked
        | ErrorKind::Failed
        | ErrorKind::Invalid => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Usage;
    use crate::value::Value;

    fn kept(result: Result<Value, Error>) -> bool {
        is_kept(&Outcome { result, usage: Usage::default(), output: None })
    }

    #[test]
    fn values_and_failures_of_the_call_alone_are_kept() {
        use ErrorKind::*;
        assert!(kept(Ok(Value::unit())));
        for kind in [Trap, OutOfFuel, OutOfMemory, TooManyForks, TooMuchOutput] {
            assert!(kept(Err(Error::new(kind, "it failed"))), "{kind:?}");
            assert!(!kept(Err(Error::new(kind, "the tree failed").ending_tree())), "{kind:?}");
        }
        for kind in [StackOverflow, TooDeep, Timeout, Cancelled, Exhausted, Panicked, Failed, Link] {
            assert!(!kept(Err(Error::new(kind, "it failed"))), "{kind:?}");
        }
    }
}
