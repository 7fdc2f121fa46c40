//! The end of an executor, as its calls see it.

use crate::error::{Error, ErrorKind};
use crate::sandbox::{CallState, Futures};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether an executor takes calls, and lets them run.
#[derive(Default)]
pub(crate) struct Shutdown {
    /// The executor was dropped, or shut down.
    closed: AtomicBool,
    /// All calls are to end.
    shut_down: AtomicBool,
}

impl Shutdown {
    /// No call of the host's is taken any more; what was forked before runs to its end.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// All calls are to end. An interrupt has to follow.
    pub(crate) fn shut_down(&self) {
        self.close();
        self.shut_down.store(true, Ordering::SeqCst);
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    #[inline]
    pub(crate) fn is_shut_down(&self) -> bool {
        self.shut_down.load(Ordering::SeqCst)
    }

    /// Why no call is taken any more.
    #[cold]
    pub(super) fn error(&self) -> Error {
        if self.is_shut_down() {
            return Error::new(ErrorKind::Cancelled, "the executor was shut down");
        }
        Error::new(ErrorKind::Cancelled, "the executor was dropped before the call could run")
            .with_help("keep the `Executor` for as long as its modules are used")
    }
}

/// For a call that nobody can cancel.
impl CallState for Shutdown {
    #[inline]
    fn stopped(&self) -> Option<Error> {
        self.is_shut_down().then(|| self.error())
    }

    fn futures(self: Arc<Self>) -> Option<Box<dyn Futures>> {
        None
    }
}
