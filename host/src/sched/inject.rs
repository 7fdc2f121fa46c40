//! The way in for jobs from threads that are no workers.

use super::job::Job;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
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
        self.waiting.store(rest.len(), Ordering::SeqCst);
    }

    #[inline]
    pub(super) fn pop(&self) -> Option<Job> {
        match self.receive.try_recv() {
            Ok(job) => Some(job),
            Err(_) if self.waiting.load(Ordering::SeqCst) == 0 => None,
            Err(_) => self.refill(),
        }
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
        // The queue must not look empty meanwhile. Whoever looks for a job waits for the lock, in `refill`.
        self.waiting.store(rest.len() + 1, Ordering::SeqCst);
        let in_channel: Vec<Job> = self.receive.try_iter().take(CHANNEL).filter(|job| !stale(job)).collect();
        rest.retain(|job| !stale(job));
        in_channel.into_iter().rev().for_each(|job| rest.push_front(job));
        self.move_up(&mut rest);
    }

    /// Moves what waits into the channel, and returns the first of it.
    fn refill(&self) -> Option<Job> {
        let mut rest = self.rest();
        let first = rest.pop_front();
        self.move_up(&mut rest);
        first
    }

    fn move_up(&self, rest: &mut VecDeque<Job>) {
        while let Some(job) = rest.pop_front() {
            if let Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) = self.send.try_send(job) {
                rest.push_front(job);
                break;
            }
        }
        // A burst is over: its memory goes back.
        if rest.is_empty() && rest.capacity() > CHANNEL {
            *rest = VecDeque::new();
        }
        self.waiting.store(rest.len(), Ordering::SeqCst);
    }

    fn rest(&self) -> MutexGuard<'_, VecDeque<Job>> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
