//! wasmtime: configuration and compiling.
//!
//! An engine's instances share reference counts (of modules, types and the engine itself), a lock of its allocator, and
//! its epoch. Two threads that instantiate in one engine take longer than one alone. So every worker has an engine of
//! its own, a *shard*, and all shards of a kind are configured alike: a module is compiled once, and its machine code
//! loaded into each shard on first use. One shard more serves the host's own threads.
//!
//! There are two kinds: one whose guests can fork, with a stack for each call that may be set aside, and one whose
//! guests cannot, which needs few sandboxes and no stacks. A kind's engines are made when the first guest needs them. Making
//! room for a deep tree takes milliseconds: so each shard has room for shallow ones, and one shard more has it for deep ones.
//!
//! Where address space is short, pools are smaller, and bounds are checked; or there are none: see [`Layout`].
//!
//! The epoch is no clock: it moves only where calls are interrupted, to look whether they may go on.

mod address_map;
mod cache;
mod compile;
mod config;
mod layout;
mod loads;
mod mappings;
mod permit;
mod small;
mod space;

pub(crate) use cache::{Cache, Key};
pub(crate) use compile::{Compiled, Modules};
pub(crate) use layout::Layout;
pub(crate) use loads::{Cost, Unload, now};
pub(crate) use permit::Permit;
pub(crate) use space::{advice, is_short};

pub(crate) use config::{HOST_STACK, KEEP_RESIDENT, Kind, MAX_MEMORIES, MAX_TABLES};

use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use config::{Pool, Pools};
use crossbeam_utils::CachePadded;
use loads::Loads;
use permit::Permits;
use space::Space;
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
    /// The layouts of the two kinds by what there seems to be of address space; and what they are, once there is an engine.
    fitting: [Layout; 2],
    layouts: [OnceLock<Layout>; 2],
    loads: Loads,
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
        let fitting = Layout::fitting(limits, &mut pools, shards, Space::free());
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
            loads: Loads::new(),
            epoch: CachePadded::default(),
        })
    }

    /// Where machine code is kept between runs, if anywhere.
    pub(crate) fn cache(&self) -> Option<&Cache> {
        self.cache.as_ref()
    }

    /// How many shards there are: one for each worker, one for all threads that are none, and, the last, one for what is too
    /// deep for the others.
    pub(crate) fn shards(&self) -> usize {
        self.leaf.len()
    }

    /// The shard of threads that are no workers.
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
        // See `ring`.
        fence(Ordering::SeqCst);
        Ok(engine)
    }

    /// The layouts that machine code is compiled for, if the host has what it seems to have.
    pub(crate) fn layouts(&self) -> [Layout; 2] {
        self.fitting
    }

    /// Makes an engine with as large a pool as can be had, and without one in the end.
    fn make(&self, kind: Kind, pool: &Pool) -> Result<Engine> {
        let new = |layout: Layout, pool: Option<&Pool>| Engine::new(&config::config(&self.limits, kind, layout, pool));
        let kind = usize::from(kind == Kind::Forking);
        let mut made = None;
        // Machine code is the same for all engines of a kind, so the first one decides.
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

    /// Counts a guest that was loaded into a shard, and has others dropped that were not used for long; false if there are
    /// still more than there should be.
    pub(crate) fn loaded(&self, guest: Weak<dyn Unload>, shard: usize, cost: Cost) -> bool {
        self.loads.add(guest, shard, cost)
    }

    /// Has guests dropped that were not used for long, if there are more than there should be.
    pub(crate) fn trim(&self) {
        self.loads.trim();
    }

    /// Drops the guests that nothing uses.
    pub(crate) fn unload(&self) {
        self.loads.shed();
    }

    /// How many sandboxes of a kind may be kept for later in each shard.
    pub(crate) fn idle(&self) -> usize {
        config::IDLE
    }

    /// How many epoch interrupts there have been.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// Makes every call that runs look whether it may go on.
    pub(crate) fn interrupt(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        // Who sees that an engine has counted the interrupt sees all that was before it; and the call of an engine that is made
        // meanwhile, and is not seen here, sees that there was one.
        fence(Ordering::SeqCst);
        for engine in self.leaf.iter().chain(&self.forking).filter_map(OnceLock::get) {
            engine.increment_epoch();
        }
    }
}

fn refused(error: &wasmtime::Error) {
    tracing::debug!("the host has no room for a pool of sandboxes: {error:#}");
}
