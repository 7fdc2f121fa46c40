//! A guest, loaded into one shard.

use super::assembly::Assembly;
use super::definition::Definition;
use super::heap::Heap;
use crate::abi::Shape;
use crate::engine::now;
use crate::error::{Error, ErrorKind, Result};
use crate::instrument::ResetPlan;
use crate::ir::{CoreFunction, CoreType, FunctionDef, Item, Recipe, ResourceId};
use crate::sandbox::data::StoreData;
use crate::sandbox::exports::{CanonicalOptions, ExportTable, ResolvedExports};
use crate::sandbox::host::{HostImport, HostSettings};
use crate::sandbox::reuse::{Prefault, Reset, populate};
use crate::sandbox::vals::func_type;
use crate::value::Type;
use std::ops::Range;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};
use wasmtime::{AsContextMut as _, Engine, ExternType, Memory, Module, Store};

/// About what an instance takes in the host's memory, with its part of the store, and what for each function, in bytes.
const INSTANCE: usize = 16 << 10;
const FUNCTION: usize = 32;

/// A guest in one shard.
pub(crate) struct Loaded {
    pub(crate) definition: Arc<Definition>,
    assembly: Assembly,
    pub(crate) exports: Arc<ResolvedExports>,
    /// The exported functions, as the definition has them.
    pub(crate) functions: Vec<LoadedFunction>,
    /// The number of the memory that most is written to.
    memory: Option<usize>,
    /// How a sandbox's state is put back, if it can be.
    pub(crate) reset: Option<Reset>,
    /// About what the instances take beside memories and tables, in bytes.
    pub(crate) beside: usize,
    /// What is called once the instances are made.
    initialize: Option<usize>,
    /// The heap that calls start with.
    heap: Heap,
    /// When a sandbox was last made of it, or dropped.
    pub(crate) used: AtomicU64,
}

/// An exported function in one shard.
pub(crate) struct LoadedFunction {
    pub(crate) entry: Entry,
    /// For a method.
    pub(crate) receiver: Option<LoadedReceiver>,
    pub(crate) prefault: Prefault,
    /// How its result is laid out, once it was called; none where that has many parts.
    result: OnceLock<Option<Shape<'static>>>,
}

/// A layout of more parts is worked out anew for each result: a guest may have ten thousand functions, and types of as many parts.
const MOST_PARTS: usize = 128;

impl LoadedFunction {
    /// How its result, of this type, is laid out, if that is kept.
    pub(crate) fn result(&self, ty: &Type) -> Option<&Shape<'static>> {
        self.result.get_or_init(|| Shape::of(ty).kept(MOST_PARTS)).as_ref()
    }
}

/// How a function is called, with exports by number.
pub(crate) struct Entry {
    pub(crate) function: usize,
    pub(crate) post_return: Option<usize>,
    /// `None` for a function of a core module.
    pub(crate) options: Option<CanonicalOptions>,
}

/// How the resource that a method is called on is made and destroyed.
pub(crate) struct LoadedReceiver {
    pub(crate) constructor: Entry,
    pub(crate) destructor: Option<usize>,
    /// The types of the constructor's parameters, and of the method's: the handle, and the rest.
    pub(crate) made_of: Vec<Type>,
    pub(crate) params: Vec<Type>,
}

