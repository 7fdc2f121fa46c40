//! Snippets of JavaScript and Python, each call from the initial state, beside the same component's calls one after another in one
//! instance, without any isolation. The component is given by its path:
//!
//! `cargo bench -p purefork --bench runners -- snippet-js.wasm '(x) => x.n + 1'`, or
//! `… -- snippet-py.wasm 'def main(x): return x["n"] + 1'`; built as the examples say.

use purefork::{Executor, Future, Isolation, Value, args, wait_all};
use std::time::Instant;
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, Store};

const ROUNDS: usize = 15;
const CALLS: u32 = 300;
const INPUT: &str = r#"{"n": 41}"#;
const OUTPUT: &str = "42";

fn median(mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

fn timed(rounds: &mut Vec<f64>, f: impl FnOnce()) {
    let start = Instant::now();
    f();
    rounds.push(start.elapsed().as_secs_f64() * 1e3 / f64::from(CALLS));
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let [path, code] = args.as_slice() else {
        println!("runners: give the path of a snippet runner, and a snippet that adds 1 to `n`");
        return Ok(());
    };
    let bytes = std::fs::read(path)?;

    // Configured as purefork configures it.
    let mut config = Config::new();
    config.cranelift_nan_canonicalization(true).wasm_relaxed_simd(false).concurrency_support(false);
    config.consume_fuel(true).epoch_interruption(true);
    let engine = Engine::new(&config)?;
    let component = Component::new(&engine, &bytes)?;
    let mut store = Store::new(&engine, ());
    store.set_fuel(u64::MAX)?;
    store.set_epoch_deadline(1 << 40);
    let instance = Linker::new(&engine).instantiate(&mut store, &component)?;
    let run = instance.get_typed_func::<(&str, &str), (Result<String, String>,)>(&mut store, "run")?;

    // With one worker the thread that waits would help it: that would be two.
    let one = |isolation| Executor::builder().serial().isolation(isolation).build();
    let two = |isolation| Executor::builder().threads(2).isolation(isolation).build();
    let (recycled, fresh) = (Isolation::Recycled, Isolation::Fresh);
    let executors = [one(recycled)?, two(recycled)?, one(fresh)?, two(fresh)?];
    let modules = executors.iter().map(|exec| exec.load_bytes(&bytes)).collect::<Result<Vec<_>, _>>()?;
    let expected = Value::Result(Ok(Some(Value::from(OUTPUT).into())));

    let (mut bare, mut ways) = (Vec::new(), [(); 4].map(|()| Vec::new()));
    for _ in 0..ROUNDS {
        timed(&mut bare, || {
            for _ in 0..CALLS {
                let (result,) = run.call(&mut store, (code, INPUT)).expect("it returns");
                assert_eq!(result.as_deref(), Ok(OUTPUT));
            }
        });
        for (rounds, module) in ways.iter_mut().zip(&modules) {
            timed(rounds, || {
                let forks = (0..CALLS).map(|_| module.fork("run", args![code.as_str(), INPUT]));
                let forks: Vec<Future<Value>> = forks.collect::<Result<_, _>>().expect("the snippet is forked");
                assert!(wait_all(forks).expect("it returns").iter().all(|value| *value == expected));
            });
        }
    }
    let bare = median(bare);
    println!("  bare calls in one instance, no isolation   {bare:>7.3} ms");
    let names = ["recycled, 1 thread", "recycled, 2 threads", "fresh, 1 thread", "fresh, 2 threads"];
    for (name, rounds) in names.into_iter().zip(ways) {
        let figure = median(rounds);
        println!("  purefork, {name:<32} {figure:>7.3} ms {:>7.2} ×", figure / bare);
    }
    Ok(())
}
