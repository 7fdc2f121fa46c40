//! A guest, ready to be instantiated in every shard.

use super::fault::{explain, is_pool_full};
use super::host::func_type;
use super::parts::{Assembly, Items, Located, Passing};
use super::{Carried, Host, Room, Sandbox, Stock};
use crate::audit::Recipe;
use crate::audit::recipe::{Core, Lifted, ResourceId};
use crate::engine::{Compiled, Engines, Kind};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::value::Type;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use wasmtime::Linker;

/// How to make a sandbox for calls of one guest.
pub(crate) struct Plan<D: Carried> {
    /// Tells this guest's sandboxes in the stock from others'.
    id: u64,
    engines: Arc<Engines>,
    stock: Arc<Stock<D>>,
    compiled: Compiled,
    limits: Limits,
    recipe: Recipe,
    /// The exported functions, in the audit's order.
    exports: Vec<Export>,
    kind: Kind,
    define: Box<Define<D>>,
    shards: Box<[OnceLock<Loaded<D>>]>,
}

/// An exported function.
pub(crate) struct Export {
    pub(crate) name: String,
    /// The function's index in its core module.
    pub(crate) index: u32,
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
    /// What is called once the instances are made.
    pub(super) initialize: Option<usize>,
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
        stock: Arc<Stock<D>>,
        limits: &Limits,
        compiled: Compiled,
        recipe: Recipe,
        exports: Vec<Export>,
        kind: Kind,
        define: impl Fn(&mut Linker<Room<D>>, (&str, &str), &Host) -> wasmtime::Result<()> + Send + Sync + 'static,
    ) -> Result<Plan<D>> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let shards = (0..engines.shards()).map(|_| OnceLock::new()).collect();
        let plan = Plan {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            engines,
            stock,
            compiled,
            limits: limits.clone(),
            recipe,
            exports,
            kind,
            define: Box::new(define),
            shards,
        };
        // What cannot be linked is known now, before anything runs. And calls whose time is limited should not have to
        // load the guest in it.
        match plan.limits.timeout {
            Some(_) => (0..plan.shards.len() - 1).try_for_each(|shard| plan.load(shard).map(drop))?,
            // Calls that cannot fork are often run by the thread that waits for them.
            None if kind == Kind::Leaf => drop(plan.load(plan.engines.outside())?),
            None => drop(plan.load(0)?),
        }
        Ok(plan)
    }

    /// A sandbox for a call of the exported function number `function`.
    ///
    /// `stateless`: the function changes no state, so that a sandbox that served before may serve it. `carried` makes
    /// what the call carries with it.
    ///
    /// # Errors
    ///
    /// What the guest's start function fails with, or [`ErrorKind::Exhausted`].
    pub(crate) fn take(
        &self,
        shard: usize,
        function: u32,
        stateless: bool,
        carried: impl Fn() -> D,
    ) -> Result<Sandbox<D>> {
        if stateless && let Some(mut sandbox) = self.stock.take(self.id, shard) {
            sandbox.carry(carried());
            return Ok(sandbox);
        }
        let mut error = match self.make(shard, carried()) {
            Err(error) if is_pool_full(&error) => error,
            made => return made.map_err(|error| self.explain(error, function)),
        };
        // The shard's pool is full: with calls that wait, or with sandboxes that are kept for later. Any other shard
        // will do; and what is kept for later has to make place.
        for clear in [false, true] {
            if clear {
                self.stock.clear();
            }
            for other in 0..self.shards.len() {
                error = match self.make((shard + other) % self.shards.len(), carried()) {
                    Err(error) if is_pool_full(&error) => error,
                    made => return made.map_err(|error| self.explain(error, function)),
                };
            }
        }
        Err(self.explain(error, function))
    }

    /// Takes a sandbox back after a call. `ok`: the call has left its initial state in it.
    pub(crate) fn give(&self, sandbox: Sandbox<D>, ok: bool) {
        if ok {
            self.stock.put(sandbox);
        }
    }

    fn make(&self, shard: usize, carried: D) -> wasmtime::Result<Sandbox<D>> {
        let permit = self.engines.permit(self.kind, shard).ok_or(super::fault::Full)?;
        let loaded = self.load(shard).map_err(|error| wasmtime::Error::from(super::Stop(error)))?;
        let engine = self.engines.get(self.kind, shard).map_err(|error| wasmtime::Error::from(super::Stop(error)))?;
        Sandbox::new(engine, loaded, self.kind, (self.id, shard, permit), &self.limits, carried)
    }

    fn load(&self, shard: usize) -> Result<&Loaded<D>> {
        if let Some(loaded) = self.shards[shard].get() {
            return Ok(loaded);
        }
        let engine = self.engines.get(self.kind, shard)?;
        let modules = self.compiled.load(&self.engines, shard)?;
        for module in &modules {
            // Else the first call would have to.
            let image = module.initialize_copy_on_write_image();
            image.map_err(|error| {
                Error::new(ErrorKind::Exhausted, format!("no room for the module's image: {error:#}"))
            })?;
        }
        let mut items = Items::new();
        let may_wait = self.kind == Kind::Forking;
        let hosts: Vec<Host> = self
            .recipe
            .host
            .iter()
            .map(|function| Host::new(engine, function, &self.recipe, (may_wait, self.limits.output), &mut items))
            .collect();
        let functions = {
            let all = self.recipe.functions.iter().zip(&self.exports);
            all.map(|(function, export)| {
                let receiver = receiving(engine, function, &export.params, &self.recipe, &mut items);
                Entry { receiver, ..entry(engine, function, &mut items) }
            })
            .collect()
        };
        let initialize = self.recipe.initialize.as_ref().map(|item| items.function(item, func_type(engine, &[], &[])));
        let located = Arc::new(items.locate(&self.recipe, &modules)?);
        let assembly = Assembly::new(engine, &self.recipe, &modules, &hosts, &located, &*self.define)
            .map_err(|error| Error::new(ErrorKind::Unsupported, format!("the module cannot be linked: {error:#}")))?;
        Ok(self.shards[shard].get_or_init(|| Loaded { assembly, located, functions, initialize }))
    }

    /// The guest in the shard that a sandbox belongs to.
    pub(super) fn loaded(&self, sandbox: &Sandbox<D>) -> Option<&Loaded<D>> {
        self.shards[sandbox.shard()].get()
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
        crate::audit::shown(&self.exports[function as usize].name)
    }

    pub(super) fn explain(&self, error: wasmtime::Error, function: u32) -> Error {
        self.explain_call(error, function, false)
    }

    /// What happened to a call. `refused`: it was refused memory before.
    pub(super) fn explain_call(&self, error: wasmtime::Error, function: u32, refused: bool) -> Error {
        let exported = |index: u32| {
            // An index means nothing where there are several modules.
            let export = self.exports.iter().find(|export| export.index == index && self.recipe.steps.len() == 1)?;
            Some(crate::audit::shown(&export.name))
        };
        explain(error, &self.name(function), refused, &exported)
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }
}

fn entry(engine: &wasmtime::Engine, function: &Lifted, items: &mut Items) -> Entry {
    Entry {
        function: items.function(&function.function, func_type(engine, &function.params, &function.results)),
        post_return: function
            .post_return
            .as_ref()
            .map(|item| items.function(item, func_type(engine, &function.results, &[] as &[Core]))),
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
        destructor: destructor.map(|item| items.function(item, func_type(engine, &[Core::I32], &[]))),
        made_of: made_of.to_vec(),
        params: [Type::U32].into_iter().chain(rest.iter().cloned()).collect(),
    })
}

impl<D: Carried> Drop for Plan<D> {
    fn drop(&mut self) {
        self.stock.purge(self.id);
    }
}
