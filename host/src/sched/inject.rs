//! The way in for jobs from threads that are no workers.

use super::job::Job;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Jobs that fit into the channel.
const CHANNEL: usize = 4096;

/// A queue of any length, about first in, first out.
///
/// Jobs go through a bounded channel, whose places are allocated once. An unbounded one allocates as it goes: its
/// blocks are allocated by the thread that forks and freed by workers, who then fight over the allocator's lock. What
/// does not fit waits in a list.
pub(super) struct Injector {
    send: Sender<Job>,
    receive: Receiver<Job>,
    rest: Mutex<VecDeque<Job>>,
    /// The length of `rest`, to be read without the lock.
    waiting: AtomicUsize,
}

impl Injector {
    pub(super) fn new() -> Injector {
        let (send, receive) = bounded(CHANNEL);
        Injector { send, receive, rest: Mutex::default(), waiting: AtomicUsize::new(0) }
    }

    #[inline]
    pub(super) fn push(&self, job: Job) {
        // What waits in the list is not overtaken.
        if self.waiting.load(Ordering::SeqCst) != 0 {
            return self.push_behind(job);
        }
        // Never disconnected: both ends are here.
        if let Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) = self.send.try_send(job) {
            self.push_behind(job);
        }
    }

    fn push_behind(&self, job: Job) {
        let mut rest = self.rest();
        rest.push_back(job);
        // A fence follows, wherever jobs are pushed.
        self.waiting.store(rest.len(), Ordering::Release);
    }

    /// Takes the first job, and of those behind it one in `ways`, but no more than `most`, which `more` is given.
    #[inline]
    pub(super) fn take(&self, ways: usize, most: usize, mut more: impl FnMut(Job)) -> Option<Job> {
        let Ok(first) = self.receive.try_recv() else {
            return if self.waiting.load(Ordering::SeqCst) == 0 { None } else { self.take_waiting(ways, most, more) };
        };
        // Of what waits in the list nobody has to be given a share, as long as there is more in the channel.
        let share = (self.receive.len() / ways).min(most);
        self.receive.try_iter().take(share).for_each(&mut more);
        Some(first)
    }

    /// The same from the list.
    #[cold]
    fn take_waiting(&self, ways: usize, most: usize, more: impl FnMut(Job)) -> Option<Job> {
        let mut rest = self.rest();
        let first = rest.pop_front();
        let share = (rest.len() / ways).min(most);
        let taken: SmallVec<[Job; 32]> = rest.drain(..share).collect();
        // A burst is over: its memory goes back.
        if rest.is_empty() && rest.capacity() > CHANNEL {
            *rest = VecDeque::new();
        }
        self.waiting.store(rest.len(), Ordering::SeqCst);
        drop(rest);
        taken.into_iter().for_each(more);
        first
    }

    #[inline]
    pub(super) fn pop(&self) -> Option<Job> {
        self.take(1, 0, drop)
    }

    pub(super) fn len(&self) -> usize {
        self.receive.len() + self.waiting.load(Ordering::SeqCst)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) == 0 && self.receive.is_empty()
    }

    /// Drops the jobs of which `stale` says that nothing is left to do. The others keep their order.
    pub(super) fn sweep(&self, stale: impl Fn(&Job) -> bool) {
        let mut rest = self.rest();
        // The queue must not look empty meanwhile. Whoever looks for a job waits for the lock.
        self.waiting.store(rest.len() + 1, Ordering::SeqCst);
        let in_channel: Vec<Job> = self.receive.try_iter().take(CHANNEL).filter(|job| !stale(job)).collect();
        rest.retain(|job| !stale(job));
        in_channel.into_iter().rev().for_each(|job| rest.push_front(job));
        self.waiting.store(rest.len(), Ordering::SeqCst);
    }

    fn rest(&self) -> MutexGuard<'_, VecDeque<Job>> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
