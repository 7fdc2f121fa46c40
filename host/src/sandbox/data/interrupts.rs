//! What may stop a call: its end is asked for, or its deadline has passed.

use super::Futures;
use crate::abi::{Unfit, Wrong};
use crate::error::Error;
use crate::sandbox::error::{DeadlinePassed, Stop, trap, wrong_value};
use std::sync::Arc;
use std::time::Instant;

/// What a sandbox asks of the call that runs in it.
pub(crate) trait CallState: Send + Sync {
    /// Why the call must not go on, if it must not. Asked before it starts and at every epoch interrupt.
    fn stopped(&self) -> Option<Error>;

    /// Where the futures of its forks are kept, for a call that forks for the first time; none if it cannot fork.
    fn futures(self: Arc<Self>) -> Option<Box<dyn Futures>>;
}

/// What may stop the call that runs in a store.
pub(crate) struct Interrupts {
    /// Stops every call. It stays when a call ends.
    executor: Arc<dyn CallState>,
    /// None for a call that nobody can cancel.
    call: Option<Arc<dyn CallState>>,
    deadline: Option<Instant>,
}

impl Interrupts {
    pub(crate) fn new(executor: Arc<dyn CallState>) -> Interrupts {
        Interrupts { executor, call: None, deadline: None }
    }

    #[inline]
    pub(crate) fn begin_call(&mut self, call: Option<Arc<dyn CallState>>, deadline: Option<Instant>) {
        (self.call, self.deadline) = (call, deadline);
    }

    #[inline]
    pub(crate) fn end_call(&mut self) {
        let Interrupts { executor: _, call, deadline } = self;
        (*call, *deadline) = (None, None);
    }

    pub(crate) fn futures(&self) -> Option<Box<dyn Futures>> {
        self.call.clone()?.futures()
    }

    /// Whether the call must not go on.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped().is_some()
    }

    /// Why the call must not go on, if it must not.
    #[inline]
    pub(crate) fn stopped(&self) -> Option<wasmtime::Error> {
        let stopped = match &self.call {
            Some(call) => call.stopped(),
            None => self.executor.stopped(),
        };
        match stopped {
            Some(error) => Some(Stop(error).into()),
            None => self.is_late().then(|| DeadlinePassed.into()),
        }
    }

    /// Why the call has stopped. Whatever stops a call does so for good.
    #[cold]
    pub(crate) fn why(&self) -> wasmtime::Error {
        self.stopped().unwrap_or_else(|| trap("the call was stopped, and then was not"))
    }

    /// Whether the deadline has passed.
    #[inline]
    pub(crate) fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Why a value was not lowered. `wrong`: the error if it is not of its type, or there is no room for it.
    pub(crate) fn not_lowered(&self, unfit: Unfit, wrong: impl FnOnce() -> wasmtime::Error) -> wasmtime::Error {
        match unfit {
            Unfit::Value => wrong(),
            Unfit::Stopped => self.why(),
        }
    }

    /// Why a value was not lifted. `what`: what the guest did with it.
    pub(crate) fn not_lifted(&self, wrong: Wrong, what: &str) -> wasmtime::Error {
        match wrong {
            Wrong::Stopped => self.why(),
            wrong => wrong_value(wrong, what),
        }
    }
}
