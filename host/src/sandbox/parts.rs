//! The core instances of a sandbox, and what is looked up in them.

use super::handles;
use super::host::{Host, func_type};
use super::noreturn;
use super::wasi;
use super::{Carried, Room};
use crate::error::{Error, ErrorKind, Result};
use crate::instrument::Margin;
use crate::ir::Recipe;
use crate::ir::{Canon, CoreType, Encoding, ImportBinding, Item};
use smallvec::SmallVec;
use std::ops::{Deref, Range};
use std::sync::Arc;
use wasmtime::{
    Engine, Extern, ExternType, Func, FuncType, Global, GlobalType, Instance, InstancePre, Linker, Memory, Module,
    ModuleExport, Mutability, Store, StoreContextMut, Val, ValType,
};

/// The module name under which the host's functions are defined for instances that are wired by hand.
const HOST: &str = "host";

/// The instances of a sandbox, in the order of the recipe's steps, and what was looked up in them before.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) instances: SmallVec<[Instance; 1]>,
    found: SmallVec<[Option<Extern>; 2]>,
    /// For each component instance, whether it may call out: 0 while another has it make room.
    flags: SmallVec<[Global; 0]>,
    /// Whether all instances are made.
    pub(super) made: bool,
}

/// Exports of instances that are looked up while a call runs, by number.
pub(super) struct Items {
    items: Vec<(Item, Wanted)>,
}

/// What an export has to be.
enum Wanted {
    Function(FuncType),
    Memory,
    Global,
}

/// The same in one shard.
pub(super) struct Located {
    exports: Box<[(u32, ModuleExport)]>,
    /// What lies in front of the guest's memory, if anything does.
    margin: Option<Margin>,
}

/// How values are passed, with exports by number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passing {
    pub(super) memory: Option<usize>,
    pub(super) realloc: Option<usize>,
    pub(super) encoding: Encoding,
}

impl Items {
    pub(super) fn new() -> Items {
        Items { items: Vec::new() }
    }

    pub(super) fn memory(&mut self, item: &Item) -> usize {
        self.number(item, Wanted::Memory)
    }

    pub(super) fn global(&mut self, item: &Item) -> usize {
        self.number(item, Wanted::Global)
    }

    pub(super) fn function(&mut self, item: &Item, ty: FuncType) -> usize {
        self.number(item, Wanted::Function(ty))
    }

    pub(super) fn passing(&mut self, engine: &Engine, canon: &Canon) -> Passing {
        Passing {
            memory: canon.memory.as_ref().map(|item| self.memory(item)),
            realloc: canon
                .realloc
                .as_ref()
                .map(|item| self.function(item, func_type(engine, &[CoreType::I32; 4], &[CoreType::I32]))),
            encoding: canon.strings,
        }
    }

    fn number(&mut self, item: &Item, wanted: Wanted) -> usize {
        let same = |(known, known_wanted): &(Item, Wanted)| {
            known == item
                && match (known_wanted, &wanted) {
                    (Wanted::Function(a), Wanted::Function(b)) => FuncType::eq(a, b),
                    (Wanted::Memory, Wanted::Memory) | (Wanted::Global, Wanted::Global) => true,
                    _ => false,
                }
        };
        self.items.iter().position(same).unwrap_or_else(|| {
            self.items.push((item.clone(), wanted));
            self.items.len() - 1
        })
    }

    /// Finds the exports in the compiled modules, where they have to be of the very types that the audit has read.
    pub(super) fn locate(&self, recipe: &Recipe, modules: &[Module], margin: Option<Margin>) -> Result<Located> {
        let locate = |(item, wanted): &(Item, Wanted)| {
            let step = recipe.steps.get(item.instance as usize)?;
            let module = modules.get(step.module as usize)?;
            let fits = match (module.get_export(&item.name)?, wanted) {
                (ExternType::Func(compiled), Wanted::Function(ty)) => FuncType::eq(&compiled, ty),
                (ExternType::Memory(memory), Wanted::Memory) => !memory.is_64() && !memory.is_shared(),
                (ExternType::Global(global), Wanted::Global) => global.mutability() == Mutability::Var,
                _ => false,
            };
            let export = module.get_export_index(&item.name).filter(|_| fits)?;
            Some((item.instance, export))
        };
        let located = self.items.iter().map(|item| {
            locate(item).ok_or_else(|| {
                let name = crate::escape::shown(&item.0.name);
                Error::new(ErrorKind::Unsupported, format!("the compiled module has another `{name}` than the bytes"))
            })
        });
        Ok(Located { exports: located.collect::<Result<_>>()?, margin })
    }
}

