//! The figures that purefork stands for, each beside its floor, in one run.
//!
//! `cargo bench -p purefork --bench figures` prints a table; `-- --json` a JSON object for other programs; a word, such
//! as `-- fib`, only the figures with that word in their names. A figure is the median of several rounds. A figure and
//! its floor take turns in every round, so that a change of the machine's speed meets both: that is why this is no
//! harness that measures one thing after the other.

mod attributes;
mod batches;
mod bulk;
mod components;
mod floors;
mod guests;
mod memo;
mod memory;
mod stores;
mod table;
mod traced;

use floors::{BareCall, BareFresh, Channel};
use guests::{ADD, fib, with_memory};
use purefork::{Executor, Future, Isolation, Limits, Result, wait_all};
use std::time::Instant;
use table::{Row, Table};

const ROUNDS: usize = 9;
const BATCH: u32 = 100_000;
const TRIPS: u32 = 10_000;
const FIB: i32 = 22;
/// Calls in the tree of forks that `fib(22)` is.
const FIB_CALLS: u32 = 57_313;

fn main() -> Result<()> {
    let mut table = Table::from_args();
    calls(&mut table)?;
    bulk::map(&mut table)?;
    writing(&mut table)?;
    stores::short(&mut table)?;
    stores::loops(&mut table)?;
    stores::batch(&mut table)?;
    nested(&mut table)?;
    components::leaf(&mut table)?;
    components::nested(&mut table)?;
    components::lists(&mut table)?;
    batches::batches(&mut table)?;
    memory::outstanding(&mut table)?;
    memory::churn(&mut table)?;
    shapes(&mut table)?;
    attributes::attributes(&mut table)?;
    traced::traced(&mut table)?;
    memo::memo(&mut table)?;
    table.print();
    Ok(())
}

/// Many calls of a short stateless function.
fn calls(table: &mut Table) -> Result<()> {
    if !table.wants("batch") && !table.wants("round trip") {
        return Ok(());
    }
    let exec = Executor::builder().threads(2).build()?;
    let add = exec.load_bytes(ADD)?.function::<(i32, i32), i32>("add")?;
    let mut bare = BareCall::<(i32, i32), i32>::new(ADD.as_bytes(), "add");
    let channel = Channel::new(2);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("rayon starts two threads");

    let mut rows = Row::group(["batch, bare call", "batch, channel", "batch, rayon", "batch, purefork"]);
    for _ in 0..ROUNDS {
        rows[0].time(BATCH, || (0..BATCH.cast_signed()).for_each(|i| assert_eq!(bare.call((i, 2)), i + 2)));
        rows[1].time(BATCH, || channel.batch(BATCH));
        rows[2].time(BATCH, || floors::rayon_batch(&pool, BATCH));
        rows[3].time(BATCH, || {
            let sums: Vec<Future<i32>> = (0..BATCH.cast_signed()).map(|i| add.fork((i, 2))).collect();
            let sums = wait_all(sums).expect("add does not fail");
            assert_eq!(
                sums.iter().copied().map(i64::from).sum::<i64>(),
                (0..i64::from(BATCH)).map(|i| i + 2).sum::<i64>()
            );
        });
    }
    table.add(rows, "100,000 forks of `add`, then a wait for each", Some(0.40));

    let mut rows = Row::group(["round trip, channel", "round trip, purefork"]);
    for _ in 0..ROUNDS {
        rows[0].time(TRIPS, || channel.trips(TRIPS));
        rows[1].time(TRIPS, || {
            for i in 0..TRIPS.cast_signed() {
                assert_eq!(add.fork((i, 2)).wait().expect("add does not fail"), i + 2);
            }
        });
    }
    table.add(rows, "one fork and its wait, 10,000 times", Some(1.0));
    Ok(())
}

