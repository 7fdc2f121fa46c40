//! The part of a tree of calls that one worker forks.

use super::program::{Program, ProgramRef};
use crate::event::Observer;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Up to this limit every fork is counted in the tree at once; above, as many at a time.
const EXACT: u64 = 1 << 14;
const BATCH: u64 = 64;

/// What is not counted, in bytes: a call takes more by itself.
const FEW_BYTES: usize = 512;

/// The part of a tree of calls that one worker forks, of one program.
///
/// Its references and its count are touched by that worker, and by those who steal from it, once for each call stolen.
pub(super) struct Branch {
    program: Program,
    worker: Option<usize>,
    forks: AtomicU64,
    tree: Arc<Tree>,
    /// Who observes its calls.
    observer: Option<Arc<dyn Observer>>,
}

/// What is counted over a whole tree.
#[derive(Default)]
struct Tree {
    /// Forks, less those that branches have not counted in yet.
    forks: AtomicU64,
    /// Bytes of arguments of calls that have not started, and of results that can still be waited for.
    held: AtomicUsize,
}

/// Bytes that a call charges to its tree, until this is dropped.
pub(super) struct TreeCharge {
    tree: Arc<Tree>,
    bytes: usize,
}

impl Drop for TreeCharge {
    fn drop(&mut self) {
        self.tree.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Branch {
    /// The first branch of a tree.
    pub(super) fn new(
        program: ProgramRef<'_>,
        worker: Option<usize>,
        observer: Option<&Arc<dyn Observer>>,
    ) -> Arc<Branch> {
        Branch::of(program, worker, &Arc::default(), observer)
    }

    fn of(
        program: ProgramRef<'_>,
        worker: Option<usize>,
        tree: &Arc<Tree>,
        observer: Option<&Arc<dyn Observer>>,
    ) -> Arc<Branch> {
        let (tree, observer) = (tree.clone(), observer.cloned());
        Arc::new(Branch { program: program.program(), worker, forks: AtomicU64::new(0), tree, observer })
    }

    pub(super) fn observer(&self) -> Option<&Arc<dyn Observer>> {
        self.observer.as_ref()
    }

    pub(super) fn program(&self) -> &Program {
        &self.program
    }

    /// The branch for calls of `program` that `worker` forks: this one, if it is that.
    pub(super) fn for_calls(self: &Arc<Branch>, program: ProgramRef<'_>, worker: Option<usize>) -> Arc<Branch> {
        if self.worker == worker && program.is(&self.program) {
            self.clone()
        } else {
            Branch::of(program, worker, &self.tree, self.observer())
        }
    }

    /// Holds so many bytes, if they are many.
    ///
    /// # Errors
    ///
    /// Where the tree may not hold that many more.
    pub(super) fn hold(&self, bytes: usize, limit: usize) -> Result<Option<TreeCharge>, ()> {
        if bytes < FEW_BYTES {
            return Ok(None);
        }
        let held = self.tree.held.fetch_add(bytes, Ordering::Relaxed);
        let hold = TreeCharge { tree: self.tree.clone(), bytes };
        if held.checked_add(bytes).is_some_and(|held| held <= limit) { Ok(Some(hold)) } else { Err(()) }
    }

    /// Counts one more fork, and returns whether the tree may have it. What is not counted in yet may make it a few
    /// more than `limit`, never fewer.
    pub(super) fn count(&self, limit: u64) -> bool {
        let batch = if limit <= EXACT { 1 } else { BATCH };
        let forks = self.forks.fetch_add(1, Ordering::Relaxed) + 1;
        if !forks.is_multiple_of(batch) {
            return self.tree.forks.load(Ordering::Relaxed) <= limit;
        }
        self.tree.forks.fetch_add(batch, Ordering::Relaxed) + batch <= limit
    }
}
