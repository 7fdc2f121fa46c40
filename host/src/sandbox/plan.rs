//! A guest, ready to be instantiated in every shard.

use super::fault::{explain, is_pool_full};
use super::footprint::Footprint;
use super::host::func_type;
use super::parts::{Assembly, Items, Located, Passing};
use super::shards::{InUse, Shards};
use super::undo::{Initial, Undoing};
use super::warm::{Warm, own_bytes};
use super::way::Way;
use super::{Carried, Host, Room, Sandbox, Stock};
use crate::engine::{Compiled, Cost, Engines, Kind, is_short, now};
use crate::error::{Error, ErrorKind, Result};
use crate::instrument::Undo;
use crate::ir::Recipe;
use crate::ir::{CoreType, Item, Lifted, ResourceId};
use crate::limits::Limits;
use crate::value::Type;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use wasmtime::{AsContextMut as _, ExternType, Linker, Memory, Module};

/// About what an instance takes in the host's memory, with its part of the store, and what for each function, in bytes.
const INSTANCE: usize = 16 << 10;
const FUNCTION: usize = 32;

/// How to make a sandbox for calls of one guest.
pub(crate) struct Plan<D: Carried> {
    /// Tells this guest's sandboxes in the stock from others'.
    id: u64,
    engines: Arc<Engines>,
    stock: Arc<Stock<Sandbox<D>>>,
    limits: Limits,
    recipe: Recipe,
    /// How a sandbox's state is put back, if it can be; and the state.
    undo: Option<Undo>,
    initial: OnceLock<Initial>,
    /// Whether there was a call before: of the only one, the state is never put back.
    called: AtomicBool,
    /// How much of a sandbox's memory is its own once it is made, in bytes.
    made: OnceLock<usize>,
    /// The exported functions, in the audit's order.
    exports: Vec<Export>,
    kind: Kind,
    define: Box<Define<D>>,
    shards: Arc<Shards<D>>,
}

/// An exported function.
pub(crate) struct Export {
    pub(crate) name: String,
    /// The function's index in its core module.
    pub(crate) index: u32,
    /// Whether its calls change no state.
    pub(crate) stateless: bool,
    pub(crate) params: Vec<Type>,
    pub(crate) results: Vec<Type>,
}

/// Defines a function of the host's under a name.
pub(super) type Define<D> = dyn Fn(&mut Linker<Room<D>>, (&str, &str), &Host) -> wasmtime::Result<()> + Send + Sync;

/// A guest in one shard.
pub(super) struct Loaded<D: 'static> {
    pub(super) assembly: Assembly<D>,
    pub(super) located: Arc<Located>,
    pub(super) functions: Vec<Entry>,
    /// The number of the memory that most is written to, and for each function what is known of that.
    memory: Option<usize>,
    warm: Box<[Warm]>,
    /// How a sandbox's state is put back, if it can be.
    undoing: Option<Undoing>,
    /// About what the instances take beside memories and tables, in bytes.
    beside: usize,
    /// What is called once the instances are made.
    pub(super) initialize: Option<usize>,
    /// When a sandbox was last made of it, or dropped.
    pub(super) used: AtomicU64,
}

/// How an exported function is called.
pub(super) struct Entry {
    /// Numbers of located exports.
    pub(super) function: usize,
    pub(super) post_return: Option<usize>,
    /// `None` for a function of a core module.
    pub(super) passing: Option<Passing>,
    pub(super) receiver: Option<Receiving>,
}

/// How the resource that a method is called on is made and destroyed.
pub(super) struct Receiving {
    pub(super) constructor: Box<Entry>,
    pub(super) destructor: Option<usize>,
    /// The types of the constructor's parameters, and of the method's: the handle, and the rest.
    pub(super) made_of: Vec<Type>,
    pub(super) params: Vec<Type>,
}

