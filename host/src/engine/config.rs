//! How wasmtime is configured.

use super::layout::{self, Layout};
use super::pools::{HOST_STACK, Kind, MAX_MEMORIES, MAX_TABLES, Pool};
use crate::instrument::free_operators;
use crate::ir::proposals::CORE;
use crate::limits::Limits;
use crate::process::was_forked;
use wasmtime::{
    Collector, Config, Enabled, InstanceAllocationStrategy, OperatorCost, PoolingAllocationConfig,
    WasmBacktraceDetails, WasmFeatures,
};

/// Core instances of one guest, on average: a component may be made of forty.
const INSTANCES: u32 = 64;

/// Bytes of a memory or table that wasmtime resets by copying instead of by the kernel. Copying 64 KiB takes 1.5 µs, the kernel
/// 2 to 4, and more than 15 where two threads ask at the same time, as it interrupts the other processors.
pub(crate) const KEEP_RESIDENT: usize = 64 << 10;

/// The configuration of an engine. `pool`: none if sandboxes are allocated on demand.
pub(super) fn config(limits: &Limits, kind: Kind, layout: Layout, pool: Option<&Pool>) -> Config {
    let mut config = Config::new();
    // Its collections depend on what a guest allocates, and on nothing else.
    config.collector(Collector::Copying);
    // What the audit takes, and nothing else: what differs between processors is off.
    config.wasm_features(WasmFeatures::all().difference(CORE), false).wasm_features(CORE, true);
    // Results are the same bits on every host.
    config.cranelift_nan_canonicalization(true);
    // For components only, which wasmtime does not run here.
    config.concurrency_support(false);
    config.consume_fuel(true).epoch_interruption(true);
    // wasmtime charges `table.grow` before it knows whether the table may grow, so an absurd size would use up all fuel. A table's
    // size has a limit of its own, like a memory's, whose growth is not charged either.
    let mut cost = OperatorCost::new();
    cost.variable.table_grow_per_element = 0;
    // What is added to guests costs nothing; theirs is charged by nops.
    macro_rules! free {
        ($($name:ident)*) => { $(cost.$name = 0;)* };
    }
    free_operators!(free);
    cost.Nop = 1;
    config.operator_cost(cost);
    config.max_wasm_stack(limits.stack);
    // The compiler's threads are started once, and do not exist in a forked child.
    config.parallel_compilation(!was_forked());
    // A guest may contain any debug information: reading it at a trap takes stack, time and memory that no limit covers.
    config.wasm_backtrace_details(WasmBacktraceDetails::Disable);

    // wasmtime compares `max_wasm_stack` with this even where there are no such stacks.
    config.async_stack_size(limits.stack + HOST_STACK);
    layout.configure(&mut config, limits, kind);
    config.allocation_strategy(match pool {
        Some(pool) => InstanceAllocationStrategy::Pooling(slots(limits, pool)),
        None => InstanceAllocationStrategy::OnDemand,
    });
    config
}

fn slots(limits: &Limits, pool: &Pool) -> PoolingAllocationConfig {
    let mut slots = PoolingAllocationConfig::default();
    let sandboxes = pool.sandboxes() as u32;
    slots
        // A component has several instances. They take no memory here: the number is only a limit.
        .total_core_instances(sandboxes.saturating_mul(INSTANCES))
        .total_memories(sandboxes)
        .total_gc_heaps(sandboxes)
        .total_tables(pool.tables())
        .total_stacks(pool.stacks())
        .max_memories_per_module(MAX_MEMORIES as u32)
        .max_tables_per_module(MAX_TABLES as u32)
        .table_elements(limits.table_elements)
        .max_core_instance_size(4 << 20)
        .max_memory_size(layout::memory(limits) as usize)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(KEEP_RESIDENT)
        // It misses dirty pages that were swapped out: the next call could read them (wasmtime 14357).
        .pagemap_scan(Enabled::No);
    slots
}
