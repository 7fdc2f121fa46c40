//! A guest that can be called: where its sandboxes come from, and where they go.

use super::data::{CallState, Interrupts};
use super::error::{Full, Refusals, Stop, is_pool_full};
use super::guest::Guest;
use super::host::HostSettings;
use super::instance::{Definition, InUse, Loaded, Shards};
use super::lifecycle::{Invocation, Sandbox};
use super::reuse::{Footprint, InitialState, ReusePolicy, SandboxPool, own_bytes};
use crate::engine::{Cost, Engines, Kind, is_short};
use crate::error::{ErrorKind, Result};
use crate::instrument::ResetPlan;
use crate::ir::Facts;
use crate::limits::Limits;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

/// What the sandboxes of all guests have in common.
pub(crate) struct Sandboxes {
    pub(crate) engines: Arc<Engines>,
    pub(crate) pool: Arc<SandboxPool<Sandbox>>,
    pub(crate) limits: Limits,
    /// Whether a guest's fork returns once the child is complete.
    pub(crate) inline: bool,
    /// What stops calls that nobody can cancel.
    pub(crate) executor: Arc<dyn CallState>,
}

/// How to make a sandbox for calls of one guest.
pub(crate) struct Plan {
    /// Tells this guest's sandboxes in the pool from others'.
    id: u64,
    shared: Arc<Sandboxes>,
    definition: Arc<Definition>,
    /// How a sandbox's state is reset, if it can be; and the state.
    reset: Option<ResetPlan>,
    initial: OnceLock<InitialState>,
    /// Whether a sandbox was made before. The initial state is taken from the second one on: a guest that is called once never
    /// needs it.
    called: AtomicBool,
    /// How much of a sandbox's memory is its own once it is made, in bytes.
    made: OnceLock<usize>,
    kind: Kind,
    shards: Arc<Shards>,
}

