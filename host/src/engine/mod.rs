//! wasmtime's engines: their configuration, and compiling and loading.
//!
//! The instances of one engine share reference counts (of modules, types and the engine itself), the allocator's lock, and the
//! epoch. Two threads that instantiate in one engine take longer than one thread alone. So each worker has an engine of its
//! own, a *shard*. All shards of a kind are configured alike: a module is compiled once, and its machine code is loaded into
//! each shard on first use. One more shard serves the host's own threads.
//!
//! There are two kinds of engine. Guests that can fork need a stack for each call that may be suspended; guests that cannot
//! need few sandboxes and no stacks. An engine is made when the first guest needs it. Making a pool for a deep tree takes
//! milliseconds: so each shard's pool is for shallow trees, and one more shard has a pool for deep ones.
//!
//! Where address space is short, pools are smaller and bounds are checked, or there are no pools: see [`Layout`].
//!
//! The epoch is no clock: an *epoch interrupt* moves it, to make running calls check whether they may go on.

mod address_map;
mod address_space;
mod cache;
mod compile;
mod config;
mod data_image;
mod layout;
mod loaded_guests;
mod mappings;
mod permit;
mod pools;

pub(crate) use address_space::{advice, is_short};
pub(crate) use cache::{Cache, Key, User, enter, is_full, make_file, nonce, only_ours, open_file};
pub(crate) use compile::{Compiled, Modules};
pub(crate) use config::KEEP_RESIDENT;
pub(crate) use layout::Layout;
pub(crate) use loaded_guests::{Cost, Unload, now};
pub(crate) use permit::Permit;
pub(crate) use pools::{HOST_STACK, Kind, MAX_MEMORIES, MAX_TABLES};

use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use address_space::AddressSpace;
use crossbeam_utils::CachePadded;
use loaded_guests::LoadedGuests;
use permit::Permits;
use pools::{Pool, Pools};
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::{OnceLock, Weak};
use wasmtime::Engine;

/// The engines of an executor.
pub(crate) struct Engines {
    limits: Limits,
    cache: Option<Cache>,
    leaf: Box<[OnceLock<Engine>]>,
    forking: Box<[OnceLock<Engine>]>,
    permits: [Box<[Permits]>; 2],
    pools: Pools,
    /// The layouts of the two kinds: as chosen by the address space that was free, and as they are once there is an engine.
    fitting: [Layout; 2],
    layouts: [OnceLock<Layout>; 2],
    loaded: LoadedGuests,
    epoch: CachePadded<AtomicU64>,
}

impl Engines {
    /// Plans the engines of `shards` threads, of each kind; none is made yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] where the limits cannot be had.
    pub(crate) fn new(limits: &Limits, shards: usize, cache: Option<Cache>) -> Result<Engines> {
        let mut pools = Pools::new(limits, shards)?;
        let empty = || (0..=shards).map(|_| OnceLock::new()).collect();
        let permits = |pools: &[&Pool]| pools.iter().map(|pool| Permits::new(pool.sandboxes())).collect();
        let leaves = vec![&pools.leaf; shards + 1];
        let mut forking = vec![&pools.forking; shards];
        forking.push(&pools.deep);
        let permits = [permits(&leaves), permits(&forking)];
        let fitting = Layout::fitting(limits, &mut pools, shards, AddressSpace::free());
        let limits = limits.clone();
        Ok(Engines {
            limits,
            cache,
            leaf: empty(),
            forking: empty(),
            permits,
            pools,
            fitting,
            layouts: Default::default(),
            loaded: LoadedGuests::new(),
            epoch: CachePadded::default(),
        })
    }

    /// The compile cache, if there is one.
    pub(crate) fn cache(&self) -> Option<&Cache> {
        self.cache.as_ref()
    }

    /// How many shards there are: one for each worker, one for the host's threads, and the last for trees too deep for the
    /// others.
    pub(crate) fn shards(&self) -> usize {
        self.leaf.len()
    }

