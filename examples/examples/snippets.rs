//! Untrusted snippets, each call in a fresh sandbox: 100 JavaScript functions on 20 inputs each. Every tenth never ends,
//! and every fifth throws; the others are not disturbed.
//!
//! `cargo run --release -p purefork-examples --example snippets -- snippet-js.wasm`, with what
//! `examples/snippet-js/build snippet-js.wasm` has built.

use anyhow::{Context as _, ensure};
use purefork::{ErrorKind, Executor, Future, Limits, Value, args, default_cache_dir, wait_all};
use std::time::{Duration, Instant};

fn main() -> anyhow::Result<()> {
    let path = std::env::args().nth(1).context("expected the path of snippet-js.wasm")?;
    let mut builder = Executor::builder().limits(Limits::default().timeout(Duration::from_millis(5)));
    if let Some(dir) = default_cache_dir() {
        builder = builder.cache_dir(dir);
    }
    let exec = builder.build()?;
    let module = exec.load(path)?;
    // The first calls bring the machine code in from disk, which may take longer than they have.
    for _ in 0..100 {
        let first = (0..16).map(|_| module.fork("run", args!["(x) => x", "0"])).collect::<Result<Vec<_>, _>>()?;
        if wait_all(first).is_ok() {
            break;
        }
    }

    let start = Instant::now();
    let mut futures: Vec<Vec<Future<Value>>> = Vec::new();
    for i in 0..100 {
        let code = match i {
            i if i % 10 == 9 => "(x) => { for (;;) {} }".to_owned(),
            i if i % 5 == 4 => format!("(x) => {{ throw new RangeError('snippet {i} does not take ' + x.n) }}"),
            i => format!(
                "(x) => ({{ snippet: {i}, sum: Array.from({{ length: x.n }}, (_, k) => k * {i}).reduce((a, b) => a + b, 0) }})"
            ),
        };
        let inputs = (0..20).map(|n| module.fork("run", args![code.as_str(), format!("{{\"n\": {n}}}")]));
        futures.push(inputs.collect::<Result<_, _>>()?);
    }
    let (mut right, mut thrown, mut endless) = (0, 0, 0);
    for (i, futures) in futures.into_iter().enumerate() {
        for (n, future) in futures.into_iter().enumerate() {
            match future.join() {
                Ok(value) if i % 5 == 4 => {
                    let message = format!("err(\"RangeError: snippet {i} does not take {n}");
                    ensure!(value.to_string().starts_with(&message), "snippet {i} on {n} gave {value}");
                    thrown += 1;
                }
                Ok(value) => {
                    let sum: usize = (0..n).map(|k| k * i).sum();
                    let expected =
                        Value::Result(Ok(Some(Value::from(format!("{{\"snippet\":{i},\"sum\":{sum}}}")).into())));
                    ensure!(value == expected, "snippet {i} on {n} gave {value}");
                    right += 1;
                }
                Err(error) => {
                    ensure!(i % 10 == 9 && error.kind() == ErrorKind::Timeout, "snippet {i} on {n} failed: {error}");
                    endless += 1;
                }
            }
        }
    }
    println!("{right} right, {thrown} thrown, {endless} endless, in {:.2} s", start.elapsed().as_secs_f64());
    Ok(())
}