impl Plan {
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where the compiled modules are not what the audit has read.
    pub(crate) fn new(shared: Arc<Sandboxes>, guest: Guest) -> Result<Plan> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let Guest { facts, recipe, reset, compiled, heap } = guest;
        let limits = Limits { heap, ..shared.limits.clone() };
        let kind = Guest::kind(&facts);
        let plan = Plan {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            definition: Arc::new(Definition { facts: Arc::new(facts), recipe, limits }),
            reset: reset.ok(),
            initial: OnceLock::new(),
            called: AtomicBool::new(false),
            made: OnceLock::new(),
            kind,
            shards: Arc::new(Shards::new(compiled, shared.engines.shards())),
            shared,
        };
        let engines = &plan.shared.engines;
        // What cannot be linked is known now, before anything runs. And calls whose time is limited should not have to
        // load the guest in it.
        match plan.shared.limits.timeout {
            Some(_) => (0..engines.shards() - 1).try_for_each(|shard| plan.load(shard).map(drop))?,
            // Calls that cannot fork are often run by the thread that waits for them.
            None if kind == Kind::Leaf => drop(plan.load(engines.outside())?),
            None => drop(plan.load(0)?),
        }
        Ok(plan)
    }

    /// What the audit found out.
    pub(crate) fn facts(&self) -> &Arc<Facts> {
        &self.definition.facts
    }

    /// A sandbox that is ready for a call.
    ///
    /// # Errors
    ///
    /// Why the call must not start, what the guest's start function fails with, or [`ErrorKind::Exhausted`].
    #[inline]
    pub(crate) fn take(&self, shard: usize, invocation: Invocation) -> Result<Box<Sandbox>> {
        let function = invocation.function;
        let mut sandbox = match self.pooled(shard, function) {
            Some(sandbox) => sandbox,
            None => self.make(shard, &invocation)?,
        };
        match sandbox.begin_call(invocation) {
            Ok(()) => Ok(sandbox),
            Err(error) => {
                // Nothing has happened in it, and nothing can be learnt from it.
                sandbox.sampled();
                self.give(sandbox, function, true);
                Err(error)
            }
        }
    }

    #[inline]
    fn pooled(&self, shard: usize, function: u32) -> Option<Box<Sandbox>> {
        if self.policy(function).reuses() { self.shared.pool.take(self.id, shard) } else { None }
    }

    /// A new sandbox: of that shard, or of any other one that has a place left.
    fn make(&self, shard: usize, invocation: &Invocation) -> Result<Box<Sandbox>> {
        let function = invocation.function;
        let mut error = match self.make_in(shard, invocation) {
            Err(error) if is_pool_full(&error) => error,
            made => return made.map_err(|error| self.definition.explain(error, function, Refusals::default())),
        };
        let shards = self.shared.engines.shards();
        // The shard's pool is full: with calls that wait, or with pooled sandboxes. Any other shard
        // will do; and the pool has to make place.
        for clear in [false, true] {
            if clear {
                self.shared.pool.clear();
            }
            for other in 0..shards {
                error = match self.make_in((shard + other) % shards, invocation) {
                    // What the host is short of says more than that a shard is full.
                    Err(other) if is_pool_full(&other) => {
                        if is_short(&error) {
                            error
                        } else {
                            other
                        }
                    }
                    made => return made.map_err(|error| self.definition.explain(error, function, Refusals::default())),
                };
            }
        }
        Err(self.definition.explain(error, function, Refusals::default()))
    }

    /// Takes a sandbox back after a call of a function, which has succeeded, if `ok`.
    pub(crate) fn give(&self, sandbox: Box<Sandbox>, function: u32, ok: bool) {
        if let Some(sandbox) = self.renew(sandbox, function, ok) {
            self.keep(sandbox);
        }
    }

    /// Keeps a sandbox that is as new for whoever needs one.
    pub(crate) fn keep(&self, sandbox: Box<Sandbox>) {
        self.shared.pool.put(sandbox);
    }

    /// Makes a sandbox as new, after a call of a function, which has succeeded, if `ok`. None if it cannot serve again.
    #[inline]
    pub(crate) fn renew(&self, mut sandbox: Box<Sandbox>, function: u32, ok: bool) -> Option<Box<Sandbox>> {
        // A sandbox without has lost it when its call was dropped half way.
        let loaded = sandbox.loaded.take()?;
        if let Some(function) = sandbox.sampled()
            && let Some(memory) = loaded.memory(&mut sandbox.store)
        {
            loaded.functions[function as usize].prefault.learn(memory.data(&sandbox.store));
        }
        // After an error there may be anything in it.
        let as_new = ok && sandbox.end_call() && self.is_as_new(&mut sandbox, &loaded, function);
        sandbox.loaded = Some(loaded);
        as_new.then_some(sandbox)
    }

    /// Makes a sandbox as new for the next call of the same function and caller, after one that has succeeded; false if it cannot serve
    /// again.
    #[inline]
    pub(crate) fn renew_for_next(&self, sandbox: &mut Sandbox, function: u32) -> bool {
        let Some(loaded) = sandbox.loaded.take() else { return false };
        let as_new = sandbox.end_for_next() && self.is_as_new(sandbox, &loaded, function);
        sandbox.loaded = Some(loaded);
        as_new
    }

    /// How calls of a function get a state of their own.
    #[inline]
    fn policy(&self, function: u32) -> ReusePolicy {
        ReusePolicy::of(self.definition.function(function).stateless.is_ok(), self.reset.is_some())
    }

    /// Whether nothing is left in a sandbox of a call of this function, which has succeeded.
    #[inline]
    fn is_as_new(&self, sandbox: &mut Sandbox, loaded: &Loaded, function: u32) -> bool {
        match self.policy(function) {
            ReusePolicy::Stateless => true,
            ReusePolicy::Recycled => {
                let Some((reset, initial)) = loaded.reset.as_ref().zip(self.initial.get()) else { return false };
                let most = self.shared.pool.most_bytes();
                reset.run(&mut sandbox.store, &mut sandbox.footprint, &loaded.exports, initial, most)
            }
            ReusePolicy::Fresh => false,
        }
    }

    fn make_in(&self, shard: usize, invocation: &Invocation) -> wasmtime::Result<Box<Sandbox>> {
        let Invocation { function, call, deadline, fuel: _, world: _ } = invocation;
        let (function, shared) = (*function, &*self.shared);
        let mut interrupts = Interrupts::new(shared.executor.clone());
        interrupts.begin_call(call.clone(), *deadline);
        // Making one takes a while, and many calls may have been given up at a time.
        if let Some(stopped) = interrupts.stopped() {
            return Err(stopped);
        }
        let permit = shared.engines.permit(self.kind, shard).ok_or(Full)?;
        let loaded = self.load(shard).map_err(|error| wasmtime::Error::from(Stop(error)))?;
        let engine = shared.engines.get(self.kind, shard).map_err(|error| wasmtime::Error::from(Stop(error)))?;
        let place = (self.id, shard, permit);
        let mut sandbox = Box::new(Sandbox::new(engine, InUse::new(loaded.clone()), self.kind, place, interrupts)?);
        if self.policy(function).reuses() {
            sandbox.footprint = self.footprint(&loaded, &mut sandbox);
            let Sandbox { store, footprint, .. } = &mut *sandbox;
            loaded.populate(store, &mut |bytes| footprint.write(bytes));
        }
        if let Some(reset) = &loaded.reset
            && self.initial.get().is_none()
            && self.called.swap(true, Ordering::Relaxed)
        {
            let initial = reset.initial(&mut sandbox.store, &loaded.exports);
            let _ = self.initial.set(initial.ok_or_else(|| wasmtime::format_err!("it has no state"))?);
        }
        if let Some(memory) = loaded.memory(&mut sandbox.store) {
            let prefault = &loaded.functions[function as usize].prefault;
            if prefault.looks(memory.data_size(&sandbox.store)) {
                sandbox.sample(function);
            } else {
                let Sandbox { store, footprint, .. } = &mut *sandbox;
                prefault.give(memory.data_mut(store), &mut |bytes| footprint.write(bytes));
            }
        }
        Ok(sandbox)
    }

    /// What a sandbox that was just made holds.
    fn footprint(&self, loaded: &Loaded, sandbox: &mut Sandbox) -> Footprint {
        let memory = loaded.memory(&mut sandbox.store);
        let memory = memory.as_ref().map(|memory| memory.data(&sandbox.store)).unwrap_or_default();
        // Making instances does the same each time; so it is looked at once.
        let made = *self.made.get_or_init(|| own_bytes(memory).saturating_add(loaded.card_table()));
        let others = sandbox.store.data().limiter.bytes().saturating_sub(memory.len());
        Footprint::new(loaded.beside.saturating_add(others), memory, made)
    }

    /// The guest in a shard, loaded if it is not.
    fn load(&self, shard: usize) -> Result<Arc<Loaded>> {
        if let Some(loaded) = self.shards.get(shard) {
            return Ok(loaded);
        }
        let Sandboxes { engines, pool, .. } = &*self.shared;
        let (loaded, cost) = self.load_anew(shard).or_else(|error| match error.kind() {
            ErrorKind::Exhausted => {
                // The pool has to make place.
                pool.clear();
                engines.unload();
                self.load_anew(shard)
            }
            _ => Err(error),
        })?;
        let (loaded, first) = self.shards.put(shard, loaded);
        let weak: Weak<Shards> = Arc::downgrade(&self.shards);
        if first && !engines.loaded(weak, shard, cost) {
            // Pooled sandboxes have guests in use.
            pool.clear();
            engines.trim();
        }
        Ok(loaded)
    }

    fn load_anew(&self, shard: usize) -> Result<(Loaded, Cost)> {
        let Sandboxes { engines, limits, inline, .. } = &*self.shared;
        let engine = engines.get(self.kind, shard)?;
        let modules = self.shards.compiled.load(engines, shard)?;
        let settings = HostSettings { may_wait: self.kind == Kind::Forking, inline: *inline, output: limits.output };
        let loaded = Loaded::new(engine, &self.definition, &modules, self.reset.as_ref(), settings)?;
        Ok((loaded, self.shards.compiled.cost(&modules)))
    }
}

impl Drop for Plan {
    fn drop(&mut self) {
        self.shared.pool.purge(self.id);
    }
}
