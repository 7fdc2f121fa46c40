//! What is kept for each call that has not ended.

use super::call::TaskId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Threads that tell of different calls at the same time mostly meet at different ones.
const SHARDS: usize = 16;

/// What is kept for each call that is observed and has not ended.
pub(super) struct Live<T>([Mutex<HashMap<TaskId, Arc<T>>>; SHARDS]);

impl<T> Default for Live<T> {
    fn default() -> Live<T> {
        Live(std::array::from_fn(|_| Mutex::default()))
    }
}

/// No lock is held when these return: what is given to a call may be told to code that is not ours.
impl<T> Live<T> {
    fn shard(&self, task: TaskId) -> MutexGuard<'_, HashMap<TaskId, Arc<T>>> {
        self.0[task.get() as usize % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn put(&self, task: TaskId, kept: T) {
        let before = self.shard(task).insert(task, Arc::new(kept));
        debug_assert!(before.is_none(), "a call was forked twice");
    }

    pub(super) fn find(&self, task: TaskId) -> Option<Arc<T>> {
        self.shard(task).get(&task).cloned()
    }

    pub(super) fn take(&self, task: TaskId) -> Option<Arc<T>> {
        self.shard(task).remove(&task)
    }
}
