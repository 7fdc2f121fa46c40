//! Jobs that may be suspended.

use super::job::Job;
use async_task::Runnable;
use std::future::Future;

/// Runs `future` on the current thread until it is finished or suspended. Whenever it is woken, `schedule` is given the rest of it
/// as a job.
pub(crate) fn suspendable(
    future: impl Future<Output = ()> + Send + 'static,
    schedule: impl Fn(Job) + Send + Sync + 'static,
) {
    let (runnable, task) = async_task::spawn(future, move |runnable: Runnable| schedule(Job::Resume(runnable)));
    task.detach();
    runnable.run();
}
