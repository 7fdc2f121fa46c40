//! What an executor tells its observer: things that happened and that no future reports.

use crate::error::Error;

/// Something that happened and that no future would have told anyone.
///
/// Given to the observer set with [`Builder::observer`](crate::Builder::observer); without one, events are logged
/// with `tracing` at level `WARN`.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub enum Event {
    /// A forked call failed and every handle on its future was dropped without anyone asking for the result.
    ///
    /// Fires when the last handle is dropped, or when the call fails after that.
    Unobserved(Error),
}

impl Event {
    /// The error that the event is about.
    pub fn error(&self) -> &Error {
        match self {
            Event::Unobserved(error) => error,
        }
    }
}
