//! Exports of a guest's instances that are looked up while calls run: memories, `realloc`, the functions themselves.

use super::data::StoreData;
use super::guest_memory::GuestMemoryMut;
use super::vals::func_type;
use crate::error::{Error, ErrorKind, Result};
use crate::escape::escaped;
use crate::instrument::CardTable;
use crate::ir::{Canon, CoreType, Encoding, Item, Recipe};
use wasmtime::{
    Engine, Extern, ExternType, Func, FuncType, Global, Memory, Module, ModuleExport, Mutability, StoreContextMut,
};

/// Exports of instances that are looked up while a call runs, by number.
pub(super) struct ExportTable {
    items: Vec<(Item, Wanted)>,
}

/// What an export has to be.
enum Wanted {
    Function(FuncType),
    Memory,
    Global,
}

/// The same in one shard.
pub(super) struct ResolvedExports {
    exports: Box<[(u32, ModuleExport)]>,
    /// What lies in front of the guest's memory, if anything does.
    card_table: Option<CardTable>,
}

/// How values are passed, with exports by number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CanonicalOptions {
    pub(super) memory: Option<usize>,
    pub(super) realloc: Option<usize>,
    pub(super) encoding: Encoding,
}

impl ExportTable {
    pub(super) fn new() -> ExportTable {
        ExportTable { items: Vec::new() }
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

    pub(super) fn options(&mut self, engine: &Engine, canon: &Canon) -> CanonicalOptions {
        CanonicalOptions {
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
    pub(super) fn resolve(
        &self,
        recipe: &Recipe,
        modules: &[Module],
        card_table: Option<CardTable>,
    ) -> Result<ResolvedExports> {
        let resolve = |(item, wanted): &(Item, Wanted)| {
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
        let resolved = self.items.iter().map(|item| {
            resolve(item).ok_or_else(|| {
                let name = escaped(&item.0.name);
                Error::new(ErrorKind::Unsupported, format!("the compiled module has another `{name}` than the bytes"))
            })
        });
        Ok(ResolvedExports { exports: resolved.collect::<Result<_>>()?, card_table })
    }
}

/// Whether a component instance may call out: not while another has it make room for values.
pub(super) fn may_call_out(mut store: StoreContextMut<'_, StoreData>, component: u32) -> bool {
    let flag = store.data().instances.flags.get(component as usize).copied();
    flag.is_none_or(|flag| flag.get(&mut store).i32() != Some(0))
}

impl ResolvedExports {
    #[inline]
    pub(super) fn function(&self, store: StoreContextMut<'_, StoreData>, number: usize) -> Option<Func> {
        match store.data().instances.found.get(number) {
            Some(Some(Extern::Func(function))) => Some(*function),
            _ => self.find(store, number)?.into_func(),
        }
    }

    #[inline]
    pub(super) fn memory(&self, store: StoreContextMut<'_, StoreData>, number: usize) -> Option<Memory> {
        match store.data().instances.found.get(number) {
            Some(Some(Extern::Memory(memory))) => Some(*memory),
            _ => self.find(store, number)?.into_memory(),
        }
    }

    #[inline]
    pub(super) fn global(&self, store: StoreContextMut<'_, StoreData>, number: usize) -> Option<Global> {
        match store.data().instances.found.get(number) {
            Some(Some(Extern::Global(global))) => Some(*global),
            _ => self.find(store, number)?.into_global(),
        }
    }

    /// Looks for an export, and remembers it.
    fn find(&self, mut store: StoreContextMut<'_, StoreData>, number: usize) -> Option<Extern> {
        let (instance, export) = self.exports.get(number)?;
        let instance = *store.data().instances.instances.get(*instance as usize)?;
        let found = instance.get_module_export(&mut store, export)?;
        let known = &mut store.data_mut().instances.found;
        if known.len() <= number {
            known.resize(number + 1, None);
        }
        known[number] = Some(found.clone());
        Some(found)
    }

    /// The guest's own part of its memory.
    pub(super) fn own<'m>(&self, memory: &'m [u8]) -> &'m [u8] {
        memory.get(self.card_table.map_or(0, |table| table.bytes as usize)..).unwrap_or_default()
    }

    /// The guest's own part of its memory, to write to.
    pub(super) fn to_write<'m>(&self, memory: &'m mut [u8]) -> GuestMemoryMut<'m> {
        GuestMemoryMut::new(memory, self.card_table)
    }

    /// The guest's own part of its memory, to write to in these ranges: addresses and sizes in bytes.
    pub(super) fn own_mut<'m>(
        &self,
        memory: &'m mut [u8],
        ranges: impl IntoIterator<Item = (u32, usize)>,
    ) -> &'m mut [u8] {
        let Some(table) = self.card_table else { return memory };
        for (address, bytes) in ranges {
            table.mark(memory, address as usize, bytes);
        }
        memory.get_mut(table.bytes as usize..).unwrap_or_default()
    }
}
