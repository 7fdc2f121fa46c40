//! What the calls of an executor have in common.

use super::shutdown::Shutdown;
use super::threads::Threads;
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Listener};
use crate::future::Completion;
use crate::imports::Imports;
use crate::isolation::Isolation;
use crate::limits::Limits;
use crate::process::Process;
use crate::sandbox::{DeadlineWatch, Sandboxes};
use crate::value::Value;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

/// What the calls of an executor have in common.
pub(crate) struct Runtime {
    pub(crate) limits: Limits,
    pub(crate) isolation: Isolation,
    /// What guests may import.
    pub(crate) imports: Imports,
    pub(crate) sandboxes: Arc<Sandboxes>,
    pub(crate) watch: DeadlineWatch,
    /// Who is told of calls, and of errors that no future tells anyone.
    pub(crate) observer: Listener,
    pub(crate) threads: Arc<dyn Threads>,
    /// What has calls made, those of guests too.
    pub(crate) backend: Box<dyn Backend>,
    /// Whether a call of the host's that cannot fork is run where it is forked, and is none of the backend's.
    pub(crate) inline_calls: bool,
    /// A digest of what of the configuration can be seen in a result.
    pub(crate) configuration: [u8; 32],
    /// Forks that wait for their arguments.
    pub(crate) deferred: Mutex<Vec<Weak<dyn Completion<Value>>>>,
    pub(crate) shutdown: Arc<Shutdown>,
    /// Where its threads are.
    pub(crate) process: Process,
}

impl Runtime {
    /// The shard whose engine the current thread uses.
    pub(super) fn shard(&self) -> usize {
        self.threads.worker().unwrap_or(self.sandboxes.engines.outside())
    }

    /// Makes every call that runs look whether it may go on, after one was given up.
    pub(crate) fn interrupt(&self) {
        self.sandboxes.engines.interrupt();
        self.watch.repeat();
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
        self.observer.tell(&Event::Unobserved(&error));
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
        if self.shutdown.is_shut_down() {
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

    /// When a tree that starts now has to end.
    #[inline]
    pub(super) fn deadline(&self) -> Option<Instant> {
        let timeout = self.limits.timeout?;
        Instant::now().checked_add(timeout)
    }
}
