//! A backend that remembers: it answers calls whose result is known, and has another one make the rest.

use super::Memo;
use super::in_flight::{Entered, InFlight, Joiner};
use super::key::Key;
use super::rule::is_kept;
use crate::backend::{Backend, Outcome, Request};
use crate::limits::Usage;
use std::sync::{Arc, Weak};

/// A backend that answers calls whose result is known, and has another one make the rest.
pub(crate) struct Remembering(Arc<Shared>);

struct Shared {
    memo: Memo,
    inner: Box<dyn Backend>,
    in_flight: InFlight,
    /// Whether a call may wait for another. Not where a fork runs its call before it returns: what it would wait for may be left to
    /// the very thread that waits.
    joins: bool,
}

impl Remembering {
    pub(crate) fn new(memo: Memo, inner: Box<dyn Backend>, joins: bool) -> Remembering {
        Remembering(Arc::new(Shared { memo, inner, in_flight: InFlight::new(), joins }))
    }
}

impl Backend for Remembering {
    fn start(&self, call: Arc<dyn Request>) {
        let Remembering(shared) = self;
        let Some(subject) = call.subject() else { return shared.inner.start(call) };
        let mut key = None;
        call.hold(&mut |values| key = Some(shared.memo.key(subject, values)));
        // Without a key somebody has begun the call, or withdrawn it.
        let Some(key) = key else { return shared.inner.start(call) };
        match shared.memo.recall(&key) {
            Some(outcome) => answer(&*call, outcome),
            None => shared.decide(call, Arc::new(key)),
        }
    }

    fn looks_at_all(&self) -> bool {
        true
    }

    fn hurry(&self, call: &dyn Request) {
        if let Some((first, joiner)) = self.0.in_flight.take_ended(call.id()) {
            self.0.settle(joiner, first.outcome().filter(is_kept).as_ref());
        }
    }
}

impl Shared {
    /// Decides what becomes of a call, which is held.
    fn decide(self: &Arc<Self>, call: Arc<dyn Request>, key: Arc<Key>) {
        // A result is kept before its call leaves: so it is in flight, or known, or nobody has begun it.
        match self.in_flight.enter(&key, &call, self.joins, || self.memo.recall(&key)) {
            Err(outcome) => answer(&*call, outcome),
            Ok(Entered::Joined) => {}
            Ok(Entered::Alone) => self.run(call, key, false),
            Ok(Entered::First) => match self.memo.read(&key) {
                Some(outcome) => {
                    self.left(&key, call.id(), Some(&outcome));
                    answer(&*call, outcome);
                }
                None => self.run(call, key, true),
            },
        }
    }

    /// Has a call made, and keeps what comes of it.
    fn run(self: &Arc<Self>, call: Arc<dyn Request>, key: Arc<Key>, is_first: bool) {
        call.note_asked(false);
        let ending = Ending { shared: self.clone(), key, call: Arc::downgrade(&call), id: call.id(), is_first };
        call.cell().on_done(move || drop(ending));
        call.let_go();
        self.inner.start(call);
    }

    /// The first call with its key has ended: those that wait for it go on.
    fn left(self: &Arc<Self>, key: &Key, first: usize, outcome: Option<&Outcome>) {
        for joiner in self.in_flight.leave(key, first) {
            self.settle(joiner, outcome);
        }
    }

    /// Goes on with a call that has waited for another one.
    fn settle(self: &Arc<Self>, joiner: Joiner, outcome: Option<&Outcome>) {
        let Joiner { call, key } = joiner;
        match outcome {
            Some(outcome) => answer(&*call, outcome.clone()),
            // It was cancelled meanwhile.
            None if call.cell().is_done() => {}
            // What ended the other one is none of its own: time, or somebody who gave it up. It is made for itself. Were it to join another
            // that has waited as well, a hundred thousand of a tree that was given up would wait for one another in turn, each for a moment.
            None => self.run(call, key, false),
        }
    }
}

fn answer(call: &dyn Request, outcome: Outcome) {
    call.note_asked(true);
    call.answer(Outcome { usage: Usage::default(), ..outcome });
}

/// What is done once a call has ended; also should it be lost without an end.
struct Ending {
    shared: Arc<Shared>,
    key: Arc<Key>,
    /// The call, for as long as somebody else has it: it has this.
    call: Weak<dyn Request>,
    id: usize,
    is_first: bool,
}

impl Drop for Ending {
    fn drop(&mut self) {
        let outcome = self.call.upgrade().and_then(|call| call.outcome()).filter(is_kept);
        if let Some(outcome) = &outcome {
            let is_root = self.call.upgrade().is_some_and(|call| call.is_root());
            self.shared.memo.keep(&self.key, outcome, is_root);
        }
        if self.is_first {
            self.shared.left(&self.key, self.id, outcome.as_ref());
        }
    }
}
