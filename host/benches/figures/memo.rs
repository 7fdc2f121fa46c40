//! The memory of results.

use crate::floors::BareCall;
use crate::guests::{ADD, fib};
use crate::table::{Row, Table};
use crate::{BATCH, ROUNDS};
use purefork::{Executor, Memo, Result};

/// Results that are known, and how much it takes to keep those that are not.
pub(crate) fn memo(table: &mut Table) -> Result<()> {
    if !table.wants("memo") {
        return Ok(());
    }
    known(table)?;
    unknown(table)?;
    tree(table)
}

/// Calls whose result is known, beside the call itself, which takes hardly anything.
fn known(table: &mut Table) -> Result<()> {
    let (serial, threads) = (|| Executor::builder().serial(), || Executor::builder().threads(2));
    let plain = serial().build()?;
    let execs =
        [serial().memo(Memo::in_memory()).build()?, threads().build()?, threads().memo(Memo::in_memory()).build()?];
    let adds = [&plain, &execs[0], &execs[1], &execs[2]].map(|exec| exec.load_bytes(ADD)?.function("add"));
    let adds = adds.into_iter().collect::<Result<Vec<purefork::Function<(i32, i32), i32>>>>()?;
    let mut bare = BareCall::<(i32, i32), i32>::new(ADD.as_bytes(), "add");
    let names = [
        "memo: bare call",
        "memo: a call, serial",
        "memo: a hit, serial",
        "memo: a call, threads",
        "memo: a hit, threads",
    ];
    let mut rows = Row::group(names);
    for _ in 0..ROUNDS {
        rows[0].time(BATCH, || (0..BATCH).for_each(|_| assert_eq!(bare.call((1, 2)), 3)));
        for (row, add) in rows[1..].iter_mut().zip(&adds) {
            row.time(BATCH, || {
                (0..BATCH).for_each(|_| assert_eq!(add.fork((1, 2)).wait().expect("add does not fail"), 3))
            });
        }
    }
    table.add(rows, "one fork and its wait, 100,000 times the same", Some(0.3));
    Ok(())
}

/// Calls whose result is not known.
fn unknown(table: &mut Table) -> Result<()> {
    let dir = std::env::temp_dir().join(format!("purefork-figures-{}", std::process::id()));
    let serial = || Executor::builder().serial();
    let on_disk = Memo::dir(&dir)?;
    let execs = [serial().build()?, serial().memo(Memo::in_memory()).build()?, serial().memo(on_disk.clone()).build()?];
    let adds = execs.iter().map(|exec| exec.load_bytes(ADD)?.function::<(i32, i32), i32>("add"));
    let adds = adds.collect::<Result<Vec<_>>>()?;
    let mut rows = Row::group(["memo: a call", "memo: a miss, in memory", "memo: a miss, on disk"]);
    let mut next = 0;
    for _ in 0..ROUNDS {
        for (row, add) in rows.iter_mut().zip(&adds) {
            let first = next;
            next += BATCH.cast_signed();
            row.time(BATCH, || {
                (first..next).for_each(|i| assert_eq!(add.fork((i, 2)).wait().expect("add does not fail"), i + 2));
            });
        }
        on_disk.flush();
    }
    table.add(rows, "one fork and its wait, 100,000 times another", None);
    drop((execs, adds, on_disk));
    let _ = std::fs::remove_dir_all(dir);
    Ok(())
}

/// `fib(90)`, with nothing known before: in a new executor, whose sandboxes have to be made, and in one that has them.
fn tree(table: &mut Table) -> Result<()> {
    const KEPT: usize = 64 << 20;
    let names = ["new, serial", "new, 1 thread", "serial", "1 thread", "2 threads"];
    let mut rows = Row::group(names.map(|name| format!("memo: fib(90), {name}")));
    let made = |threads: usize, memo: &Memo| {
        let builder = Executor::builder().memo(memo.clone());
        let exec = if threads == 0 { builder.serial() } else { builder.threads(threads) }.build()?;
        let fib = exec.load_bytes(fib(false))?.function::<i32, i64>("fib")?;
        // Engines, and what else is made at the first call.
        assert_eq!(fib.fork(1).wait()?, 1);
        Result::Ok((exec, fib))
    };
    let memo = Memo::in_memory();
    let used = [0, 1, 2].map(|threads| made(threads, &memo)).into_iter().collect::<Result<Vec<_>>>()?;
    for _ in 0..ROUNDS {
        for (row, threads) in rows.iter_mut().zip([0, 1]) {
            let (_exec, fib) = made(threads, &Memo::in_memory())?;
            row.time(1, || assert_eq!(fib.fork(90).wait().expect("fib does not fail"), 2_880_067_194_370_816_120));
        }
        for (row, (_, fib)) in rows[2..].iter_mut().zip(&used) {
            // All is forgotten.
            let _ = memo.clone().memory(0).memory(KEPT);
            row.time(1, || assert_eq!(fib.fork(90).wait().expect("fib does not fail"), 2_880_067_194_370_816_120));
        }
    }
    table.add(rows, "fib(90): 178 forks; without a memo, more than 10¹⁸", Some(1000.0));
    Ok(())
}