/// Whether a component instance may call out: not while another has it make room for values.
pub(super) fn may_call_out<D: Carried>(mut store: StoreContextMut<'_, Room<D>>, component: u32) -> bool {
    let flag = store.data().parts.flags.get(component as usize).copied();
    flag.is_none_or(|flag| flag.get(&mut store).i32() != Some(0))
}

impl Located {
    #[inline]
    pub(super) fn function<D: Carried>(&self, store: StoreContextMut<'_, Room<D>>, number: usize) -> Option<Func> {
        match store.data().parts.found.get(number) {
            Some(Some(Extern::Func(function))) => Some(*function),
            _ => self.find(store, number)?.into_func(),
        }
    }

    #[inline]
    pub(super) fn memory<D: Carried>(&self, store: StoreContextMut<'_, Room<D>>, number: usize) -> Option<Memory> {
        match store.data().parts.found.get(number) {
            Some(Some(Extern::Memory(memory))) => Some(*memory),
            _ => self.find(store, number)?.into_memory(),
        }
    }

    #[inline]
    pub(super) fn global<D: Carried>(&self, store: StoreContextMut<'_, Room<D>>, number: usize) -> Option<Global> {
        match store.data().parts.found.get(number) {
            Some(Some(Extern::Global(global))) => Some(*global),
            _ => self.find(store, number)?.into_global(),
        }
    }

    /// Looks for an export, and remembers it.
    fn find<D: Carried>(&self, mut store: StoreContextMut<'_, Room<D>>, number: usize) -> Option<Extern> {
        let (instance, export) = self.exports.get(number)?;
        let instance = *store.data().parts.instances.get(*instance as usize)?;
        let found = instance.get_module_export(&mut store, export)?;
        let known = &mut store.data_mut().parts.found;
        if known.len() <= number {
            known.resize(number + 1, None);
        }
        known[number] = Some(found.clone());
        Some(found)
    }

    /// The guest's own part of its memory.
    pub(super) fn own<'m>(&self, memory: &'m [u8]) -> &'m [u8] {
        memory.get(self.margin.map_or(0, |margin| margin.bytes as usize)..).unwrap_or_default()
    }

    /// The guest's own part of its memory, to write to.
    pub(super) fn to_write<'m>(&self, memory: &'m mut [u8]) -> Own<'m> {
        Own { memory, margin: self.margin }
    }

    /// The guest's own part of its memory, to write to in these ranges: addresses and sizes in bytes.
    pub(super) fn own_mut<'m>(
        &self,
        memory: &'m mut [u8],
        ranges: impl IntoIterator<Item = (u32, usize)>,
    ) -> &'m mut [u8] {
        let Some(margin) = self.margin else { return memory };
        for (address, bytes) in ranges {
            margin.mark(memory, address as usize, bytes);
        }
        memory.get_mut(margin.bytes as usize..).unwrap_or_default()
    }
}

/// The guest's own part of its memory, of which is marked what is written to.
pub(super) struct Own<'m> {
    memory: &'m mut [u8],
    margin: Option<Margin>,
}

impl<'m> Own<'m> {
    /// Memory without anything in front of it.
    pub(super) fn whole(memory: &'m mut [u8]) -> Own<'m> {
        Own { memory, margin: None }
    }

    /// A range of it, to write to; none if it is not within memory.
    pub(super) fn write(&mut self, range: Range<usize>) -> Option<&mut [u8]> {
        let margin = self.margin.map_or(0, |margin| margin.bytes as usize);
        let moved = range.start.checked_add(margin)?..range.end.checked_add(margin)?;
        if let Some(margin) = &self.margin {
            margin.mark(self.memory, range.start, range.len());
        }
        self.memory.get_mut(moved)
    }
}

impl Deref for Own<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.memory.get(self.margin.map_or(0, |margin| margin.bytes as usize)..).unwrap_or_default()
    }
}

/// How the instances of a guest are made in one shard.
pub(super) struct Assembly<D: 'static> {
    linker: Linker<Room<D>>,
    steps: Vec<Ready<D>>,
    flags: u32,
}

/// One step, as ready as it can be.
enum Ready<D: 'static> {
    /// It imports nothing but functions of the host's.
    Alone(InstancePre<Room<D>>),
    /// It imports from other instances.
    Wired { module: Module, imports: Vec<Wire> },
}

