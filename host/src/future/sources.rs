//! What a future was made of: others that it waits for.

use super::handle::{left_behind, with_stack};
use super::{Cell, Completion, Future, cancelled, nested};
use crate::error::{Error, Result};
use crate::event::TaskId;
use crate::process;
use smallvec::SmallVec;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The futures that another one waits for: handles of them, each with a callback in its place.
///
/// Nothing stays with a source longer than somebody can see what comes of it: whoever closes this, or drops it, takes the
/// callbacks back.
pub(crate) struct Sources<T: 'static> {
    /// None once the sources are not waited for any more.
    open: Mutex<Option<Handles<T>>>,
    needs: Needs,
    generation: u32,
}

type Handles<T> = SmallVec<[Future<T>; 1]>;

/// How many of its sources a future waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    All,
    /// Any one of them may be enough.
    Any,
}

impl<T: Send> Sources<T> {
    pub(crate) fn new(needs: Needs) -> Sources<T> {
        Sources { open: Mutex::new(Some(SmallVec::new())), needs, generation: process::generation() }
    }

    /// Has `callback` called once `source` is complete: at once, if it is; not at all, if this is closed before.
    pub(crate) fn follow(&self, mut source: Future<T>, callback: impl FnOnce() + Send + 'static) {
        source.watch(callback);
        let mut open = self.lock();
        match open.as_deref_mut() {
            Some(Some(sources)) => sources.push(source),
            // Closed meanwhile, by this callback or another one.
            _ => {
                drop(open);
                drop(source);
            }
        }
    }

    /// Waits for none of them any more: gives the handles, and with them the callbacks that were not called.
    pub(crate) fn close(&self) -> Option<SmallVec<[Future<T>; 1]>> {
        self.lock()?.take()
    }

    /// Why nothing will come of the sources in this process, if that is so.
    pub(crate) fn stranded(&self) -> Option<Error> {
        let was_before = self.generation != process::generation();
        let Some(open) = self.lock() else { return Some(left_behind()) };
        // What they wait for in their turn may be a long chain.
        let stranded = |future: &Future<T>| with_stack(|| future.stranded());
        let mut pending = open.iter().flatten().filter(|future| !future.is_there()).map(stranded).peekable();
        if pending.peek().is_none() {
            // All are complete: a thread makes the result of theirs, and if it began before the fork, it is not in this process.
            return was_before.then(left_behind);
        }
        match self.needs {
            Needs::All => pending.flatten().next(),
            Needs::Any => pending.reduce(|first, next| first.and_then(|error| next.map(|_| error))).flatten(),
        }
    }

    /// No code of a user's runs while the lock is held. None in a child process, if a thread that is not there has it.
    fn lock(&self) -> Option<MutexGuard<'_, Option<Handles<T>>>> {
        process::lock(self.generation, &self.open)
    }
}

/// A source may be made of others, and those of others …: they are not dropped each within the one before.
impl<T: 'static> Drop for Sources<T> {
    fn drop(&mut self) {
        let open = self.open.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(sources) = open
            && !sources.is_empty()
        {
            nested::call(move || drop(sources));
        }
    }
}

/// A future that is computed from others when they are complete, by a callback of theirs.
pub(super) struct Derived<T: 'static, R> {
    pub(super) cell: Cell<R>,
    pub(super) sources: Sources<T>,
    /// The call that it comes from, if it comes from one that somebody observes.
    task: Option<TaskId>,
}

impl<T: Send, R> Derived<T, R> {
    pub(super) fn new(needs: Needs) -> Arc<Derived<T, R>> {
        Arc::new(Derived { cell: Cell::new(), sources: Sources::new(needs), task: None })
    }

    /// One that is made of a single future, which comes from `task`.
    pub(super) fn of(task: Option<TaskId>) -> Arc<Derived<T, R>> {
        Arc::new(Derived { cell: Cell::new(), sources: Sources::new(Needs::All), task })
    }

    /// Completes it, unless it is complete already, and lets go of its sources.
    pub(super) fn finish(&self, result: Result<R>) -> bool {
        // Before: whoever sees the result may have the only handle of a source then.
        let sources = self.sources.close();
        let in_time = self.cell.complete(result).is_ok();
        drop(sources);
        in_time
    }
}

impl<T: Send, R: Send> Completion<R> for Derived<T, R> {
    fn cell(&self) -> &Cell<R> {
        &self.cell
    }

    fn cell_mut(&mut self) -> &mut Cell<R> {
        &mut self.cell
    }

    fn cancel(&self) -> bool {
        self.finish(Err(cancelled()))
    }

    fn task(&self) -> Option<TaskId> {
        self.task
    }

    fn stranded(&self) -> Option<Error> {
        self.sources.stranded()
    }
}