    /// The shard of the host's threads.
    pub(crate) fn outside(&self) -> usize {
        self.shards() - 2
    }

    /// The right to one more sandbox of a shard; none if all are in use.
    pub(crate) fn permit(&self, kind: Kind, shard: usize) -> Option<Permit> {
        self.permits[usize::from(kind == Kind::Forking)][shard].take()
    }

    /// The engine of a shard.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Exhausted`] where the host has not enough address space or mappings left for it.
    pub(crate) fn get(&self, kind: Kind, shard: usize) -> Result<&Engine> {
        let (slot, pool) = match kind {
            Kind::Leaf => (&self.leaf[shard], &self.pools.leaf),
            Kind::Forking if shard + 1 == self.shards() => (&self.forking[shard], &self.pools.deep),
            Kind::Forking => (&self.forking[shard], &self.pools.forking),
        };
        let engine = match slot.get() {
            Some(engine) => engine,
            None => {
                let engine = self.make(kind, pool)?;
                // Another thread may have been faster.
                slot.get_or_init(|| engine)
            }
        };
        // Pairs with the fence in `interrupt`.
        fence(Ordering::SeqCst);
        Ok(engine)
    }

    /// The layouts that machine code is compiled for, unless the host refuses to make an engine of them.
    pub(crate) fn layouts(&self) -> [Layout; 2] {
        self.fitting
    }

    /// Makes an engine with as large a pool as the host grants, or else without one.
    fn make(&self, kind: Kind, pool: &Pool) -> Result<Engine> {
        let new = |layout: Layout, pool: Option<&Pool>| Engine::new(&config::config(&self.limits, kind, layout, pool));
        let kind = usize::from(kind == Kind::Forking);
        let mut made = None;
        // Machine code is shared by all engines of a kind, so the first one decides on the layout.
        let layout = *self.layouts[kind].get_or_init(|| {
            let mut layout = self.fitting[kind];
            while layout.pools() {
                made = new(layout, Some(pool)).inspect_err(refused).ok();
                match layout.smaller() {
                    Some(smaller) if made.is_none() => layout = smaller,
                    _ => break,
                }
            }
            layout
        });
        let mut smaller = layout.pools().then_some(*pool);
        while let Some(pool) = smaller.filter(|_| made.is_none()) {
            made = new(layout, Some(&pool)).inspect_err(refused).ok();
            smaller = pool.half();
        }
        made.map_or_else(|| new(layout, None), Ok).map_err(|error| {
            let message = format!("the host has no address space for the sandboxes of an executor: {error:#}");
            Error::new(ErrorKind::Exhausted, message).with_help(advice())
        })
    }

    /// Counts a guest that was loaded into a shard. Unloads the least recently used ones if there are too many; false if there
    /// are still too many.
    pub(crate) fn loaded(&self, guest: Weak<dyn Unload>, shard: usize, cost: Cost) -> bool {
        self.loaded.add(guest, shard, cost)
    }

    /// Unloads the least recently used guests, if there are too many.
    pub(crate) fn trim(&self) {
        self.loaded.trim();
    }

    /// Unloads all guests that nothing uses.
    pub(crate) fn unload(&self) {
        self.loaded.unload_idle();
    }

    /// How many sandboxes of a kind may be kept for later in each shard.
    pub(crate) fn idle(&self) -> usize {
        pools::IDLE
    }

    /// How many epoch interrupts there have been.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// An epoch interrupt: makes every running call check whether it may go on.
    pub(crate) fn interrupt(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        // A call that sees its engine's new epoch sees all that was written before the interrupt. An engine that is made meanwhile
        // may be missed here; then the fence in `get` makes its calls see the new count.
        fence(Ordering::SeqCst);
        for engine in self.leaf.iter().chain(&self.forking).filter_map(OnceLock::get) {
            engine.increment_epoch();
        }
    }
}

fn refused(error: &wasmtime::Error) {
    tracing::debug!("the host has no room for a pool of sandboxes: {error:#}");
}
