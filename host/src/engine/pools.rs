//! The kinds of engines, and how large the pool of each is.

use super::mappings;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;

/// What an engine's guests do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// None of its functions can fork: a call is never suspended.
    Leaf,
    /// Calls may wait, on stacks of their own.
    Forking,
}

/// The most idle sandboxes that a shard keeps.
pub(super) const IDLE: usize = 32;

/// Sandboxes of leaf guests that one worker uses at a time: one, or a few where a callback waits and so runs other calls.
const LEAVES: usize = 96;

/// The same with more than `MANY` shards, which together would take more addresses than there are.
const LEAVES_OF_MANY: usize = 16;
const MANY: usize = 64;

/// The most linear memories and tables of one guest, over all its instances. Most guests have one memory, and one or two
/// tables; a pool has room for fewer guests that have more.
pub(crate) const MAX_MEMORIES: usize = 16;
pub(crate) const MAX_TABLES: usize = 64;

/// Bytes of a guest's stack that are reserved for host functions.
pub(crate) const HOST_STACK: usize = 128 << 10;

/// The fewest sandboxes of a pool: a smaller one is not made.
const FEWEST: u32 = 8;

/// Below each stack, in bytes.
const GUARD_PAGE: usize = 4 << 10;

/// Stacks in a pool beyond one for each sandbox.
const SPARE_STACKS: u32 = 32;

/// The most sandboxes of forking guests in the pool of a shard but the last. Making a pool takes time for each stack, and few
/// trees are deeper.
const SHALLOW: usize = 384;

/// The size of a shard's pool.
#[derive(Clone, Copy)]
pub(super) struct Pool {
    pub(super) kind: Kind,
    sandboxes: u32,
}

impl Pool {
    pub(super) fn sandboxes(&self) -> usize {
        self.sandboxes as usize
    }

    /// A pool of half as many; none if that is not worth it.
    pub(super) fn half(&self) -> Option<Pool> {
        (self.sandboxes >= 2 * FEWEST).then_some(Pool { sandboxes: self.sandboxes / 2, ..*self })
    }

    /// Writable addresses beside those of memories, in bytes.
    pub(super) fn writable(&self, limits: &Limits) -> u64 {
        let tables = u64::from(self.tables()).saturating_mul((limits.table_elements * size_of::<usize>()) as u64);
        tables.saturating_add(u64::from(self.stacks()).saturating_mul((limits.stack + HOST_STACK + GUARD_PAGE) as u64))
    }

    pub(super) fn tables(&self) -> u32 {
        self.sandboxes.saturating_mul(4)
    }

    pub(super) fn stacks(&self) -> u32 {
        match self.kind {
            // Leaf calls run on the thread's own stack.
            Kind::Leaf => 0,
            // Spare ones for guest functions that run while a call is suspended in a host function.
            Kind::Forking => self.sandboxes.saturating_add(SPARE_STACKS),
        }
    }
}

/// The pools of an executor's engines.
pub(super) struct Pools {
    /// Each shard's, for guests that cannot fork.
    pub(super) leaf: Pool,
    /// Each shard's but the last, for guests that fork.
    pub(super) forking: Pool,
    /// The last shard's, for trees that are too deep for the others.
    pub(super) deep: Pool,
}

impl Pools {
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] where the limits cannot be had.
    pub(super) fn new(limits: &Limits, shards: usize) -> Result<Pools> {
        check(limits)?;
        let most = mappings::budget() / mappings::PER_SANDBOX;
        let deep = limits.depth as usize + 1;
        if deep >= most {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("a depth of {} was asked for, but this host has mappings for {most}", limits.depth),
            )
            .with_help("lower `Limits::depth`, or raise `vm.max_map_count`"));
        }
        // A call takes a sandbox of any shard when its own has none left. So all shards together have sandboxes for the deepest
        // tree, and more.
        let shallow = ((most - deep) / shards).clamp(1, SHALLOW.min(deep + LEAVES + IDLE));
        let pool = |kind, sandboxes| Pool { kind, sandboxes: u32::try_from(sandboxes).unwrap_or(u32::MAX) };
        let leaves = if shards > MANY { LEAVES_OF_MANY } else { LEAVES };
        Ok(Pools {
            leaf: pool(Kind::Leaf, leaves + IDLE),
            forking: pool(Kind::Forking, shallow),
            deep: pool(Kind::Forking, deep),
        })
    }
}

fn check(limits: &Limits) -> Result<()> {
    let wrong = |what: &str, given: String, expected: String| {
        Err(Error::new(ErrorKind::Invalid, format!("expected {what} {expected}, but was given {given}")))
    };
    if !(Limits::MIN_STACK..=Limits::MAX_STACK).contains(&limits.stack) {
        let range = format!("from {} to {} bytes", Limits::MIN_STACK, Limits::MAX_STACK);
        return wrong("a stack", format!("{} bytes", limits.stack), range);
    }
    if limits.memory > Limits::MAX_MEMORY {
        return wrong("memory", format!("{} bytes", limits.memory), format!("of at most {} bytes", Limits::MAX_MEMORY));
    }
    if limits.heap > limits.memory {
        let most = format!("of at most {} bytes, which is all the memory that there may be", limits.memory);
        return wrong("a heap", format!("{} bytes", limits.heap), most);
    }
    if limits.fuel == 0 || limits.fuel > i64::MAX as u64 {
        return wrong("fuel", limits.fuel.to_string(), format!("from 1 to {}", i64::MAX));
    }
    if limits.forks > i32::MAX as u32 {
        return wrong("forks per call", limits.forks.to_string(), format!("up to {}", i32::MAX));
    }
    if limits.table_elements > 10_000_000 {
        return wrong("table elements", limits.table_elements.to_string(), "up to 10000000".to_owned());
    }
    Ok(())
}
