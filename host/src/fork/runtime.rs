//! What the calls of an executor have in common.

use super::frame::Frame;
use super::program::{Program, WeakProgram};
use crate::backend::Preinitialised;
use crate::engine::Engines;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Event;
use crate::future::Completion;
use crate::isolation::Isolation;
use crate::limits::Limits;
use crate::process::Process;
use crate::sandbox::{Sandbox, Stock, Watch};
use crate::sched::Job;
use crate::value::{Value, Values};
use crate::wasi::Wasi;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

/// What the calls of an executor have in common.
pub(crate) struct Runtime {
    pub(crate) limits: Limits,
    pub(crate) isolation: Isolation,
    /// Whether guests may import WASI.
    pub(crate) wasi: Wasi,
    pub(crate) engines: Arc<Engines>,
    pub(crate) stock: Arc<Stock<Sandbox<Frame>>>,
    pub(crate) watch: Watch,
    pub(crate) observer: Box<dyn Fn(&Event) + Send + Sync>,
    pub(crate) threads: Box<dyn Threads>,
    /// Runs a function of a module, whose bytes are given, and freezes the state that it leaves.
    pub(crate) preinit: Preinit,
    /// The programs that were loaded, by the digests of their bytes.
    pub(crate) programs: Mutex<HashMap<String, WeakProgram>>,
    /// Forks that wait for their arguments.
    pub(crate) deferred: Mutex<Vec<Weak<dyn Completion<Value>>>>,
    /// The executor was dropped, or shut down.
    pub(crate) closed: AtomicBool,
    /// All calls are to end.
    pub(crate) shut_down: AtomicBool,
    /// Where its threads are.
    pub(crate) process: Process,
}

/// What [`Backend::preinit`](crate::backend::Backend::preinit) does; loading modules is for those above.
pub(crate) type Preinit = fn(&Program, &[u8], u32, Values, &'static Location<'static>) -> Result<Preinitialised>;

/// The threads that run calls: a pool's workers, or the one that forks.
pub(crate) trait Threads: Send + Sync {
    /// Has a job run, now or later.
    fn spawn(&self, job: Job);

    /// The current thread's number, if it is a worker.
    fn worker(&self) -> Option<usize>;

    /// Whether the current thread is in the midst of running a job.
    fn runs_jobs(&self) -> bool;

    /// Whether a fork is run to its end before it returns.
    fn inline(&self) -> bool;

    /// Whether there is a sandbox for one more thread that runs what it waits for.
    fn may_help(&self) -> bool {
        true
    }

    /// Runs a call that nobody has started, on the current thread, which waits for it. `done`: it is complete.
    fn help(&self, run: &mut dyn FnMut(), done: &dyn Fn() -> bool);

    /// Told that a call was not run by way of its entry in a queue, so that the entry only takes up room.
    fn stale(&self) {}
}

impl Runtime {
    /// The shard whose engine the current thread uses.
    pub(super) fn shard(&self) -> usize {
        self.threads.worker().unwrap_or(self.engines.outside())
    }

    /// Makes every call that runs look whether it may go on, after one was given up.
    pub(crate) fn ring(&self) {
        self.engines.ring();
        self.watch.insist();
    }

    /// Fails in a child process of the one whose the executor is: its threads are not here, and locks that they held are never
    /// free. Then nothing of it is used, and nothing taken apart.
    #[inline]
    pub(crate) fn here(&self) -> Result<()> {
        if self.process.is_this() { Ok(()) } else { Err(self.elsewhere()) }
    }

    #[cold]
    fn elsewhere(&self) -> Error {
        let (there, here) = (self.process.id(), std::process::id());
        let message = format!(
            "the executor belongs to process {there}, which made it; this is process {here}, forked from it, and has none of its threads"
        );
        Error::new(ErrorKind::Invalid, message)
            .with_help("make a new executor in the child process, or fork before making one")
    }

    /// Tells the observer of an error that no future tells anyone.
    pub(super) fn unobserved(&self, error: Error) {
        if error.kind() == ErrorKind::Cancelled || !self.process.is_this() {
            return;
        }
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (self.observer)(&Event::Unobserved(error)))) {
            // What it panicked with may panic when it is dropped.
            std::mem::forget(panic);
            tracing::warn!("the observer panicked");
        }
    }

    /// The program that was loaded from bytes of this digest, if anybody has it.
    pub(crate) fn known(&self, digest: &str) -> Option<Program> {
        self.programs().get(digest)?.upgrade()
    }

    /// Has whoever loads the same bytes get the same program.
    pub(crate) fn know(&self, digest: &str, program: &Program) {
        let mut programs = self.programs();
        // Those that are gone are forgotten whenever the table would have to be made larger.
        if programs.len() == programs.capacity() {
            programs.retain(|_, program| program.upgrade().is_some());
        }
        programs.insert(digest.to_owned(), program.downgrade());
    }

    fn programs(&self) -> MutexGuard<'_, HashMap<String, WeakProgram>> {
        self.programs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a fork that waits for its arguments, to be cancelled when the executor is shut down.
    pub(super) fn remember(&self, deferred: Weak<dyn Completion<Value>>) {
        let mut all = self.deferred.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that are gone are forgotten whenever the list would have to be made longer.
        if all.len() == all.capacity() {
            all.retain(|deferred| deferred.strong_count() != 0);
            // Else, with few gone, all would be looked at again for each few that come.
            let left = all.len();
            all.reserve(left + 1);
        }
        all.push(deferred);
        drop(all);
        if self.is_shut_down() {
            self.cancel_deferred();
        }
    }

    /// Cancels the forks that wait for their arguments.
    pub(crate) fn cancel_deferred(&self) {
        let all = std::mem::take(&mut *self.deferred.lock().unwrap_or_else(PoisonError::into_inner));
        for deferred in all.iter().filter_map(Weak::upgrade) {
            deferred.cancel();
        }
    }

    /// Why no call is taken any more.
    pub(super) fn closed_error(&self) -> Error {
        if self.is_shut_down() {
            return Error::new(ErrorKind::Cancelled, "the executor was shut down");
        }
        Error::new(ErrorKind::Cancelled, "the executor was dropped before the call could run")
            .with_help("keep the `Executor` for as long as its modules are used")
    }

    /// When a tree that starts now has to end.
    #[inline]
    pub(super) fn deadline(&self) -> Option<Instant> {
        let timeout = self.limits.timeout?;
        Instant::now().checked_add(timeout)
    }

    /// Why a call with this deadline must not go on, if its time is over. `name`: the function's.
    #[inline]
    pub(super) fn late(&self, deadline: Option<Instant>, name: impl FnOnce() -> String) -> Option<Error> {
        let deadline = deadline?;
        (Instant::now() >= deadline).then(|| {
            let limit = self.limits.timeout.unwrap_or_default();
            Error::new(ErrorKind::Timeout, format!("`{}` was still running after {limit:?}", name()))
                .with_help("raise `Limits::timeout` (`--timeout`) if it is meant to take that long")
        })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    pub(super) fn is_shut_down(&self) -> bool {
        self.shut_down.load(Ordering::SeqCst)
    }
}
