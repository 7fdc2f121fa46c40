//! A sandbox's life: it is made, begins a call, ends it, and begins the next.

use super::data::{CallState, Interrupts, StoreData};
use super::error::AfterRefusal;
use super::exception::ended;
use super::instance::InUse;
use super::ready::ready;
use super::reuse::{Footprint, Reusable};
use crate::engine::{Kind, Permit};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Usage;
use crate::wasi::{GivenWorld, Output};
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::Instant;
use wasmtime::{Engine, Store, Trap, UpdateDeadline};

/// A call that a sandbox is wanted for.
pub(crate) struct Invocation {
    pub(crate) function: u32,
    /// None for a call that nobody can cancel and that cannot fork.
    pub(crate) call: Option<Arc<dyn CallState>>,
    pub(crate) deadline: Option<Instant>,
    /// What it may use, if that is less than the limit. How much it has used is then not known.
    pub(crate) fuel: Option<u64>,
    /// What WASI gives to it.
    pub(crate) world: Option<Arc<GivenWorld>>,
}

/// An instance with everything that belongs to it.
pub(crate) struct Sandbox {
    pub(super) store: Store<StoreData>,
    /// What it holds, if it may serve again.
    pub(super) footprint: Footprint,
    /// What it was made of; lent to the call that runs.
    pub(super) loaded: Option<InUse>,
    guest: u64,
    shard: usize,
    /// The function whose calls' dirty pages are sampled when this one ends.
    sampled: Option<u32>,
    /// How many calls it has served.
    served: u32,
    /// Whether a call has ended in the midst of the guest's code.
    unwound: bool,
    /// Given back once everything above is.
    _permit: Permit,
}

/// How many calls a sandbox serves: wasmtime counts some things of a store in 32 bits.
const MOST_SERVED: u32 = 1 << 20;

/// The fuel that a store is given for a limit: one unit more, as wasmtime says that none is left when the last one is used. What
/// has used its whole limit, and no more, has succeeded.
fn budget(limit: u64) -> u64 {
    limit.saturating_add(1)
}

impl Sandbox {
    /// Makes a sandbox for calls of the guest that was loaded, and of which `place` is the number, the shard, and the right to it.
    pub(super) fn new(
        engine: &Engine,
        loaded: InUse,
        kind: Kind,
        place: (u64, usize, Permit),
        interrupts: Interrupts,
    ) -> wasmtime::Result<Sandbox> {
        let limits = &loaded.definition.limits;
        let data = StoreData::new(limits, loaded.card_table(), loaded.maximum(), interrupts);
        let mut store = Store::new(engine, data);
        store.limiter(|data| data);
        store.epoch_deadline_callback(|cx| match cx.data().interrupts.stopped() {
            Some(error) => Err(error),
            None => Ok(UpdateDeadline::Continue(1)),
        });
        // Start functions have a call's fuel to themselves: instantiation is not charged.
        store.set_fuel(budget(limits.fuel).saturating_add(loaded.definition.facts.startup_fuel))?;
        store.set_epoch_deadline(1);
        // Of modules, the audit refuses those that could wait here; and a fork outside of a call is a trap.
        let made = ready(loaded.instantiate(&mut store, kind == Kind::Forking));
        let made = made.unwrap_or_else(|| Err(wasmtime::format_err!("the start function waits for something")));
        let refused = store.data().call.refusals.by_limit && !loaded.definition.facts.collected;
        made.map_err(|error| {
            let error = ended(&mut store, error);
            if refused { error.context(AfterRefusal) } else { error }
        })?;
        if store.get_fuel()? == 0 {
            return Err(Trap::OutOfFuel.into());
        }
        store.data_mut().made();
        Ok(Sandbox {
            store,
            footprint: Footprint::default(),
            loaded: Some(loaded),
            guest: place.0,
            shard: place.1,
            sampled: None,
            served: 0,
            unwound: false,
            _permit: place.2,
        })
    }

    /// Has this call's dirty pages sampled when it ends.
    pub(super) fn sample(&mut self, function: u32) {
        self.sampled = Some(function);
    }

    /// The function whose calls' dirty pages are to be sampled, once.
    pub(super) fn sampled(&mut self) -> Option<u32> {
        self.sampled.take()
    }

    /// Gives it to a call: with its fuel, its deadline, and what may stop it.
    ///
    /// # Errors
    ///
    /// Why the call must not start. The sandbox is as it was.
    #[inline]
    pub(crate) fn begin_call(&mut self, invocation: Invocation) -> Result<()> {
        let Invocation { function, call, deadline, fuel: most, world } = invocation;
        let data = self.store.data_mut();
        data.interrupts.begin_call(call, deadline);
        data.world = world;
        let limit = self.loaded.as_ref().map_or(0, |loaded| loaded.definition.limits.fuel);
        let fuel = most.map_or(limit, |most| most.min(limit));
        self.store.set_fuel(budget(fuel)).map_err(|error| self.explain(function, error))?;
        self.store.set_epoch_deadline(1);
        // Who stops a call says so first and interrupts then. Either the epoch's deadline was set by what had been counted before,
        // and the guest sees the interrupt; or that came before, and what was said is seen here.
        fence(Ordering::Acquire);
        match self.store.data().interrupts.stopped() {
            Some(error) => Err(self.explain(function, error)),
            None => Ok(()),
        }
    }

