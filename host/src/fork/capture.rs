//! The sandbox that a call has ended in, captured for whoever wants to see what it has left there.

use crate::sandbox::Sandbox;
use std::sync::{Mutex, PoisonError};

/// Where such a sandbox goes.
#[derive(Default)]
pub(crate) struct Capture(Mutex<Option<Captured>>);

/// A sandbox as a call has left it.
pub(crate) struct Captured {
    pub(crate) sandbox: Box<Sandbox>,
    /// The futures that the call has made and that are not done with.
    pub(crate) futures: usize,
}

impl Captured {
    pub(super) fn new(mut sandbox: Box<Sandbox>, futures: usize) -> Captured {
        // It knows the call, and the call where the sandbox goes.
        sandbox.forget_call();
        Captured { sandbox, futures }
    }
}

impl Capture {
    pub(super) fn put(&self, captured: Captured) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(captured);
    }

    pub(crate) fn take(&self) -> Option<Captured> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
