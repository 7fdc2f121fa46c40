//! Snippets of JavaScript and Python, each call from the initial state, beside the same component's calls without isolation.
//! The component is given by its path:
//!
//! `cargo bench -p purefork --bench runners -- snippet-js.wasm '(x) => x.n + 1'`, or
//! `… -- snippet-py.wasm 'def main(x): return x["n"] + 1'`; built as the examples say.
//!
//! The floor is wasmtime's component runtime, configured as purefork configures wasmtime, and one instance. Before each call its
//! memory is as it was when the instance was made: all pages that a call changes are put back, by the system, while the clock
//! stands still. They are there and in the caches, so no call meets a page fault, and nothing is counted but the call. What is
//! left of earlier calls are globals, which end as they began: a stack's pointer. That putting back has put back everything is
//! checked at the end, by comparing all of the memory. The calls that carry their state over, from one to the next, are shown
//! as well; they do other work than a first call does.

mod memory;

use memory::Reserved;
use purefork::{Executor, Future, Isolation, Value, args, wait_all};
use std::time::{Duration, Instant};
use wasmtime::component::{Component, Linker, TypedFunc};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};

const ROUNDS: usize = 15;
const CALLS: u32 = 300;
const INPUT: &str = r#"{"n": 41}"#;
const OUTPUT: &str = "42";
/// What a call from the initial state may take, in calls without isolation.
const BAR: f64 = 1.4;

fn median(mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

fn timed(f: impl FnOnce()) -> Duration {
    let start = Instant::now();
    f();
    start.elapsed()
}

/// Milliseconds for each call.
fn each(all: Duration) -> f64 {
    all.as_secs_f64() * 1e3 / f64::from(CALLS)
}

/// Configured as purefork configures it.
fn engine() -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config.cranelift_nan_canonicalization(true).wasm_relaxed_simd(false).concurrency_support(false);
    config.consume_fuel(true).epoch_interruption(true);
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(2)
        .total_core_instances(128)
        .total_memories(2)
        .total_tables(128)
        .max_tables_per_component(64)
        .table_elements(100_000)
        .max_core_instance_size(4 << 20)
        .pagemap_scan(Enabled::No)
        .total_stacks(0);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}

/// One instance, without isolation.
struct Bare<'a> {
    store: Store<()>,
    run: TypedFunc<(&'a str, &'a str), (Result<String, String>,)>,
    code: &'a str,
}

impl<'a> Bare<'a> {
    fn new(engine: &Engine, component: &Component, code: &'a str) -> wasmtime::Result<Bare<'a>> {
        let mut store = Store::new(engine, ());
        store.set_fuel(u64::MAX)?;
        store.set_epoch_deadline(1 << 40);
        let instance = Linker::new(engine).instantiate(&mut store, component)?;
        let run = instance.get_typed_func(&mut store, "run")?;
        Ok(Bare { store, run, code })
    }

    fn call(&mut self) {
        let (result,) = self.run.call(&mut self.store, (self.code, INPUT)).expect("it returns");
        assert_eq!(result.as_deref(), Ok(OUTPUT));
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let [path, code] = args.as_slice() else {
        println!("runners: give the path of a snippet runner, and a snippet that adds 1 to `n`");
        return Ok(());
    };
    let bytes = std::fs::read(path)?;

    let engine = engine()?;
    let component = Component::new(&engine, &bytes)?;
    let mut carried = Bare::new(&engine, &component, code)?;
    let reserved = Reserved::now()?;
    let mut bare = Bare::new(&engine, &component, code)?;
    let mut memory = reserved.taken()?;
    bare.call();
    let pages = memory.compare()?;
    println!("  a call changes {pages} pages of a memory of {} MiB", memory.len() >> 20);

    // With one worker the thread that waits would help it: that would be two.
    let one = |isolation| Executor::builder().serial().isolation(isolation).build();
    let two = |isolation| Executor::builder().threads(2).isolation(isolation).build();
    let (recycled, fresh) = (Isolation::Recycled, Isolation::Fresh);
    let executors = [one(recycled)?, two(recycled)?, one(fresh)?, two(fresh)?];
    let modules = executors.iter().map(|exec| exec.load_bytes(&bytes)).collect::<Result<Vec<_>, _>>()?;
    let expected = Value::Result(Ok(Some(Value::from(OUTPUT).into())));

    let (mut floor, mut carries, mut ways) = (Vec::new(), Vec::new(), [(); 4].map(|()| Vec::new()));
    for _ in 0..ROUNDS {
        let mut all = Duration::ZERO;
        for _ in 0..CALLS {
            memory.put_back()?;
            all += timed(|| bare.call());
        }
        floor.push(each(all));
        carries.push(each(timed(|| (0..CALLS).for_each(|_| carried.call()))));
        for (rounds, module) in ways.iter_mut().zip(&modules) {
            rounds.push(each(timed(|| {
                let forks = (0..CALLS).map(|_| module.fork("run", args![code.as_str(), INPUT]));
                let forks: Vec<Future<Value>> = forks.collect::<Result<_, _>>().expect("the snippet is forked");
                assert!(wait_all(forks).expect("it returns").iter().all(|value| *value == expected));
            })));
        }
    }
    memory.put_back()?;
    assert_eq!(memory.compare()?, 0, "pages that were not put back");

    let floor = median(floor);
    let line = |name: &str, figure: f64| println!("  {name:<56} {figure:>7.3} ms {:>7.2} ×", figure / floor);
    line("bare calls, no isolation, memory put back for free", floor);
    line("bare calls, no isolation, state carried over", median(carries));
    let names = ["recycled, 1 thread", "recycled, 2 threads", "fresh, 1 thread", "fresh, 2 threads"];
    let figures = ways.map(median);
    for (name, figure) in names.into_iter().zip(figures) {
        line(&format!("purefork, {name}"), figure);
    }
    println!("  recycled, 1 thread / bare calls: {:.2} (bar: at most {BAR})", figures[0] / floor);
    Ok(())
}