    /// Makes it one that has served no call, but for what the guest has changed; false if it has served enough.
    pub(super) fn end_call(&mut self) -> bool {
        self.served += 1;
        self.store.data_mut().end_call();
        self.served < MOST_SERVED && !self.unwound
    }

    /// The call has ended in the midst of the guest's code: the sandbox is not used again.
    pub(super) fn unwound(&mut self) {
        self.unwound = true;
    }

    /// Gives it to a call that follows another of the same caller's, which has ended: with its fuel. What may stop it is as it was, and is not
    /// looked at: who stops calls interrupts the guest, which looks where it is entered.
    #[inline]
    pub(crate) fn begin_next(&mut self, fuel: u64) -> bool {
        self.store.set_fuel(budget(fuel)).is_ok()
    }

    /// Makes it one that has served no call of its caller's but for what the guest has changed, and what may stop its calls; false if it has
    /// served enough.
    #[inline]
    pub(super) fn end_for_next(&mut self) -> bool {
        self.served += 1;
        self.store.data_mut().end_for_next();
        self.served < MOST_SERVED && !self.unwound
    }

    /// The fuel that a call has used that forks nothing, of so much.
    pub(crate) fn fuel_used(&self, limit: u64) -> u64 {
        budget(limit).saturating_sub(self.store.get_fuel().unwrap_or(0)).min(limit)
    }

    /// Lets go of what may stop the call, which has ended.
    pub(crate) fn forget_call(&mut self) {
        let data = self.store.data_mut();
        data.interrupts.end_call();
        data.world = None;
    }

    /// The fuel that the call has used itself, and what it has used with the children that it waited for. Its futures are dropped.
    /// After an error, only the first has a meaning: so much was used at least.
    pub(crate) fn usage(&mut self) -> (u64, Usage) {
        let children = self.store.data_mut().call.futures.take().map(|futures| futures.end()).unwrap_or_default();
        let limit = self.loaded.as_ref().map_or(0, |loaded| loaded.definition.limits.fuel);
        let fuel = budget(limit).saturating_sub(self.store.get_fuel().unwrap_or(0)).min(limit);
        (fuel, Usage { fuel: fuel.saturating_add(children.fuel), ..children })
    }

    /// How much memory the call has, in bytes: of all memories of its instances, none of which ever gets smaller.
    #[inline]
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.store.data().limiter.memory_bytes() as u64
    }

    /// Whether the call has used no more fuel than its limit.
    ///
    /// # Errors
    ///
    /// As wasmtime's own, where it has.
    #[inline]
    pub(super) fn within_fuel(&self) -> wasmtime::Result<()> {
        if self.store.get_fuel()? == 0 { Err(Trap::OutOfFuel.into()) } else { Ok(()) }
    }

    /// How many futures the call has left: not dropped, or, by a core module, not waited for.
    pub(crate) fn futures(&self) -> usize {
        let numbers = self.loaded.as_ref().is_some_and(|loaded| !loaded.definition.facts.component);
        self.store.data().call.futures.as_ref().map_or(0, |futures| futures.alive(numbers))
    }

    pub(super) fn explain(&mut self, function: u32, error: wasmtime::Error) -> Error {
        let error = ended(&mut self.store, error);
        let call = &self.store.data().call;
        let Some(loaded) = &self.loaded else {
            return Error::new(ErrorKind::Exhausted, format!("the sandbox was lost: {error:#}"));
        };
        let error = loaded.definition.explain(error, function, call.refusals);
        // A child's error has notes of its own.
        let notes = call.wasi.as_ref().and_then(|state| state.notes());
        let notes = notes.filter(|_| {
            // Whoever waits for time to pass comes to the end of something else.
            let ended = matches!(error.kind(), ErrorKind::Trap | ErrorKind::OutOfFuel | ErrorKind::Timeout);
            ended && error.chain().is_empty()
        });
        match (notes, error.help()) {
            (Some(notes), None) => error.with_help(notes),
            (Some(notes), Some(help)) => {
                let help = format!("{help}; {notes}");
                error.with_help(help)
            }
            (None, _) => error,
        }
    }

    /// What the call wrote by way of WASI.
    #[inline]
    pub(crate) fn take_output(&mut self) -> Option<Arc<Output>> {
        if self.store.data().call.wasi.is_none() { None } else { self.take_written() }
    }

    fn take_written(&mut self) -> Option<Arc<Output>> {
        let state = self.store.data_mut().call.wasi.take()?;
        let output = state.into_output();
        (output != Output::default()).then(|| Arc::new(output))
    }
}

impl Reusable for Sandbox {
    fn guest(&self) -> u64 {
        self.guest
    }

    fn shard(&self) -> usize {
        self.shard
    }

    fn bytes(&self) -> usize {
        self.footprint.bytes()
    }
}
