//! Writes results on a thread of its own: calls do not wait for the disk.

use super::store::Store;
use crate::backend::Outcome;
use crate::memo::key::Key;
use crate::memo::memory::outcome_bytes;
use crate::process::Process;
use crossbeam_channel::{Receiver, Sender, bounded};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};

/// Results that wait to be written: no more than this many, and, all but the first, of no more than this many bytes. What comes
/// when there is no room is not written.
const MOST: usize = 4096;
const MOST_BYTES: usize = 64 << 20;

/// What waits to be written, and the thread that writes it once there is something.
pub(super) struct Queue {
    store: Arc<Store>,
    writer: OnceLock<Option<Writer>>,
    bytes: Arc<AtomicUsize>,
    process: Process,
}

struct Writer {
    jobs: Sender<Job>,
    thread: JoinHandle<()>,
}

enum Job {
    Write {
        key: Arc<Key>,
        outcome: Outcome,
        bytes: usize,
    },
    /// Whoever holds the other end waits until all before it is written.
    Flush {
        _done: Sender<()>,
    },
}

impl Queue {
    pub(super) fn new(store: Arc<Store>) -> Queue {
        Queue { store, writer: OnceLock::new(), bytes: Arc::default(), process: Process::this() }
    }

    pub(super) fn write(&self, key: &Arc<Key>, outcome: &Outcome) {
        let Some(writer) = self.writer() else { return };
        let bytes = outcome_bytes(outcome);
        let queued = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let job = Job::Write { key: key.clone(), outcome: outcome.clone(), bytes };
        if queued > 0 && queued.saturating_add(bytes) > MOST_BYTES || writer.jobs.try_send(job).is_err() {
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            tracing::debug!("a result was not written: too many wait for the disk");
        }
    }

    pub(super) fn flush(&self) {
        let Some(writer) = self.writer.get().and_then(Option::as_ref).filter(|_| self.process.is_this()) else {
            return;
        };
        let (sender, done) = bounded::<()>(0);
        if writer.jobs.send(Job::Flush { _done: sender }).is_ok() {
            // Nothing is sent: the other end is dropped in its turn.
            let _ = done.recv();
        }
    }

    /// None in a child process of the one whose thread writes, and where no thread can be started.
    fn writer(&self) -> Option<&Writer> {
        if !self.process.is_this() {
            return None;
        }
        let start = || {
            let (jobs, waiting) = bounded(MOST);
            let (store, bytes) = (self.store.clone(), self.bytes.clone());
            let thread = thread::Builder::new().name("purefork memo".to_owned());
            let thread = thread.spawn(move || run(&store, &waiting, &bytes));
            let thread =
                thread.inspect_err(|error| tracing::warn!("results are not written: no thread: {error}")).ok()?;
            Some(Writer { jobs, thread })
        };
        self.writer.get_or_init(start).as_ref()
    }
}

fn run(store: &Store, waiting: &Receiver<Job>, bytes: &AtomicUsize) {
    for job in waiting {
        match job {
            Job::Write { key, outcome, bytes: taken } => {
                store.write(&key.name(), &outcome);
                drop(outcome);
                bytes.fetch_sub(taken, Ordering::Relaxed);
            }
            Job::Flush { _done } => {}
        }
    }
}

/// What waits is still written.
impl Drop for Queue {
    fn drop(&mut self) {
        let Some(Writer { jobs, thread }) = self.writer.take().flatten() else { return };
        if !self.process.is_this() {
            // The thread is not here; nor may what it has in common with this one be taken apart.
            std::mem::forget((jobs, thread));
            return;
        }
        drop(jobs);
        if thread.join().is_err() {
            tracing::error!("the thread that writes results panicked; this is a defect of purefork");
        }
    }
}
