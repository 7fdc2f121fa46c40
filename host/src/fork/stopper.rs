//! What stops calls that are made one after another: their job was cancelled, or the time for all of them is over.

use crate::error::{Error, ErrorKind};
use crate::future::{Completion, cancelled};
use crate::sandbox::{CallState, Futures};
use crate::value::Value;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// No deadline.
const NEVER: u64 = u64::MAX;

/// What stops calls that are made one after another.
pub(crate) struct Stopper {
    /// Stops every call of the executor.
    executor: Arc<dyn CallState>,
    cancelled: AtomicBool,
    made: Instant,
    /// When all have to end, in nanoseconds since it was made.
    deadline: AtomicU64,
    /// The call that runs, where that is one of its own.
    current: Mutex<Option<Arc<dyn Completion<Value>>>>,
}

impl Stopper {
    pub(super) fn new(executor: Arc<dyn CallState>) -> Stopper {
        Stopper {
            executor,
            cancelled: AtomicBool::new(false),
            made: Instant::now(),
            deadline: AtomicU64::new(NEVER),
            current: Mutex::default(),
        }
    }

    /// No call goes on, and none begins any more. An interrupt has to follow.
    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(call) = current {
            call.cancel();
        }
    }

    /// Has the call that is about to be waited for cancelled with the others.
    pub(super) fn begins(&self, call: Option<Arc<dyn Completion<Value>>>) {
        let before = std::mem::replace(&mut *self.current.lock().unwrap_or_else(PoisonError::into_inner), call.clone());
        // Either who cancels sees the call, or this sees that it was cancelled.
        if let Some(call) = call
            && self.cancelled.load(Ordering::SeqCst)
        {
            call.cancel();
        }
        drop(before);
    }

    pub(super) fn set_deadline(&self, deadline: Option<Instant>) {
        let nanos = deadline.map(|deadline| deadline.saturating_duration_since(self.made).as_nanos());
        let nanos = nanos.map_or(NEVER, |nanos| u64::try_from(nanos).unwrap_or(NEVER));
        self.deadline.store(nanos, Ordering::Relaxed);
    }

    /// When all have to end.
    #[inline]
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.deadline.load(Ordering::Relaxed) {
            NEVER => None,
            nanos => self.made.checked_add(std::time::Duration::from_nanos(nanos)),
        }
    }

    /// The error of a call once the time for all is over.
    pub(super) fn late(&self) -> Option<Error> {
        let deadline = self.deadline()?;
        (Instant::now() >= deadline).then(|| {
            Error::new(ErrorKind::Timeout, "the time for all calls together is over")
                .with_help("set a later deadline, or make fewer calls")
        })
    }
}

impl CallState for Stopper {
    #[inline]
    fn stopped(&self) -> Option<Error> {
        if self.cancelled.load(Ordering::SeqCst) {
            return Some(cancelled());
        }
        self.executor.stopped().or_else(|| self.late())
    }

    fn futures(self: Arc<Self>) -> Option<Box<dyn Futures>> {
        None
    }
}
