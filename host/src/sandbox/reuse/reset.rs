//! A sandbox's state, put back to what it was before the call.

use super::footprint::Footprint;
use super::image::MemoryImage;
use crate::instrument::{CardTable, ResetPlan};
use crate::sandbox::data::StoreData;
use crate::sandbox::exports::{ExportTable, ResolvedExports};
use std::sync::atomic::{AtomicUsize, Ordering};
use wasmtime::{AsContextMut as _, Store, Val};

/// How state is put back, in one shard: with exports by number.
pub(crate) struct Reset {
    memory: Option<(usize, CardTable)>,
    maximum: Option<usize>,
    globals: Box<[usize]>,
}

/// Builds with assertions look through memories of up to so many bytes after each call.
const CHECKED: usize = 2 << 20;

/// Builds with assertions ask the kernel so often what a sandbox has of its own.
const ASKED: usize = 4000;

/// The state of a guest before any call.
pub(crate) struct InitialState {
    /// The guest's own memory.
    memory: MemoryImage,
    globals: Box<[Val]>,
}

impl Reset {
    pub(crate) fn new(plan: &ResetPlan, table: &mut ExportTable) -> Reset {
        Reset {
            memory: plan.memory.as_ref().map(|memory| (table.memory(&memory.item), memory.card_table)),
            maximum: plan.memory.as_ref().map(|memory| memory.maximum as usize),
            globals: plan.globals.iter().map(|item| table.global(item)).collect(),
        }
    }

    /// The card table in front of the guest's memory.
    pub(crate) fn card_table(&self) -> Option<CardTable> {
        self.memory.map(|(_, table)| table)
    }

    /// What the guest's memory may grow to by its declaration, in bytes, without what lies in front of it.
    pub(crate) fn maximum(&self) -> Option<usize> {
        self.maximum
    }

    /// The state of a sandbox that has served no call; none if it is not what it was said to be.
    pub(crate) fn initial(&self, store: &mut Store<StoreData>, exports: &ResolvedExports) -> Option<InitialState> {
        let memory = match self.memory {
            Some((number, _)) => {
                MemoryImage::new(exports.own(exports.memory(store.as_context_mut(), number)?.data(&*store)))
            }
            None => MemoryImage::new(&[]),
        };
        let globals = self.globals.iter().map(|number| {
            let global = exports.global(store.as_context_mut(), *number)?;
            Some(global.get(&mut *store))
        });
        Some(InitialState { globals: globals.collect::<Option<_>>()?, memory })
    }

    /// Puts the state back; false if that cannot be done, or the sandbox would hold more than `most` bytes and not be kept.
    pub(crate) fn run(
        &self,
        store: &mut Store<StoreData>,
        footprint: &mut Footprint,
        exports: &ResolvedExports,
        initial: &InitialState,
        most: usize,
    ) -> bool {
        // Something was thrown, and lies in the collector's heap, which had no room before. How much is left of it could be seen by running
        // out of it.
        if store.gc_heap_capacity() > 0 {
            return false;
        }
        if let Some((number, table)) = self.memory {
            let Some(memory) = exports.memory(store.as_context_mut(), number) else { return false };
            let memory = memory.data_mut(&mut *store);
            // What has grown stays grown.
            if memory.len() != table.bytes as usize + initial.memory.len() {
                return false;
            }
            // To put back a page takes a tenth of what it takes to have it anew, however many there are.
            let mut kept = true;
            let reset = table.reset(memory, |start, bytes| {
                let place = table.bytes as usize + start;
                footprint.write(place..place + bytes.len());
                kept = kept && footprint.bytes() <= most;
                if kept {
                    initial.memory.put_back(start, bytes);
                }
            });
            if !reset || !kept {
                return false;
            }
            debug_assert!(
                initial.memory.len() > CHECKED || initial.memory.is(exports.own(memory)),
                "a write was not marked"
            );
            debug_assert!(
                memory.len() > CHECKED || !asks() || footprint.covers(memory),
                "it holds more than was counted"
            );
        }
        self.globals.iter().zip(&initial.globals).all(|(number, value)| {
            let global = exports.global(store.as_context_mut(), *number);
            global.is_some_and(|global| global.set(&mut *store, *value).is_ok())
        })
    }
}

/// Whether the kernel is asked once more.
fn asks() -> bool {
    static ASKED_BEFORE: AtomicUsize = AtomicUsize::new(0);
    ASKED_BEFORE.fetch_add(1, Ordering::Relaxed) < ASKED
}
