//! What no isolated fork can be faster than: the same work without isolation, or without purefork.

use crossbeam_channel::{Receiver, Sender, unbounded};
use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, InstancePre, Linker, Module, PoolingAllocationConfig, Store,
    StoreLimits, StoreLimitsBuilder, TypedFunc, WasmParams, WasmResults,
};

/// Configured as purefork configures it.
pub(crate) fn engine() -> Engine {
    let mut config = Config::new();
    config.cranelift_nan_canonicalization(true).wasm_relaxed_simd(false);
    config.concurrency_support(false);
    config.consume_fuel(true).epoch_interruption(true).max_wasm_stack(512 << 10);
    let mut pool = PoolingAllocationConfig::default();
    pool.total_core_instances(128)
        .total_component_instances(128)
        .total_memories(128)
        .total_tables(256)
        .max_memories_per_module(16)
        .max_tables_per_module(16)
        .table_elements(100_000)
        .max_core_instance_size(4 << 20)
        .max_memory_size(64 << 20)
        .linear_memory_keep_resident(64 << 10)
        .table_keep_resident(64 << 10)
        .pagemap_scan(Enabled::No)
        .total_stacks(0);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config).expect("the pool fits")
}

/// Calls in one instance: no isolation at all. Fuel and deadline are set once, for all of them.
pub(crate) struct BareCall<P, R> {
    store: Store<()>,
    function: TypedFunc<P, R>,
}

impl<P: WasmParams, R: WasmResults> BareCall<P, R> {
    /// Calls of a guest's export, as the guest is: not rewritten.
    pub(crate) fn new(guest: &[u8], name: &str) -> BareCall<P, R> {
        let engine = engine();
        let wasm = wat::parse_bytes(guest).expect("the guest is well-formed");
        let module = Module::new(&engine, wasm).expect("the guest compiles");
        let mut store = Store::new(&engine, ());
        store.set_fuel(u64::MAX).expect("fuel is on");
        store.set_epoch_deadline(1 << 40);
        let instance = Linker::new(&engine).instantiate(&mut store, &module).expect("there is room");
        let function = instance.get_typed_func(&mut store, name).expect("the guest exports it");
        BareCall { store, function }
    }

    pub(crate) fn call(&mut self, params: P) -> R {
        self.function.call(&mut self.store, params).expect("it does not fail")
    }
}

/// A new instance for each call.
pub(crate) struct BareFresh {
    engine: Engine,
    pre: InstancePre<StoreLimits>,
}

impl BareFresh {
    pub(crate) fn new(guest: &str) -> BareFresh {
        let engine = engine();
        let module = Module::new(&engine, wat::parse_str(guest).expect("the guest is well-formed"));
        let module = module.expect("the guest compiles");
        let pre = Linker::new(&engine).instantiate_pre(&module).expect("the guest imports nothing");
        BareFresh { engine, pre }
    }

    pub(crate) fn calls(&self, calls: u32) {
        for i in 0..calls.cast_signed() {
            let limits = StoreLimitsBuilder::new().memory_size(64 << 20).build();
            let mut store = Store::new(&self.engine, limits);
            store.limiter(|limits| limits);
            store.set_fuel(100_000_000_000).expect("fuel is on");
            store.set_epoch_deadline(1);
            let instance = self.pre.instantiate(&mut store).expect("there is room");
            let add = instance.get_typed_func::<(i32, i32), i32>(&mut store, "add").expect("the guest exports `add`");
            assert_eq!(add.call(&mut store, (i, 2)).expect("add does not fail"), i + 2);
        }
    }
}

/// Threads that are sent a number and send back another: no future, no sandbox, no wasm.
pub(crate) struct Channel {
    jobs: Sender<u32>,
    answers: Receiver<u32>,
}

impl Channel {
    pub(crate) fn new(threads: usize) -> Channel {
        let (jobs, take) = unbounded::<u32>();
        let (answer, answers) = unbounded();
        for _ in 0..threads {
            let (take, answer) = (take.clone(), answer.clone());
            std::thread::spawn(move || {
                for job in take {
                    if answer.send(job.wrapping_add(2)).is_err() {
                        return;
                    }
                }
            });
        }
        Channel { jobs, answers }
    }

    pub(crate) fn batch(&self, jobs: u32) {
        for i in 0..jobs {
            self.jobs.send(i).expect("the threads live");
        }
        for _ in 0..jobs {
            black_box(self.answers.recv().expect("the threads live"));
        }
    }

    pub(crate) fn trips(&self, trips: u32) {
        for i in 0..trips {
            self.jobs.send(i).expect("the threads live");
            assert_eq!(self.answers.recv().expect("the threads live"), i + 2);
        }
    }
}

/// The same additions as spawned jobs of rayon, without futures.
pub(crate) fn rayon_batch(pool: &rayon::ThreadPool, jobs: u32) {
    let done = AtomicU32::new(0);
    pool.in_place_scope(|scope| {
        for i in 0..jobs {
            let done = &done;
            scope.spawn(move |_| {
                black_box(i + 2);
                done.fetch_add(1, Ordering::Relaxed);
            });
        }
    });
    assert_eq!(done.into_inner(), jobs);
}
