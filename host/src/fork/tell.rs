//! Tells whoever observes a call what becomes of it.

use super::call::{Call, ProgramHandle};
use super::program::{Member, Program};
use crate::error::{Error, Result};
use crate::event::{
    ArgSource, ArgsSource, CallArgs, CallEvent, CallEventKind, CalledFunction, Observed, Observer, TaskId, tell_call,
};
use crate::future::cancelled;
use crate::value::{Value, Values};
use crate::wasi::Output;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Call {
    fn observer(&self) -> Option<&Arc<dyn Observer>> {
        match &self.program {
            ProgramHandle::Program(_, observer) => observer.as_ref(),
            ProgramHandle::Branch(branch) => branch.observer(),
        }
    }

    /// Tells of the call. `fuel`: what was used before, by the call or, of a fork and a wait, by its parent.
    #[inline]
    pub(super) fn tell(&self, fuel: u64, kind: CallEventKind<'_>) {
        if let Some(task) = self.task
            && let Some(observer) = self.observer()
        {
            let parent = self.parent().and_then(|parent| parent.task);
            let worker = self.program().runtime.threads.worker();
            tell_call(&**observer, CallEvent { task, parent, worker, fuel, kind });
        }
    }

    /// It forks a call, as its fork number `number`; returns that call's number, if somebody observes it.
    #[inline]
    pub(super) fn tell_forks(
        &self,
        program: &Member,
        function: u32,
        args: &Values,
        number: u32,
        fuel: u64,
    ) -> Option<TaskId> {
        let parent = self.task?;
        let task = TaskId::new();
        let worker = self.program().runtime.threads.worker();
        let args = program.args(function, args);
        let kind = CallEventKind::Fork { function: program.called(function), args, number, site: None };
        tell_call(&**self.observer()?, CallEvent { task, parent: Some(parent), worker, fuel, kind });
        Some(task)
    }

    #[inline]
    pub(super) fn tell_start(&self) {
        self.tell(0, CallEventKind::Start);
    }

    #[inline]
    pub(super) fn tell_wait(&self) {
        if self.task.is_some() && self.program().runtime.here().is_ok() {
            self.tell(0, CallEventKind::Wait);
        }
    }

    /// It is given up. Not told twice, nor once its end is told.
    pub(super) fn tell_cancelled(&self) {
        if self.task.is_some() && !self.told.swap(true, Ordering::SeqCst) {
            self.tell(0, CallEventKind::Cancelled);
        }
    }

    #[inline]
    pub(super) fn tell_done(&self, result: &Result<Value>, fuel: u64, output: Option<&Output>) {
        if self.task.is_some() {
            self.told.store(true, Ordering::SeqCst);
            self.tell(fuel, CallEventKind::Done { result: result.as_ref(), output });
        }
    }
}

impl Member {
    fn args<'a>(&'a self, function: u32, values: &'a Values) -> CallArgs<'a> {
        CallArgs(ArgsSource::Values(values, &self.facts.functions[function as usize].params))
    }

    #[inline]
    fn called(&self, function: u32) -> CalledFunction<'_> {
        CalledFunction {
            facts: &self.facts,
            number: function,
            module: &self.digest,
            source: &*self.source,
            limits: &self.runtime.limits,
            imports: self.runtime.imports,
            given: self.world.as_ref(),
        }
    }
}

/// Of a fork of the host's.
impl Program {
    /// A call that is forked now, if anybody wants to know of it.
    ///
    /// Nobody is told in a child of the executor's process: what the observer needs may be locked there for ever.
    #[inline]
    pub(crate) fn observed(&self, function: u32) -> Option<Observed> {
        if self.runtime.here().is_err() { None } else { self.runtime.observer.observed(self.called(function)) }
    }

    fn tell(&self, observed: &Observed, kind: CallEventKind<'_>) {
        observed.tell(self.runtime.threads.worker(), kind);
    }

    pub(super) fn tell_fork(
        &self,
        observed: Option<&Observed>,
        function: u32,
        args: &Values,
        site: &'static Location<'static>,
    ) {
        if let Some(observed) = observed {
            let (function, args) = (self.called(function), self.args(function, args));
            self.tell(observed, CallEventKind::Fork { function, args, number: 0, site: Some(site) });
        }
    }

    /// The futures among the arguments are complete.
    pub(super) fn tell_ready(&self, observed: Option<&Observed>, function: u32, args: &Values) {
        if let Some(observed) = observed {
            self.tell(observed, CallEventKind::Ready(self.args(function, args)));
        }
    }

    /// The host forks a call that waits for its arguments.
    pub(crate) fn tell_deferred(
        &self,
        observed: &Observed,
        function: u32,
        args: &[ArgSource],
        site: &'static Location<'static>,
    ) {
        let (function, args) = (self.called(function), CallArgs(ArgsSource::Pending(args)));
        self.tell(observed, CallEventKind::Fork { function, args, number: 0, site: Some(site) });
    }

    pub(crate) fn tell_waited_for(&self, observed: &Observed) {
        if self.runtime.here().is_ok() {
            self.tell(observed, CallEventKind::Wait);
        }
    }

    /// The call has failed before it was made.
    pub(crate) fn tell_never_made(&self, observed: &Observed, error: &Error) {
        if error.kind() == cancelled().kind() {
            self.tell(observed, CallEventKind::Cancelled);
        }
        self.tell(observed, CallEventKind::Done { result: Err(error), output: None });
    }
}
