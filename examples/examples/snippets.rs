//! Untrusted snippets, each call in a fresh sandbox: 100 JavaScript functions on 20 inputs each. Every tenth never ends,
//! and every fifth throws; the others are not disturbed.
//!
//! `cargo run --release --example snippets -- snippet-js.wasm`, with what
//! `examples/snippet-js/build snippet-js.wasm` has built.

use anyhow::{Context as _, ensure};
use purefork::{Builder, Error, ErrorKind, Executor, Future, Limits, Module, Value, args, wait_all};
use std::time::{Duration, Instant};

/// Function number `i`.
fn code(i: usize) -> String {
    match i {
        i if i % 10 == 9 => "(x) => { for (;;) {} }".to_owned(),
        i if i % 5 == 4 => format!("(x) => {{ throw new RangeError('snippet {i} does not take ' + x.n) }}"),
        i => format!(
            "(x) => ({{ snippet: {i}, sum: Array.from({{ length: x.n }}, (_, k) => k * {i}).reduce((a, b) => a + b, 0) }})"
        ),
    }
}

fn fork(module: &Module, i: usize, n: usize) -> Result<Future<Value>, Error> {
    module.fork("run", args![code(i), format!("{{\"n\": {n}}}")])
}

/// How calls ended.
#[derive(Default)]
struct Count {
    right: usize,
    thrown: usize,
    endless: usize,
}

impl Count {
    /// Counts what function `i` made of input `n`, which has to be the right thing.
    fn add(&mut self, i: usize, n: usize, result: Result<Value, Error>) -> anyhow::Result<()> {
        match result {
            Ok(value) if i % 5 == 4 => {
                let message = format!("err(\"RangeError: snippet {i} does not take {n}");
                ensure!(value.to_string().starts_with(&message), "snippet {i} on {n} gave {value}");
                self.thrown += 1;
            }
            Ok(value) => {
                let sum: usize = (0..n).map(|k| k * i).sum();
                let expected =
                    Value::Result(Ok(Some(Value::from(format!("{{\"snippet\":{i},\"sum\":{sum}}}")).into())));
                ensure!(value == expected, "snippet {i} on {n} gave {value}");
                self.right += 1;
            }
            Err(error) => {
                ensure!(i % 10 == 9 && error.kind() == ErrorKind::Timeout, "snippet {i} on {n} failed: {error}");
                self.endless += 1;
            }
        }
        Ok(())
    }
}

fn main() -> anyhow::Result<()> {
    let path = std::env::args().nth(1).context("expected the path of snippet-js.wasm")?;
    let mut builder = Executor::builder().limits(Limits::default().timeout(Duration::from_millis(5)));
    if let Some(dir) = Builder::default_cache_dir() {
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
    let mut futures = Vec::new();
    for (i, n) in (0..100).flat_map(|i| (0..20).map(move |n| (i, n))) {
        futures.push((i, n, fork(&module, i, n)?));
    }
    let mut count = Count::default();
    let mut again = Vec::new();
    for (i, n, future) in futures {
        match future.join() {
            // The limit is time on the wall: the call may have been kept from running by other programs. It is pure, so
            // trying again is sound.
            Err(error) if error.kind() == ErrorKind::Timeout => again.push((i, n, fork(&module, i, n)?)),
            result => count.add(i, n, result)?,
        }
    }
    let tried_again = again.len();
    for (i, n, future) in again {
        count.add(i, n, future.join())?;
    }
    let Count { right, thrown, endless } = count;
    let time = start.elapsed().as_secs_f64();
    println!("{right} right, {thrown} thrown, {endless} endless, {tried_again} tried again, in {time:.2} s");
    Ok(())
}
