//! A module, ready to be instantiated in every shard.

use super::fault::{explain, is_pool_full};
use super::{Carried, Room, Sandbox, Stock};
use crate::engine::{Compiled, Engines};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::value::Type;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use wasmtime::{Engine, ExternType, InstancePre, Linker, Module, ModuleExport, ValType};

/// How to make a sandbox for calls of one module.
pub(crate) struct Plan<D: Carried> {
    /// Tells this module's sandboxes in the stock from others'.
    id: u64,
    engines: Arc<Engines>,
    stock: Arc<Stock<D>>,
    compiled: Compiled,
    limits: Limits,
    /// The exported functions, in the audit's order.
    exports: Vec<Export>,
    define: Box<Define<D>>,
    shards: Box<[OnceLock<Loaded<D>>]>,
}

/// An exported function.
pub(crate) struct Export {
    pub(crate) name: String,
    /// The function's index in the module.
    pub(crate) index: u32,
    pub(crate) params: Vec<Type>,
    pub(crate) results: Vec<Type>,
}

/// Defines what the module imports.
type Define<D> = dyn Fn(&Engine, &mut Linker<Room<D>>) -> wasmtime::Result<()> + Send + Sync;

/// A module in one shard.
struct Loaded<D: 'static> {
    pre: InstancePre<Room<D>>,
    exports: Vec<ModuleExport>,
}

impl<D: Carried> Plan<D> {
    pub(crate) fn new(
        engines: Arc<Engines>,
        stock: Arc<Stock<D>>,
        limits: &Limits,
        compiled: Compiled,
        exports: Vec<Export>,
        define: impl Fn(&Engine, &mut Linker<Room<D>>) -> wasmtime::Result<()> + Send + Sync + 'static,
    ) -> Result<Plan<D>> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let shards = (0..engines.shards()).map(|_| OnceLock::new()).collect();
        let plan = Plan {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            engines,
            stock,
            compiled,
            limits: limits.clone(),
            exports,
            define: Box::new(define),
            shards,
        };
        // What cannot be linked is known now, before anything runs.
        plan.load(0)?;
        Ok(plan)
    }

    /// A sandbox for a call of the exported function number `function`.
    ///
    /// `stateless`: the function changes no state, so that a sandbox that served before may serve it. `carried` makes
    /// what the call carries with it.
    ///
    /// # Errors
    ///
    /// What the module's start function fails with, or [`ErrorKind::Exhausted`].
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
        let loaded = self.load(shard).map_err(|error| wasmtime::Error::from(super::Stop(error)))?;
        Sandbox::new(&loaded.pre, self.id, shard, &self.limits, carried)
    }

    fn load(&self, shard: usize) -> Result<&Loaded<D>> {
        if let Some(loaded) = self.shards[shard].get() {
            return Ok(loaded);
        }
        let module = self.compiled.load(&self.engines, shard)?;
        let engine = module.engine();
        let mut linker = Linker::new(engine);
        let pre = (self.define)(engine, &mut linker)
            .and_then(|()| linker.instantiate_pre(&module))
            .map_err(|error| Error::new(ErrorKind::Unsupported, format!("the module cannot be linked: {error:#}")))?;
        let exports = self.exports.iter().map(|export| export.find(&module)).collect::<Result<_>>()?;
        Ok(self.shards[shard].get_or_init(|| Loaded { pre, exports }))
    }

    /// The compiled module's handle on an exported function, in the shard that a sandbox belongs to.
    pub(super) fn export(&self, sandbox: &Sandbox<D>, function: u32) -> Option<&ModuleExport> {
        self.shards[sandbox.shard()].get()?.exports.get(function as usize)
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
            let export = self.exports.iter().find(|export| export.index == index)?;
            Some(crate::audit::shown(&export.name))
        };
        explain(error, &self.name(function), refused, &exported)
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }
}

impl<D: Carried> Drop for Plan<D> {
    fn drop(&mut self) {
        self.stock.purge(self.id);
    }
}

impl Export {
    /// Finds the export in the compiled module, where it has to be of the very type that the audit has read.
    fn find(&self, module: &Module) -> Result<ModuleExport> {
        let same = |types: &[Type], compiled: &mut dyn Iterator<Item = ValType>| {
            let compiled: Vec<_> = compiled.collect();
            types.len() == compiled.len() && types.iter().zip(&compiled).all(|(&ty, compiled)| is(ty, compiled))
        };
        let fits = match module.get_export(&self.name) {
            Some(ExternType::Func(ty)) => {
                same(&self.params, &mut ty.params()) && same(&self.results, &mut ty.results())
            }
            _ => false,
        };
        module.get_export_index(&self.name).filter(|_| fits).ok_or_else(|| {
            let name = crate::audit::shown(&self.name);
            Error::new(ErrorKind::Unsupported, format!("the compiled module has another `{name}` than the bytes"))
        })
    }
}

fn is(ty: Type, compiled: &ValType) -> bool {
    match ty {
        Type::I32 => matches!(compiled, ValType::I32),
        Type::I64 => matches!(compiled, ValType::I64),
        Type::F32 => matches!(compiled, ValType::F32),
        Type::F64 => matches!(compiled, ValType::F64),
        Type::V128 => matches!(compiled, ValType::V128),
    }
}
