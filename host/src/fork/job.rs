//! A job of the host's: code of the host's that a worker runs, and that makes calls in place.

use super::claim::Claim;
use super::in_place::InPlace;
use super::program::Program;
use super::stopper::Stopper;
use crate::error::{Error, Result};
use crate::event::Observing;
use crate::future::{Cell, Completion, cancelled, caught};
use crate::sched::{Job, Work};
use std::panic::Location;
use std::sync::Arc;

type HostCode<T> = Box<dyn FnOnce(&mut InPlace) -> T + Send>;

/// Code of the host's that a worker runs once, and what it gives.
pub(crate) struct HostJob<T> {
    cell: Cell<T>,
    /// Whoever takes it runs the job.
    code: Claim<Option<HostCode<T>>>,
    program: Program,
    function: u32,
    site: &'static Location<'static>,
    observing: Observing,
    stopper: Arc<Stopper>,
}

impl Program {
    /// Makes calls of a function in place, on this thread.
    pub(crate) fn in_place(&self, function: u32, site: &'static Location<'static>) -> InPlace {
        InPlace::new(self.clone(), function, site, Arc::new(self.stopper()))
    }

    /// Has a worker run code that makes calls of a function in place; runs it here where there are no workers.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        function: u32,
        site: &'static Location<'static>,
        code: impl FnOnce(&mut InPlace) -> T + Send + 'static,
    ) -> Arc<HostJob<T>> {
        let job = Arc::new(HostJob {
            cell: Cell::new(),
            code: Claim::new(Some(Box::new(code))),
            program: self.clone(),
            function,
            site,
            observing: Observing::here(),
            stopper: Arc::new(self.stopper()),
        });
        if let Some(why) = self.closed() {
            job.refuse(why.with_site_if_none(site));
        } else if self.runtime().threads.inline() {
            job.clone().help();
        } else {
            self.runtime().threads.spawn(Job::Start(job.clone()));
        }
        job
    }

    /// Why the host can start nothing any more, if that is so.
    ///
    /// While the executor is dropped, what was forked before still runs to its end, and so does what follows from it.
    pub(crate) fn closed(&self) -> Option<Error> {
        let runtime = self.runtime();
        if let Err(elsewhere) = runtime.here() {
            return Some(elsewhere);
        }
        let shutdown = &runtime.shutdown;
        let is_closed = shutdown.is_closed() && (shutdown.is_shut_down() || !runtime.threads.runs_jobs());
        is_closed.then(|| shutdown.error())
    }

    /// How many threads run calls.
    pub(crate) fn workers(&self) -> usize {
        let runtime = self.runtime();
        if runtime.threads.inline() { 1 } else { runtime.sandboxes.engines.shards() - 1 }
    }

    /// Whether a fork is run to its end before it returns.
    pub(crate) fn is_inline(&self) -> bool {
        self.runtime().threads.inline()
    }

    fn stopper(&self) -> Stopper {
        Stopper::new(self.runtime().sandboxes.executor.clone())
    }
}

impl<T: Send + 'static> HostJob<T> {
    /// Takes the right to run the job.
    fn claim(&self) -> Option<HostCode<T>> {
        self.code.take().and_then(Option::take)
    }

    fn execute(&self, code: HostCode<T>) {
        let mut in_place = InPlace::new(self.program.clone(), self.function, self.site, self.stopper.clone());
        let result = caught(|| Ok(code(&mut in_place)));
        // The sandbox is there for the next job before anybody is told.
        drop(in_place);
        self.complete(result);
    }

    /// Fails if it was cancelled meanwhile.
    fn complete(&self, result: Result<T>) {
        let _ = self.cell.complete(result);
    }

    fn refuse(&self, error: Error) {
        if let Some(code) = self.claim() {
            self.complete(Err(error));
            drop(code);
        }
    }
}

impl<T: Send + 'static> Work for HostJob<T> {
    fn run(self: Arc<Self>) {
        if let Some(code) = self.claim() {
            self.observing.clone().with(|| self.execute(code));
        }
    }

    fn is_started(&self) -> bool {
        self.code.is_taken()
    }

    fn abandon(self: Arc<Self>) {
        self.refuse(self.program.runtime().shutdown.error().with_site_if_none(self.site));
    }
}

impl<T: Send + 'static> Completion<T> for HostJob<T> {
    fn cell(&self) -> &Cell<T> {
        &self.cell
    }

    fn cell_mut(&mut self) -> &mut Cell<T> {
        &mut self.cell
    }

    fn cancel(&self) -> bool {
        let runtime = self.program.runtime();
        let code = self.claim();
        if code.is_some() {
            runtime.threads.stale();
        }
        let in_time = self.cell.complete(Err(cancelled().with_site_if_none(self.site))).is_ok();
        if in_time && code.is_none() {
            self.stopper.cancel();
            runtime.interrupt();
        }
        drop(code);
        in_time
    }

    fn help(self: Arc<Self>) -> bool {
        let threads = &self.program.runtime().threads;
        // As for a call: one thread more than there are cores takes time away from calls, of which those with a deadline have little.
        if self.program.runtime().limits.timeout.is_some() && !threads.inline() && threads.worker().is_none() {
            return false;
        }
        if !threads.may_help() {
            return false;
        }
        let Some(code) = self.claim() else { return false };
        threads.stale();
        let mut code = Some(code);
        let mut run = || {
            if let Some(code) = code.take() {
                self.observing.clone().with(|| self.execute(code));
            }
        };
        threads.help(&mut run, &|| self.cell.is_done());
        true
    }

    fn stranded(&self) -> Option<Error> {
        self.program.runtime().here().err().map(|error| error.with_site_if_none(self.site))
    }
}
