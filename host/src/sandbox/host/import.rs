//! A function of the host as a guest imports it: what it does, and what it finds in the guest's instances.

use crate::ir::{CoreType, Encoding, Facts, HandleType, HostFunction, HostFunctionKind, LinkFacts, Recipe, ResourceId};
use crate::sandbox::data::StoreData;
use crate::sandbox::error::trap;
use crate::sandbox::exports::{CanonicalOptions, ExportTable, ResolvedExports, may_call_out};
use crate::sandbox::guest_memory::GuestMemoryMut;
use crate::sandbox::vals::func_type;
use std::sync::Arc;
use wasmtime::{AsContextMut, Caller, Engine, FuncType};

/// A function of the host's that a guest imports.
#[derive(Clone)]
pub(crate) struct HostImport {
    pub(crate) what: HostFunctionKind,
    pub(crate) ty: FuncType,
    pub(super) options: Option<CanonicalOptions>,
    exports: Option<Arc<ResolvedExports>>,
    /// For a copy from one memory to another, the two.
    pub(super) memories: Option<(usize, usize)>,
    /// For a handle's drop, what destroys the resource.
    pub(super) destructor: Option<usize>,
    pub(super) settings: HostSettings,
    /// What the guest forks.
    facts: Arc<Facts>,
    /// The component instance that calls it, where that is known.
    component: Option<u32>,
}

/// What is the same for all functions of the host that a guest imports.
#[derive(Clone, Copy)]
pub(crate) struct HostSettings {
    /// Whether the guest runs on a stack of its own, so that it can be set aside.
    pub(crate) may_wait: bool,
    /// Whether a fork returns once the child is complete.
    pub(crate) inline: bool,
    /// How many bytes a call may write by way of WASI.
    pub(crate) output: usize,
}

impl HostImport {
    pub(crate) fn new(
        engine: &Engine,
        function: &HostFunction,
        (facts, recipe): (&Arc<Facts>, &Recipe),
        settings: HostSettings,
        table: &mut ExportTable,
    ) -> HostImport {
        let destructor = match &function.what {
            HostFunctionKind::DropHandle(HandleType { resource: ResourceId::Own { number, .. }, .. }) => {
                recipe.destructors.get(*number as usize).and_then(Option::as_ref)
            }
            _ => None,
        };
        HostImport {
            what: function.what.clone(),
            ty: func_type(engine, &function.params, &function.results),
            options: function.canon.as_ref().map(|canon| table.options(engine, canon)),
            exports: None,
            memories: match &function.what {
                HostFunctionKind::CopyUtf8 { from, to } => Some((table.memory(from), table.memory(to))),
                _ => None,
            },
            destructor: destructor.map(|item| table.function(item, func_type(engine, &[CoreType::I32], &[]))),
            settings,
            facts: facts.clone(),
            component: match &function.what {
                HostFunctionKind::NewHandle(handle) | HostFunctionKind::DropHandle(handle) => Some(handle.component),
                _ => function.canon.as_ref().map(|canon| canon.component),
            },
        }
    }

    /// What the guest forks by this link.
    pub(super) fn link(&self, number: u32) -> &LinkFacts {
        &self.facts.forks[number as usize]
    }

    pub(super) fn encoding(&self) -> Encoding {
        self.options.map(|options| options.encoding).unwrap_or_default()
    }

    /// The memory that it reads and writes, by number.
    pub(super) fn wanted_memory(&self) -> Option<usize> {
        self.options.and_then(|options| options.memory)
    }

    pub(super) fn exports(&self) -> Option<&ResolvedExports> {
        self.exports.as_deref()
    }

    /// The same with the exports of one shard's modules.
    pub(crate) fn with(&self, exports: Arc<ResolvedExports>) -> HostImport {
        HostImport { exports: Some(exports), ..self.clone() }
    }

    /// The same of another type.
    pub(crate) fn of_type(&self, ty: FuncType) -> HostImport {
        HostImport { ty, ..self.clone() }
    }

    pub(super) fn memory(
        &self,
        caller: &mut Caller<'_, StoreData>,
        number: usize,
    ) -> wasmtime::Result<wasmtime::Memory> {
        let memory = self.exports.as_ref().and_then(|exports| exports.memory(caller.as_context_mut(), number));
        memory.ok_or_else(|| trap("a memory that is not there"))
    }

    /// The guest's own part of its memory.
    pub(super) fn own<'m>(&self, memory: &'m [u8]) -> &'m [u8] {
        self.exports.as_ref().map_or(memory, |exports| exports.own(memory))
    }

    /// The guest's own part of its memory, to write to.
    pub(super) fn to_write<'m>(&self, memory: &'m mut [u8]) -> GuestMemoryMut<'m> {
        match &self.exports {
            Some(exports) => exports.to_write(memory),
            None => GuestMemoryMut::whole(memory),
        }
    }

    /// The guest's own part of its memory, to write to in these ranges: addresses and sizes in bytes.
    pub(super) fn own_mut<'m>(
        &self,
        memory: &'m mut [u8],
        ranges: impl IntoIterator<Item = (u32, usize)>,
    ) -> &'m mut [u8] {
        match &self.exports {
            Some(exports) => exports.own_mut(memory, ranges),
            None => memory,
        }
    }

    /// Refuses a fork or a wait where there is no call that it could belong to.
    pub(crate) fn may_fork(&self, caller: &mut Caller<'_, StoreData>) -> wasmtime::Result<()> {
        if !caller.data().instances.made {
            return Err(trap(
                "the guest forked or waited while it was instantiated, and there is no call then that it could belong to",
            ));
        }
        self.may_leave(caller)
    }

    /// Refuses a call from a guest that makes room for values, or frees them.
    pub(super) fn may_leave(&self, caller: &mut Caller<'_, StoreData>) -> wasmtime::Result<()> {
        if caller.data().call.may_leave
            && self.component.is_none_or(|component| may_call_out(caller.as_context_mut(), component))
        {
            return Ok(());
        }
        Err(no_call())
    }
}

fn no_call() -> wasmtime::Error {
    trap(
        "the guest forked, waited or made or dropped a handle while it made room for values or freed them, and there is no call then that it could belong to",
    )
}