/// Calls that write to memory, each in a sandbox of its own.
fn writing(table: &mut Table) -> Result<()> {
    if !table.wants("fresh") && !table.wants("recycled") {
        return Ok(());
    }
    let guest = with_memory();
    let execs = [Isolation::Fresh, Isolation::Recycled];
    let execs = execs.map(|isolation| Executor::builder().serial().isolation(isolation).build());
    let execs = execs.into_iter().collect::<Result<Vec<_>>>()?;
    let adds = execs.iter().map(|exec| exec.load_bytes(&guest)?.function::<(i32, i32), i32>("add"));
    let adds = adds.collect::<Result<Vec<_>>>()?;
    let bare = BareFresh::new(&guest);
    let mut rows = Row::group(["fresh, bare wasmtime", "fresh, purefork", "recycled, purefork"]);
    for _ in 0..ROUNDS {
        rows[0].time(TRIPS, || bare.calls(TRIPS));
        for (row, add) in rows[1..].iter_mut().zip(&adds) {
            row.time(TRIPS, || {
                for i in 0..TRIPS.cast_signed() {
                    assert_eq!(add.fork((i, 2)).wait().expect("add does not fail"), i + 2);
                }
            });
        }
    }
    let ratio = rows[1].median() / rows[0].median();
    table.add(rows, "a guest that writes to its memory: a sandbox and a call, one thread", None);
    table.ratio("fresh, purefork / bare", ratio, "at most", 1.25);
    Ok(())
}

/// `fib(22)` as 57,313 nested forks.
fn nested(table: &mut Table) -> Result<()> {
    for (kind, store, bar, faster) in [("stateless", false, 2.0, 1.6), ("storing", true, 1.0, 1.8)] {
        let names = [format!("fib {kind}, 1 thread"), format!("fib {kind}, 2 threads")];
        if !names.iter().any(|name| table.wants(name)) {
            continue;
        }
        let mut rows = Row::group(names);
        let execs = [1, 2].map(|threads| Executor::builder().threads(threads).build());
        let execs = execs.into_iter().collect::<Result<Vec<_>>>()?;
        let fibs = execs
            .iter()
            .map(|exec| exec.load_bytes(fib(store))?.function::<i32, i64>("fib"))
            .collect::<Result<Vec<_>>>()?;
        for _ in 0..ROUNDS {
            for (row, fib) in rows.iter_mut().zip(&fibs) {
                row.time(FIB_CALLS, || assert_eq!(fib.fork(FIB).wait().expect("fib does not fail"), 17_711));
            }
        }
        let ratio = rows[0].median() / rows[1].median();
        table.add(rows, "fib(22): 57,313 nested isolated forks", Some(bar));
        table.ratio(&format!("fib {kind}, 1 thread / 2 threads"), ratio, "at least", faster);
    }
    Ok(())
}

/// Deep and wide trees at one thread.
fn shapes(table: &mut Table) -> Result<()> {
    if !table.wants("shape") {
        return Ok(());
    }
    let exec = Executor::builder().threads(1).limits(Limits::default()).build()?;
    let chain = exec.load_bytes(guests::CHAIN)?.function::<i32, i32>("chain")?;
    let tree = exec.load_bytes(guests::TREE)?.function::<(i32, i32), i32>("tree")?;
    let mut rows = Row::group(["shape: chain, 5,000 deep", "shape: tree, 10 × 10", "shape: chain, a million deep"]);
    let start = Instant::now();
    assert_eq!(chain.fork(5_000).wait()?, 5_000);
    rows[0].add(start, 5_000);
    let start = Instant::now();
    assert_eq!(tree.fork((10, 2)).wait()?, 111);
    rows[1].add(start, 111);
    let start = Instant::now();
    let error = chain.fork(1_000_000).wait().expect_err("a million levels are too many");
    assert_eq!(error.kind(), purefork::ErrorKind::TooDeep);
    rows[2].add(start, 5_120);
    table.add(rows, "one thread; the last ends in `TooDeep`", None);
    Ok(())
}
