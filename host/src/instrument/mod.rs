//! Rewrites a guest: WebAssembly to WebAssembly.
//!
//! Every guest is charged fuel by [`fuel`], and does bulk operations in chunks, by [`bulk_function`]. Most are rewritten so that their
//! state can be reset after a call, too.
//!
//! The technique is the garbage collectors' *card marking*. A guest's memory is divided into *cards* of 512 bytes. In front
//! of it lies a *card table* with a byte for each card, and every store marks the cards it writes to. After a call, the host
//! copies dirty cards back from a copy of the initial memory. Mutable globals are exported, and set again. All other state
//! that a guest could have is a reason not to rewrite it (tables that change, segments that are dropped), or to throw the
//! sandbox away (a memory that has grown).
//!
//! The guest cannot reach the card table: all its addresses are moved up by the table's size, which is added to the constant
//! offset that each load and store has, and effective addresses do not wrap. So a mark needs no register beside its store's,
//! and a sandbox no second memory.
//!
//! Any stretch no longer than a card lies in at most two cards. So one mark covers all stores near one address: those to a
//! stack frame, or to a structure. See [`marking`].

mod added;
mod bulk;
mod bulk_function;
mod card_table;
mod fuel;
mod marking;
mod module;
mod offset_map;
mod rewrite;
mod store;
#[cfg(test)]
mod tests;

use crate::ir::{HostFunctionKind, ImportBinding, Item, Recipe};
use card_table::PAGE;
pub(crate) use card_table::{CardTable, max_card_table};
pub(crate) use fuel::free_operators;
use module::Facts;
pub(crate) use offset_map::OffsetMap;
use rewrite::{Resettable, rewrite};
use serde::{Deserialize, Serialize};

/// The most mutable globals: all of them are set again after each call.
const MOST_GLOBALS: usize = 1000;

/// What a reset of a rewritten guest puts back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ResetPlan {
    /// The memory; none if the guest has none.
    pub(crate) memory: Option<CardMarkedMemory>,
    /// The mutable globals.
    pub(crate) globals: Vec<Item>,
}

/// A memory with a card table in front of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CardMarkedMemory {
    pub(crate) item: Item,
    /// The guest's own memory at its start, in bytes, without the card table.
    pub(crate) bytes: usize,
    /// What it may grow to by its declaration, or what any memory may, in bytes, without the card table.
    pub(crate) maximum: u64,
    pub(crate) card_table: CardTable,
}

/// A guest that was rewritten.
pub(crate) struct Instrumented {
    pub(crate) modules: Vec<Vec<u8>>,
    /// For each module, where its code was before.
    pub(crate) maps: Vec<OffsetMap>,
    pub(crate) reset: ResetPlan,
    /// The fuel that making the instances takes more than it would without what was added.
    pub(crate) startup_fuel: u64,
}

/// Rewrites a core module whose state is not reset; tells where its code was.
///
/// # Errors
///
/// Why it cannot be rewritten: it would become larger than a module may be.
pub(crate) fn instrument_fresh(bytes: &[u8]) -> Result<(Vec<u8>, OffsetMap), String> {
    rewrite(bytes, None)
}

/// Rewrites the core modules of a guest whose memory may grow to `limit` bytes, and takes `heap` bytes before any call.
///
/// # Errors
///
/// Why its state cannot be reset.
pub(crate) fn instrument(
    modules: &[Vec<u8>],
    recipe: &Recipe,
    limit: usize,
    heap: usize,
) -> Result<Instrumented, String> {
    if recipe.steps.iter().flat_map(|step| &step.imports).any(|given| matches!(given, ImportBinding::Flag(_))) {
        return Err("it is composed of components that call each other".to_owned());
    }
    let plain = |what: &HostFunctionKind| match what {
        HostFunctionKind::Fork(_)
        | HostFunctionKind::Wait { .. }
        | HostFunctionKind::Abandon(_)
        | HostFunctionKind::Trap
        | HostFunctionKind::NoReturn(_)
        | HostFunctionKind::Unknown(_)
        | HostFunctionKind::Wasi(_) => true,
        HostFunctionKind::NewHandle(_) | HostFunctionKind::Representation(_) | HostFunctionKind::DropHandle(_) => false,
        HostFunctionKind::TransferOwn(_)
        | HostFunctionKind::TransferBorrow(_)
        | HostFunctionKind::Enter
        | HostFunctionKind::Exit
        | HostFunctionKind::CopyUtf8 { .. } => false,
    };
    if !recipe.destructors.is_empty() || recipe.host.iter().any(|function| !plain(&function.what)) {
        return Err("it has resources of its own".to_owned());
    }
    let facts = modules.iter().map(|bytes| Facts::new(bytes)).collect::<Result<Vec<_>, _>>()?;
    let steps = || recipe.steps.iter().map(|step| &facts[step.module as usize]).zip(0..);
    let mut memories = steps().filter_map(|(facts, step)| facts.memory.map(|memory| (memory, step)));
    let memory = memories.next();
    if memories.next().is_some() {
        return Err("it has several memories".to_owned());
    }
    if facts.iter().any(|facts| !facts.may_add_names()) {
        return Err("it exports names like those that would be added".to_owned());
    }
    if steps().map(|(facts, _)| facts.globals.len()).sum::<usize>() > MOST_GLOBALS {
        return Err(format!("it has more than {MOST_GLOBALS} mutable globals"));
    }
    let card_table = match memory {
        Some((memory, _)) => {
            let most = memory.maximum.unwrap_or(u64::MAX).min(limit as u64);
            let table =
                CardTable::new(memory.bytes.saturating_add(heap as u64), most.max(memory.bytes).next_multiple_of(PAGE));
            Some(table.ok_or("its memory may grow too large")?)
        }
        None => None,
    };
    let names: Vec<_> = facts.iter().map(Facts::names).collect();
    let module = |step: u32| recipe.steps[step as usize].module as usize;
    let reset = ResetPlan {
        memory: memory.zip(card_table).map(|((memory, step), card_table)| CardMarkedMemory {
            item: Item { instance: step, name: names[module(step)].memory() },
            bytes: memory.bytes as usize,
            maximum: memory.maximum.unwrap_or(1 << 32),
            card_table,
        }),
        globals: steps()
            .flat_map(|(facts, step)| facts.globals.iter().map(move |global| (step, *global)))
            .map(|(step, global)| Item { instance: step, name: names[module(step)].global(global) })
            .collect(),
    };
    let startup_fuel = if memory.is_some() { steps().map(|(facts, _)| facts.startup_fuel()).sum() } else { 0 };
    let rewritten = modules
        .iter()
        .zip(&facts)
        .zip(&names)
        .map(|((bytes, facts), names)| rewrite(bytes, Some(Resettable { facts, names, card_table })))
        .collect::<Result<Vec<_>, _>>()?;
    let (modules, maps) = rewritten.into_iter().unzip();
    Ok(Instrumented { modules, maps, reset, startup_fuel })
}
