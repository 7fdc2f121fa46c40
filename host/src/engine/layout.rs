//! How linear memories are laid out in address space. Machine code is compiled for one layout.
//!
//! All engines of a kind have the same layout, as they share machine code. Guests cannot tell one from another: each
//! refuses growth at the same size, and traps at the same addresses.

use super::address_space::AddressSpace;
use super::pools::{Kind, Pool, Pools};
use crate::instrument::max_card_table;
use crate::limits::Limits;
use wasmtime::Config;

/// The layouts, from the fastest to the one that takes the fewest addresses.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Each memory has more than 4 GiB of addresses, in a pool: inaccessible pages replace bounds checks.
    Guarded,
    /// Each has as many addresses as a memory may grow to, in a pool; bounds are checked.
    Checked,
    /// Each has as many addresses as bytes, without a pool; it moves when it grows.
    Movable,
}

/// Inaccessible bytes behind a memory whose bounds are checked: an offset below that needs no addition in the check.
const GUARD: u64 = 64 << 10;

/// How much a movable memory may grow before it is moved: at least so many bytes, or that fraction of the limit, for leaf and
/// forking guests. Each move copies the memory, but reserving for growth takes addresses for each call of a tree.
const GROWTH: u64 = 1 << 20;
const GROWTHS: [u64; 2] = [8, 32];

/// Pools of leaf guests may be made smaller so that their memories need not move, but no smaller than that.
const FEW_LEAVES: usize = 32;

/// What wasmtime reserves for a guarded memory, with the guard behind it.
const GUARDED: u64 = (4 << 30) + (32 << 20);

impl Layout {
    /// The fastest layouts that fit into the address space, for guests that cannot fork and those that can. Makes pools smaller
    /// where that helps.
    pub(super) fn fitting(limits: &Limits, pools: &mut Pools, shards: usize, space: AddressSpace) -> [Layout; 2] {
        let shards = shards as u64;
        let sum = |pools: &[(&Pool, u64)], layout: Layout| {
            let all = pools.iter().map(|(pool, times)| layout.needs(limits, pool).times(*times));
            all.fold(Needs::default(), Needs::and)
        };
        let first = |fits: &dyn Fn(Layout) -> bool| {
            [Layout::Guarded, Layout::Checked].into_iter().find(|layout| fits(*layout)).unwrap_or(Layout::Movable)
        };
        let mut smaller = Some(pools.leaf);
        while let Some(pool) = smaller.filter(|pool| pool.sandboxes() >= FEW_LEAVES) {
            if sum(&[(&pool, shards)], Layout::Checked).fit(space, 2) {
                pools.leaf = pool;
                break;
            }
            smaller = pool.half();
        }
        let leaves = |layout| sum(&[(&pools.leaf, shards)], layout);
        let leaf = first(&|layout| leaves(layout).fit(space, 2));
        let forking = first(&|layout| {
            let all = sum(&[(&pools.forking, shards), (&pools.deep, 1)], layout).and(leaves(leaf));
            all.fit(space, 8)
        });
        [leaf, forking]
    }

    /// The layout that takes fewer addresses.
    pub(super) fn smaller(self) -> Option<Layout> {
        match self {
            Layout::Guarded => Some(Layout::Checked),
            Layout::Checked => Some(Layout::Movable),
            Layout::Movable => None,
        }
    }

    /// Whether sandboxes lie in a pool.
    pub(super) fn pools(self) -> bool {
        self != Layout::Movable
    }

    /// Configures an engine for this layout.
    pub(super) fn configure(self, config: &mut Config, limits: &Limits, kind: Kind) {
        match self {
            Layout::Guarded => {}
            Layout::Checked => {
                config.memory_reservation(memory(limits)).memory_guard_size(GUARD).memory_may_move(false);
            }
            Layout::Movable => {
                let growth = (memory(limits) / GROWTHS[usize::from(kind == Kind::Forking)]).max(GROWTH);
                config.memory_reservation(0).memory_guard_size(GUARD).memory_reservation_for_growth(growth);
                // Each thread of the compiler would take addresses for its stack and heap.
                config.parallel_compilation(false);
            }
        }
    }

    /// What a pool takes.
    fn needs(self, limits: &Limits, pool: &Pool) -> Needs {
        let slot = match self {
            Layout::Guarded => GUARDED,
            Layout::Checked => memory(limits) + GUARD,
            Layout::Movable => return Needs::default(),
        };
        let writable = pool.writable(limits);
        let addresses = slot.saturating_mul(pool.sandboxes() as u64 + 1).saturating_add(writable);
        Needs { addresses, writable }
    }
}

/// The most bytes that a memory may have, with the card table.
pub(super) fn memory(limits: &Limits) -> u64 {
    (limits.memory + max_card_table(limits.memory)).next_multiple_of(64 << 10).min(Limits::MAX_MEMORY) as u64
}

/// What pools take, in bytes.
#[derive(Clone, Copy, Default)]
struct Needs {
    addresses: u64,
    writable: u64,
}

impl Needs {
    fn times(self, n: u64) -> Needs {
        Needs { addresses: self.addresses.saturating_mul(n), writable: self.writable.saturating_mul(n) }
    }

    fn and(self, other: Needs) -> Needs {
        Needs {
            addresses: self.addresses.saturating_add(other.addresses),
            writable: self.writable.saturating_add(other.writable),
        }
    }

    /// Whether these fit, with one part in `spare` left for code, other memory, and whatever the host does.
    fn fit(self, space: AddressSpace, spare: u64) -> bool {
        self.addresses <= space.addresses - space.addresses / spare
            && self.writable <= space.writable - space.writable / spare
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn fitting(limits: &Limits, threads: usize, addresses: u64) -> [Layout; 2] {
        let mut pools = Pools::new(limits, threads + 1).unwrap();
        Layout::fitting(limits, &mut pools, threads + 1, AddressSpace { addresses, writable: addresses })
    }

    #[test]
    fn the_fastest_layout_that_fits_is_taken() {
        use Layout::{Checked, Guarded, Movable};
        let limits = Limits::default();
        assert_eq!(fitting(&limits, 2, 1 << 47), [Guarded, Guarded]);
        assert_eq!(fitting(&limits, 64, 1 << 47), [Guarded, Guarded]);
        assert_eq!(fitting(&limits, 256, 1 << 47), [Guarded, Guarded]);
        assert_eq!(fitting(&limits, 2, 1 << 39), [Checked, Checked]);
        assert_eq!(fitting(&limits, 2, 60 * GIB), [Checked, Movable]);
        // Pools of 32 sandboxes and not of 128.
        assert_eq!(fitting(&limits, 2, 20 * GIB), [Checked, Movable]);
        assert_eq!(fitting(&limits, 2, 4 * GIB), [Movable, Movable]);
        assert_eq!(fitting(&limits, 2, 0), [Movable, Movable]);
        let small = Limits::default().depth(0).memory(1 << 20);
        assert_eq!(fitting(&small, 1, 4 * GIB), [Checked, Checked]);
        let large = Limits::default().memory(Limits::MAX_MEMORY);
        assert_eq!(fitting(&large, 2, 1 << 39), [Movable, Movable]);
    }
}
