//! The calls that run, by what is called: another one with the same key waits for the one that came first.
//!
//! # Why nobody waits for ever
//!
//! A call waits for the calls below it; and one that has joined another, for that one. If these went round in a circle, nobody in it
//! would ever end. So before a call joins another, the calls that would wait for it are looked at: those above it; those that have
//! joined one of these, and those above them; and so on. If the other is among them, there would be a circle, and the call runs by itself.
//! All joining is under one lock, so no two calls close a circle together. Nothing else makes a circle: a call that is forked later is below
//! its parent, has nobody that waits for it but those, and is looked at in the same way when it joins. That a call may not wait for
//! what is below it changes nothing: it is taken to, which only has a few calls run that could have joined.
//!
//! The look ends after so many steps; then the call runs by itself, too. So an endless recursion runs until it is as deep as it may be, and
//! fails with that, as it does without a memory of results.
//!
//! A call whose time is limited joins only those that end no later.

use super::key::{Hashed, Key};
use crate::backend::Request;
use crate::process;
use crossbeam_utils::CachePadded;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

const SHARDS: usize = 32;

/// How many calls are looked at, at most, before one joins another.
const MOST_STEPS: usize = 256;

/// The calls that run, by what is called.
pub(super) struct InFlight {
    shards: Box<[CachePadded<Mutex<Flights>>]>,
    joined: Mutex<Joined>,
    generation: u32,
}

type Flights = HashMap<Arc<Key>, Flight, BuildHasherDefault<Hashed>>;

/// One call that runs, the first with its key.
struct Flight {
    first: Weak<dyn Request>,
    /// Whether others have joined it.
    has_joiners: bool,
}

/// Who waits for whom.
#[derive(Default)]
struct Joined {
    /// Those that wait for a call, by its number.
    joiners: HashMap<usize, Vec<Joiner>>,
    /// For each of these, by its number, the call that it waits for.
    first: HashMap<usize, Weak<dyn Request>>,
}

/// A call that waits for another one with the same key. It is held.
pub(super) struct Joiner {
    pub(super) call: Arc<dyn Request>,
    pub(super) key: Arc<Key>,
}

/// What becomes of a call that has entered.
pub(super) enum Entered {
    /// It is the first with its key, until it leaves.
    First,
    /// It waits for the first.
    Joined,
    /// There is a first that it must not wait for.
    Alone,
}

impl InFlight {
    pub(super) fn new() -> InFlight {
        let shards = (0..SHARDS).map(|_| CachePadded::default()).collect();
        InFlight { shards, joined: Mutex::default(), generation: process::generation() }
    }

    /// Enters a call, which is held. `late`: told under the lock that there is no first; if it gives something, a result has just
    /// come, and nobody enters.
    pub(super) fn enter<R>(
        &self,
        key: &Arc<Key>,
        call: &Arc<dyn Request>,
        may_join: bool,
        late: impl FnOnce() -> Option<R>,
    ) -> Result<Entered, R> {
        // Dropped after the locks are free: it may be the last who has the call, and then code of a user's runs.
        let first;
        let Some(mut flights) = self.flights(key) else { return Ok(Entered::Alone) };
        let Some(flight) = flights.get_mut(key) else {
            return match late() {
                Some(result) => Err(result),
                None => {
                    flights.insert(key.clone(), Flight { first: Arc::downgrade(call), has_joiners: false });
                    Ok(Entered::First)
                }
            };
        };
        first = flight.first.upgrade().filter(|_| may_join);
        if let Some(first) = &first
            && in_time(&**call, &**first)
            && let Some(mut joined) = process::lock(self.generation, &self.joined)
            && joined.is_free_of_circles(&**call, &**first)
        {
            joined.first.insert(call.id(), flight.first.clone());
            let joiner = Joiner { call: call.clone(), key: key.clone() };
            joined.joiners.entry(first.id()).or_default().push(joiner);
            flight.has_joiners = true;
            return Ok(Entered::Joined);
        }
        Ok(Entered::Alone)
    }

    /// The first with its key, of that number, has ended, or was lost; gives those that wait for it.
    pub(super) fn leave(&self, key: &Key, first: usize) -> Vec<Joiner> {
        let flight = self.flights(key).and_then(|mut flights| flights.remove(key));
        if !flight.is_some_and(|flight| flight.has_joiners) {
            return Vec::new();
        }
        let Some(mut joined) = process::lock(self.generation, &self.joined) else { return Vec::new() };
        let joiners = joined.joiners.remove(&first).unwrap_or_default();
        for joiner in &joiners {
            joined.first.remove(&joiner.call.id());
        }
        joiners
    }

    /// The call that this one waits for, if it has ended; this one does not wait for it any more.
    pub(super) fn take_ended(&self, call: usize) -> Option<(Arc<dyn Request>, Joiner)> {
        // As above.
        let first;
        let mut joined = process::lock(self.generation, &self.joined)?;
        first = joined.first.get(&call)?.upgrade()?;
        if !first.cell().is_done() {
            return None;
        }
        joined.first.remove(&call);
        let joiners = joined.joiners.get_mut(&first.id())?;
        let place = joiners.iter().position(|joiner| joiner.call.id() == call)?;
        let joiner = joiners.swap_remove(place);
        drop(joined);
        Some((first, joiner))
    }

    fn flights(&self, key: &Key) -> Option<MutexGuard<'_, Flights>> {
        // Other bits than the table goes by.
        process::lock(self.generation, &self.shards[(key.hash() >> 32) as usize % SHARDS])
    }
}

/// Whether a call that waits for another does not wait longer than it may run.
fn in_time(call: &dyn Request, first: &dyn Request) -> bool {
    call.deadline().is_none_or(|own| first.deadline().is_some_and(|other| other <= own))
}

impl Joined {
    /// Whether nobody waits for himself once `call` waits for `first`.
    fn is_free_of_circles(&self, call: &dyn Request, first: &dyn Request) -> bool {
        let mut seen: HashSet<usize> = HashSet::new();
        let mut pending = vec![call];
        let mut steps = 0;
        while let Some(waiting) = pending.pop() {
            let mut next = Some(waiting);
            while let Some(call) = next {
                let id = call.id();
                steps += 1;
                if id == first.id() || steps > MOST_STEPS {
                    return false;
                }
                // Where nobody has joined anyone, the only way is up, and ends.
                if !self.joiners.is_empty() {
                    if !seen.insert(id) {
                        break;
                    }
                    let joiners = self.joiners.get(&id).into_iter().flatten();
                    // Many may wait for one: each of them is a step.
                    for joiner in joiners {
                        steps += 1;
                        if steps > MOST_STEPS {
                            return false;
                        }
                        pending.push(&*joiner.call);
                    }
                }
                next = call.parent();
            }
        }
        true
    }
}