impl<D: Carried> Plan<D> {
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn new(
        engines: Arc<Engines>,
        stock: Arc<Stock<Sandbox<D>>>,
        limits: &Limits,
        compiled: Compiled,
        recipe: Recipe,
        undo: Option<Undo>,
        exports: Vec<Export>,
        kind: Kind,
        define: impl Fn(&mut Linker<Room<D>>, (&str, &str), &Host) -> wasmtime::Result<()> + Send + Sync + 'static,
    ) -> Result<Plan<D>> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let shards = Arc::new(Shards::new(compiled, engines.shards()));
        let plan = Plan {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            engines,
            stock,
            limits: limits.clone(),
            recipe,
            undo,
            initial: OnceLock::new(),
            called: AtomicBool::new(false),
            made: OnceLock::new(),
            exports,
            kind,
            define: Box::new(define),
            shards,
        };
        // What cannot be linked is known now, before anything runs. And calls whose time is limited should not have to
        // load the guest in it.
        match plan.limits.timeout {
            Some(_) => (0..plan.engines.shards() - 1).try_for_each(|shard| plan.load(shard).map(drop))?,
            // Calls that cannot fork are often run by the thread that waits for them.
            None if kind == Kind::Leaf => drop(plan.load(plan.engines.outside())?),
            None => drop(plan.load(0)?),
        }
        Ok(plan)
    }

    /// A sandbox for a call of the exported function number `function`.
    ///
    /// `enter` has what is carried belong to the call.
    ///
    /// # Errors
    ///
    /// What the guest's start function fails with, or [`ErrorKind::Exhausted`].
    pub(crate) fn take(&self, shard: usize, function: u32, enter: &dyn Fn(&mut D)) -> Result<Box<Sandbox<D>>> {
        if self.way(function).reuses()
            && let Some(mut sandbox) = self.stock.take(self.id, shard)
        {
            enter(sandbox.carried());
            return Ok(sandbox);
        }
        let mut error = match self.make(shard, function, enter) {
            Err(error) if is_pool_full(&error) => error,
            made => return made.map_err(|error| self.explain(error, function)),
        };
        // The shard's pool is full: with calls that wait, or with sandboxes that are kept for later. Any other shard
        // will do; and what is kept for later has to make place.
        for clear in [false, true] {
            if clear {
                self.stock.clear();
            }
            for other in 0..self.engines.shards() {
                error = match self.make((shard + other) % self.engines.shards(), function, enter) {
                    // What the host is short of says more than that a shard is full.
                    Err(other) if is_pool_full(&other) => {
                        if is_short(&error) {
                            error
                        } else {
                            other
                        }
                    }
                    made => return made.map_err(|error| self.explain(error, function)),
                };
            }
        }
        Err(self.explain(error, function))
    }

    /// Takes a sandbox back after a call of a function, which has succeeded, if `ok`.
    pub(crate) fn give(&self, mut sandbox: Box<Sandbox<D>>, function: u32, ok: bool) {
        // A sandbox without has lost it when its call was dropped half way.
        let Some(loaded) = sandbox.loaded.take() else { return };
        if let Some(function) = sandbox.learns_from()
            && let Some(memory) = loaded.memory(&mut sandbox)
        {
            loaded.warm[function as usize].learn(memory.data(&sandbox.store));
        }
        // After an error there may be anything in it.
        let as_new = ok && sandbox.renew() && self.is_as_new(&mut sandbox, &loaded, function);
        sandbox.loaded = Some(loaded);
        if as_new {
            self.stock.put(sandbox);
        }
    }

    /// How calls of a function get a state of their own.
    fn way(&self, function: u32) -> Way {
        Way::of(self.exports[function as usize].stateless, self.undo.is_some())
    }

    /// Whether nothing is left in a sandbox of a call of this function, which has succeeded.
    fn is_as_new(&self, sandbox: &mut Sandbox<D>, loaded: &Loaded<D>, function: u32) -> bool {
        match self.way(function) {
            Way::Stateless => true,
            Way::Recycled => self.undo(sandbox, loaded),
            Way::Fresh => false,
        }
    }

    /// Puts back what a call has changed; false if that cannot be done.
    fn undo(&self, sandbox: &mut Sandbox<D>, loaded: &Loaded<D>) -> bool {
        let undoing = loaded.undoing.as_ref().zip(self.initial.get());
        undoing.is_some_and(|(undoing, initial)| undoing.undo(sandbox, &loaded.located, initial))
    }

    fn make(&self, shard: usize, function: u32, enter: &dyn Fn(&mut D)) -> wasmtime::Result<Box<Sandbox<D>>> {
        let mut carried = D::default();
        enter(&mut carried);
        // That takes a while, and many calls may have been given up at a time.
        if let Some(error) = carried.stopped() {
            return Err(super::Stop(error).into());
        }
        let permit = self.engines.permit(self.kind, shard).ok_or(super::fault::Full)?;
        let loaded = self.load(shard).map_err(|error| wasmtime::Error::from(super::Stop(error)))?;
        let engine = self.engines.get(self.kind, shard).map_err(|error| wasmtime::Error::from(super::Stop(error)))?;
        let place = (self.id, shard, permit);
        let mut sandbox = Box::new(Sandbox::new(engine, &loaded, self.kind, place, &self.limits, carried)?);
        if self.way(function).reuses() {
            sandbox.footprint = self.footprint(&loaded, &mut sandbox);
        }
        if let Some(undoing) = &loaded.undoing
            && self.initial.get().is_none()
            && self.called.swap(true, Ordering::Relaxed)
        {
            let initial = undoing.initial(&mut sandbox.store, &loaded.located);
            let _ = self.initial.set(initial.ok_or_else(|| wasmtime::format_err!("it has no state"))?);
        }
        if let Some(memory) = loaded.memory(&mut sandbox) {
            let warm = &loaded.warm[function as usize];
            if warm.looks(memory.data_size(&sandbox.store)) {
                sandbox.learn_from(function);
            } else {
                let footprint = &mut sandbox.footprint;
                warm.give(memory.data_mut(&mut sandbox.store), &mut |bytes| footprint.write(bytes));
            }
        }
        sandbox.loaded = Some(InUse::new(loaded));
        Ok(sandbox)
    }

    /// What a sandbox that was just made holds.
    fn footprint(&self, loaded: &Loaded<D>, sandbox: &mut Sandbox<D>) -> Footprint {
        let memory = loaded.memory(sandbox);
        let memory = memory.as_ref().map(|memory| memory.data(&sandbox.store)).unwrap_or_default();
        // Making instances does the same each time; so it is looked at once.
        let made = *self.made.get_or_init(|| own_bytes(memory).saturating_add(loaded.margin()));
        let others = sandbox.store.data().limiter.bytes().saturating_sub(memory.len());
        Footprint::new(loaded.beside.saturating_add(others), memory, made)
    }

    /// The guest in a shard, loaded if it is not.
    fn load(&self, shard: usize) -> Result<Arc<Loaded<D>>> {
        if let Some(loaded) = self.shards.get(shard) {
            return Ok(loaded);
        }
        let (loaded, cost) = self.load_anew(shard).or_else(|error| match error.kind() {
            ErrorKind::Exhausted => {
                // What is kept for later has to make place.
                self.stock.clear();
                self.engines.unload();
                self.load_anew(shard)
            }
            _ => Err(error),
        })?;
        let (loaded, first) = self.shards.put(shard, loaded);
        let weak: Weak<Shards<D>> = Arc::downgrade(&self.shards);
        if first && !self.engines.loaded(weak, shard, cost) {
            // What is kept for later has guests in use.
            self.stock.clear();
            self.engines.trim();
        }
        Ok(loaded)
    }

    fn load_anew(&self, shard: usize) -> Result<(Loaded<D>, Cost)> {
        let engine = self.engines.get(self.kind, shard)?;
        let modules = self.shards.compiled.load(&self.engines, shard)?;
        let mut items = Items::new();
        let may_wait = self.kind == Kind::Forking;
        let hosts: Vec<Host> = self
            .recipe
            .host
            .iter()
            .map(|function| Host::new(engine, function, &self.recipe, (may_wait, self.limits.output), &mut items))
            .collect();
        let undoing = self.undo.as_ref().map(|undo| Undoing::new(undo, &mut items));
        let memory = own_memory(&self.recipe, &modules).map(|item| items.memory(&item));
        let functions: Vec<_> = {
            let all = self.recipe.functions.iter().zip(&self.exports);
            all.map(|(function, export)| {
                let receiver = receiving(engine, function, &export.params, &self.recipe, &mut items);
                Entry { receiver, ..entry(engine, function, &mut items) }
            })
            .collect()
        };
        let initialize = self.recipe.initialize.as_ref().map(|item| items.function(item, func_type(engine, &[], &[])));
        let located = Arc::new(items.locate(&self.recipe, &modules, undoing.as_ref().and_then(Undoing::margin))?);
        let assembly = Assembly::new(engine, &self.recipe, &modules, &hosts, &located, &*self.define)
            .map_err(|error| Error::new(ErrorKind::Unsupported, format!("the module cannot be linked: {error:#}")))?;
        let warm = functions.iter().map(|_| Warm::default()).collect();
        let beside = self.recipe.steps.iter().filter_map(|step| modules.get(step.module as usize));
        let beside = beside.map(|module| INSTANCE + FUNCTION * module.functions().len()).sum();
        let cost = self.shards.compiled.cost(&modules);
        let used = AtomicU64::new(now());
        let loaded = Loaded { assembly, located, functions, memory, warm, undoing, beside, initialize, used };
        Ok((loaded, cost))
    }

    /// What the audit knows of how an exported function is called.
    pub(super) fn lifted(&self, function: u32) -> &Lifted {
        &self.recipe.functions[function as usize]
    }

    /// The types of an exported function's parameters and results.
    pub(super) fn signature(&self, function: u32) -> (&[Type], &[Type]) {
        let export = &self.exports[function as usize];
        (&export.params, &export.results)
    }

    /// An exported function's name, fit to be shown.
    pub(super) fn name(&self, function: u32) -> String {
        crate::escape::shown(&self.exports[function as usize].name)
    }

    pub(super) fn explain(&self, error: wasmtime::Error, function: u32) -> Error {
        self.explain_call(error, function, false)
    }

    /// What happened to a call. `refused`: it was refused memory before.
    pub(super) fn explain_call(&self, error: wasmtime::Error, function: u32, refused: bool) -> Error {
        let exported = |index: u32| {
            // An index means nothing where there are several modules.
            if self.recipe.steps.len() != 1 {
                return None;
            }
            let export = self.exports.iter().find(|export| export.index == index).map(|export| &export.name);
            let initialize = self.recipe.initialize.as_ref().filter(|_| self.recipe.initialize_index == Some(index));
            export.or(initialize.map(|item| &item.name)).map(|name| crate::escape::shown(name))
        };
        explain(error, &self.name(function), refused, &exported)
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }
}