enum Wire {
    Export(u32, ModuleExport),
    Host(String),
    Flag(u32),
}

impl<D: Carried> Assembly<D> {
    /// Links what can be linked before there is an instance.
    pub(super) fn new(
        engine: &Engine,
        recipe: &Recipe,
        modules: &[Module],
        hosts: &[Host],
        located: &Arc<Located>,
        define: &super::plan::Define<D>,
    ) -> wasmtime::Result<Assembly<D>> {
        let mut assembly = Assembly { linker: Linker::new(engine), steps: Vec::new(), flags: 0 };
        let define = |linker: &mut Linker<Room<D>>, name: (&str, &str), host: &Host| {
            let host = host.with(located.clone());
            let ours = handles::define(linker, name, &host)?
                || wasi::define(linker, name, &host)?
                || noreturn::define(linker, name, &host)?;
            if ours { Ok(()) } else { define(linker, name, &host) }
        };
        let host = |number: u32| {
            hosts.get(number as usize).ok_or_else(|| wasmtime::format_err!("there is no function {number} of the host"))
        };
        for step in &recipe.steps {
            let module =
                modules.get(step.module as usize).ok_or_else(|| wasmtime::format_err!("a module is missing"))?;
            if module.imports().len() != step.imports.len() {
                wasmtime::bail!("the compiled module has other imports than the bytes");
            }
            let alone = step.imports.iter().all(|given| matches!(given, ImportBinding::Host(_)));
            if alone {
                let mut linker = Linker::new(engine);
                linker.allow_shadowing(true);
                for (import, given) in module.imports().zip(&step.imports) {
                    if let ImportBinding::Host(number) = given {
                        define(&mut linker, (import.module(), import.name()), host(*number)?)?;
                    }
                }
                assembly.steps.push(Ready::Alone(linker.instantiate_pre(module)?));
                continue;
            }
            let mut imports = Vec::new();
            for given in &step.imports {
                imports.push(match given {
                    ImportBinding::Item(item) => {
                        let step = recipe.steps.get(item.instance as usize);
                        let export =
                            step.and_then(|step| modules.get(step.module as usize)?.get_export_index(&item.name));
                        let export =
                            export.ok_or_else(|| wasmtime::format_err!("a module exports no `{}`", item.name))?;
                        Wire::Export(item.instance, export)
                    }
                    ImportBinding::Flag(component) => {
                        assembly.flags = assembly.flags.max(component + 1);
                        Wire::Flag(*component)
                    }
                    ImportBinding::Host(number) => {
                        let name = number.to_string();
                        assembly.linker.allow_shadowing(true);
                        define(&mut assembly.linker, (HOST, &name), host(*number)?)?;
                        Wire::Host(name)
                    }
                });
            }
            assembly.steps.push(Ready::Wired { module: module.clone(), imports });
        }
        Ok(assembly)
    }

    /// Makes the instances, in order.
    pub(super) async fn instantiate(&self, store: &mut Store<Room<D>>, may_wait: bool) -> wasmtime::Result<()> {
        for _ in 0..self.flags {
            let ty = GlobalType::new(ValType::I32, Mutability::Var);
            let flag = Global::new(&mut *store, ty, Val::I32(1))?;
            store.data_mut().parts.flags.push(flag);
        }
        for step in &self.steps {
            let instance = match step {
                Ready::Alone(pre) if may_wait => pre.instantiate_async(&mut *store).await?,
                Ready::Alone(pre) => pre.instantiate(&mut *store)?,
                Ready::Wired { module, imports } => {
                    let mut externs: SmallVec<[Extern; 16]> = SmallVec::new();
                    for import in imports {
                        externs.push(match import {
                            Wire::Flag(component) => store.data().parts.flags[*component as usize].into(),
                            Wire::Host(name) => self.linker.get(&mut *store, HOST, name)?,
                            Wire::Export(instance, export) => {
                                let instance = store.data().parts.instances.get(*instance as usize).copied();
                                let found = instance.and_then(|i| i.get_module_export(&mut *store, export));
                                found.ok_or_else(|| wasmtime::format_err!("an instance exports too little"))?
                            }
                        });
                    }
                    if may_wait {
                        Instance::new_async(&mut *store, module, &externs).await?
                    } else {
                        Instance::new(&mut *store, module, &externs)?
                    }
                }
            };
            store.data_mut().parts.instances.push(instance);
        }
        store.data_mut().parts.made = true;
        Ok(())
    }
}
