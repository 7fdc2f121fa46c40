//! The injector: the queue for jobs from threads that are not workers.

use super::job::Job;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The capacity of the channel.
const CHANNEL: usize = 4096;

/// An unbounded queue, roughly first in, first out.
///
/// Jobs go through a bounded channel, which is allocated once. An unbounded channel would have its blocks allocated by the
/// thread that forks and freed by workers, which contend for the allocator's lock. Jobs that do not fit go to an overflow
/// list.
pub(super) struct Injector {
    send: Sender<Job>,
    receive: Receiver<Job>,
    overflow: Mutex<VecDeque<Job>>,
    /// The length of `overflow`, to be read without the lock.
    excess: AtomicUsize,
}

impl Injector {
    pub(super) fn new() -> Injector {
        let (send, receive) = bounded(CHANNEL);
        Injector { send, receive, overflow: Mutex::default(), excess: AtomicUsize::new(0) }
    }

    #[inline]
    pub(super) fn push(&self, job: Job) {
        // Jobs in the overflow list must not be overtaken.
        if self.excess.load(Ordering::SeqCst) != 0 {
            return self.push_excess(job);
        }
        // Never disconnected: both ends are here.
        if let Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) = self.send.try_send(job) {
            self.push_excess(job);
        }
    }

    fn push_excess(&self, job: Job) {
        let mut rest = self.overflow();
        rest.push_back(job);
        // The fence in `Sleep::notify` follows each push.
        self.excess.store(rest.len(), Ordering::Release);
    }

    /// Takes the first job, and gives `more` a share of those behind it: one in `workers`, but at most `most`.
    #[inline]
    pub(super) fn take(&self, workers: usize, most: usize, mut more: impl FnMut(Job)) -> Option<Job> {
        let Ok(first) = self.receive.try_recv() else {
            return if self.excess.load(Ordering::SeqCst) == 0 { None } else { self.take_excess(workers, most, more) };
        };
        // The overflow list is not shared out while there is more in the channel.
        let share = (self.receive.len() / workers).min(most);
        self.receive.try_iter().take(share).for_each(&mut more);
        Some(first)
    }

    /// The same from the overflow list.
    #[cold]
    fn take_excess(&self, workers: usize, most: usize, more: impl FnMut(Job)) -> Option<Job> {
        let mut rest = self.overflow();
        let first = rest.pop_front();
        let share = (rest.len() / workers).min(most);
        let taken: SmallVec<[Job; 32]> = rest.drain(..share).collect();
        // A burst is over: free its memory.
        if rest.is_empty() && rest.capacity() > CHANNEL {
            *rest = VecDeque::new();
        }
        self.excess.store(rest.len(), Ordering::SeqCst);
        drop(rest);
        taken.into_iter().for_each(more);
        first
    }

    #[inline]
    pub(super) fn pop(&self) -> Option<Job> {
        self.take(1, 0, drop)
    }

    pub(super) fn len(&self) -> usize {
        self.receive.len() + self.excess.load(Ordering::SeqCst)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.excess.load(Ordering::SeqCst) == 0 && self.receive.is_empty()
    }

    /// Drops the jobs that are `stale`. The others keep their order.
    pub(super) fn sweep(&self, stale: impl Fn(&Job) -> bool) {
        let mut rest = self.overflow();
        // The queue must not look empty meanwhile: a worker that looks for a job then waits for the lock.
        self.excess.store(rest.len() + 1, Ordering::SeqCst);
        let in_channel: Vec<Job> = self.receive.try_iter().take(CHANNEL).filter(|job| !stale(job)).collect();
        rest.retain(|job| !stale(job));
        in_channel.into_iter().rev().for_each(|job| rest.push_front(job));
        self.excess.store(rest.len(), Ordering::SeqCst);
    }

    fn overflow(&self) -> MutexGuard<'_, VecDeque<Job>> {
        self.overflow.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