impl<D: Carried> Loaded<D> {
    /// Bytes in front of the guest's memory.
    pub(super) fn margin(&self) -> usize {
        self.undoing.as_ref().and_then(Undoing::margin).map_or(0, |margin| margin.bytes as usize)
    }

    /// What a memory with such bytes in front may grow to by its declaration, in bytes.
    pub(super) fn maximum(&self) -> Option<usize> {
        self.undoing.as_ref().and_then(Undoing::maximum)
    }

    /// The memory that calls write to, if the guest exports one.
    fn memory(&self, sandbox: &mut Sandbox<D>) -> Option<Memory> {
        self.located.memory(sandbox.store.as_context_mut(), self.memory?)
    }
}

/// The first memory that one of the modules defines and exports.
fn own_memory(recipe: &Recipe, modules: &[Module]) -> Option<Item> {
    recipe.steps.iter().zip(0..).find_map(|(step, instance)| {
        let module = modules.get(step.module as usize)?;
        if module.imports().any(|import| matches!(import.ty(), ExternType::Memory(_))) {
            return None;
        }
        let plain = |ty| matches!(ty, ExternType::Memory(memory) if !memory.is_64());
        let export = module.exports().find(|export| plain(export.ty()))?;
        Some(Item { instance, name: export.name().to_owned() })
    })
}

