//! How much may be under way.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A bound on what was read and is not written yet.
pub(super) struct Budget {
    state: Mutex<State>,
    changed: Condvar,
    /// The most pieces, and bytes.
    pieces: usize,
    bytes: usize,
}

#[derive(Default)]
struct State {
    pieces: usize,
    bytes: usize,
    ended: bool,
}

impl Budget {
    pub(super) fn new(pieces: usize, bytes: usize) -> Budget {
        Budget { state: Mutex::default(), changed: Condvar::new(), pieces, bytes }
    }

    /// Waits until there is room for a piece of so many bytes. One that is larger than all there is has to be alone. Returns
    /// whether the run goes on.
    pub(super) fn take(&self, bytes: usize) -> bool {
        let mut state = self.lock();
        while !state.ended && state.pieces > 0 && (state.pieces >= self.pieces || state.bytes + bytes > self.bytes) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.pieces += 1;
        state.bytes += bytes;
        !state.ended
    }

    /// A piece that was taken has become two.
    pub(super) fn add(&self) {
        self.lock().pieces += 1;
    }

    /// A piece has become larger by so many bytes.
    pub(super) fn grow(&self, bytes: usize) {
        self.lock().bytes += bytes;
    }

    /// How many bytes are under way.
    pub(super) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// A piece of so many bytes is written.
    pub(super) fn give_back(&self, bytes: usize) {
        let mut state = self.lock();
        state.pieces -= 1;
        state.bytes -= bytes;
        drop(state);
        self.changed.notify_all();
    }

    /// Ends the run: nobody waits any more.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
    }

    pub(super) fn is_ended(&self) -> bool {
        self.lock().ended
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