impl Loaded {
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where the compiled modules are not what the audit has read.
    pub(crate) fn new(
        engine: &Engine,
        definition: &Arc<Definition>,
        modules: &[Module],
        reset: Option<&ResetPlan>,
        settings: HostSettings,
    ) -> Result<Loaded> {
        let Definition { facts, recipe, .. } = &**definition;
        let mut table = ExportTable::new();
        let hosts =
            recipe.host.iter().map(|function| HostImport::new(engine, function, (facts, recipe), settings, &mut table));
        let hosts: Vec<_> = hosts.collect();
        let reset = reset.map(|plan| Reset::new(plan, &mut table));
        let memory = own_memory(recipe, modules).map(|item| table.memory(&item));
        let functions = facts.functions.iter().map(|function| LoadedFunction {
            entry: entry(engine, &function.core, &mut table),
            receiver: receiver(engine, function, recipe, &mut table),
            prefault: Prefault::default(),
            result: OnceLock::new(),
        });
        let functions: Vec<LoadedFunction> = functions.collect();
        let heap = Heap::new(&definition.limits, functions.iter().filter_map(|function| function.entry.options));
        let initialize = recipe.initialize.as_ref().map(|item| table.function(item, func_type(engine, &[], &[])));
        let exports = Arc::new(table.resolve(recipe, modules, reset.as_ref().and_then(Reset::card_table))?);
        let assembly = Assembly::new(engine, recipe, modules, &hosts, &exports)
            .map_err(|error| Error::new(ErrorKind::Unsupported, format!("the module cannot be linked: {error:#}")))?;
        let beside = recipe.steps.iter().filter_map(|step| modules.get(step.module as usize));
        let beside = beside.map(|module| INSTANCE + FUNCTION * module.functions().len()).sum();
        let (definition, used) = (definition.clone(), AtomicU64::new(now()));
        Ok(Loaded { definition, assembly, exports, functions, memory, reset, beside, initialize, heap, used })
    }

    /// Makes the instances, and has the guest set itself up and take its heap.
    pub(crate) async fn instantiate(&self, store: &mut Store<StoreData>, may_wait: bool) -> wasmtime::Result<()> {
        self.assembly.instantiate(store, may_wait).await?;
        if let Some(initialize) = self.initialize {
            let function = self.exports.function(store.as_context_mut(), initialize);
            let function = function.ok_or_else(|| wasmtime::format_err!("`_initialize` is not there"))?;
            if may_wait {
                function.call_async(&mut *store, &[], &mut []).await?;
            } else {
                function.call(&mut *store, &[], &mut [])?;
            }
        }
        self.heap.take(store, &self.exports, may_wait).await
    }

    /// Populates the pages of the heap in the first sandbox, whose memory began with less by its declaration; `given` is told where they
    /// are, in bytes.
    pub(crate) fn populate(&self, store: &mut Store<StoreData>, given: &mut dyn FnMut(Range<usize>)) {
        if self.heap.is_to_be_populated()
            && let Some(memory) = self.memory(store)
        {
            let declared = memory.ty(&*store).minimum().saturating_mul(memory.page_size(&*store));
            populate(memory.data_mut(store), declared as usize, given);
        }
    }

    /// The bytes of the card table in front of the guest's memory.
    pub(crate) fn card_table(&self) -> usize {
        self.reset.as_ref().and_then(Reset::card_table).map_or(0, |table| table.bytes as usize)
    }

    /// What a memory with such bytes in front may grow to by its declaration, in bytes.
    pub(crate) fn maximum(&self) -> Option<usize> {
        self.reset.as_ref().and_then(Reset::maximum)
    }

    /// The memory that calls write to, if the guest exports one.
    pub(crate) fn memory(&self, store: &mut Store<StoreData>) -> Option<Memory> {
        self.exports.memory(store.as_context_mut(), self.memory?)
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

fn entry(engine: &Engine, core: &CoreFunction, table: &mut ExportTable) -> Entry {
    let none: &[CoreType] = &[];
    Entry {
        function: table.function(&core.export, func_type(engine, &core.params, &core.results)),
        post_return: core.post_return.as_ref().map(|item| table.function(item, func_type(engine, &core.results, none))),
        options: core.canon.as_ref().map(|canon| table.options(engine, canon)),
    }
}

fn receiver(
    engine: &Engine,
    function: &FunctionDef,
    recipe: &Recipe,
    table: &mut ExportTable,
) -> Option<LoadedReceiver> {
    let receiver = function.receiver.as_ref()?;
    let destructor = match receiver.given.resource {
        ResourceId::Own { number, .. } => recipe.destructors.get(number as usize).and_then(Option::as_ref),
        ResourceId::Future(_) | ResourceId::Wasi(_) => None,
    };
    let (made_of, rest) = function.params.split_at_checked(receiver.params)?;
    Some(LoadedReceiver {
        constructor: entry(engine, &receiver.constructor, table),
        destructor: destructor.map(|item| table.function(item, func_type(engine, &[CoreType::I32], &[]))),
        made_of: made_of.to_vec(),
        params: [Type::U32].into_iter().chain(rest.iter().cloned()).collect(),
    })
}