fn entry(engine: &wasmtime::Engine, function: &Lifted, items: &mut Items) -> Entry {
    Entry {
        function: items.function(&function.function, func_type(engine, &function.params, &function.results)),
        post_return: function
            .post_return
            .as_ref()
            .map(|item| items.function(item, func_type(engine, &function.results, &[] as &[CoreType]))),
        passing: function.canon.as_ref().map(|canon| items.passing(engine, canon)),
        receiver: None,
    }
}

fn receiving(
    engine: &wasmtime::Engine,
    function: &Lifted,
    params: &[Type],
    recipe: &Recipe,
    items: &mut Items,
) -> Option<Receiving> {
    let receiver = function.receiver.as_ref()?;
    let destructor = match receiver.given.resource {
        ResourceId::Own { number, .. } => recipe.destructors.get(number as usize).and_then(Option::as_ref),
        ResourceId::Future(_) | ResourceId::Wasi(_) => None,
    };
    let (made_of, rest) = params.split_at_checked(receiver.params)?;
    Some(Receiving {
        constructor: Box::new(entry(engine, &receiver.constructor, items)),
        destructor: destructor.map(|item| items.function(item, func_type(engine, &[CoreType::I32], &[]))),
        made_of: made_of.to_vec(),
        params: [Type::U32].into_iter().chain(rest.iter().cloned()).collect(),
    })
}

impl<D: Carried> Drop for Plan<D> {
    fn drop(&mut self) {
        self.stock.purge(self.id);
    }
}
