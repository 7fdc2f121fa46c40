//! What forks cost in memory.

use crate::guests::{ADD, FAILING};
use crate::table::Table;
use purefork::{ErrorKind, Executor, Future, Limits, Result};
use std::time::Duration;

const MILLION: i32 = 1_000_000;
const CHURN: i32 = 200_000;
const TIMEOUTS: i32 = 2_000;

/// A million forks that nobody has started, then waited for.
pub(crate) fn outstanding(table: &mut Table) -> Result<()> {
    if !table.wants("outstanding") {
        return Ok(());
    }
    let exec = Executor::builder().threads(1).build()?;
    let add = exec.load_bytes(ADD)?.function::<(i32, i32), i32>("add")?;
    let spin = exec.load_bytes(FAILING)?.function::<i32, i32>("spin")?;
    // The only worker is busy until all are forked.
    let busy = spin.fork(0);
    let before = resident();
    let sums: Vec<Future<i32>> = (0..MILLION).map(|i| add.fork((i, 2))).collect();
    let bytes = (resident() - before) as f64 / f64::from(MILLION);
    busy.cancel();
    for (i, sum) in (0..).zip(&sums) {
        assert_eq!(sum.wait()?, i + 2);
    }
    table.ratio("outstanding: bytes per fork, its future included", bytes, "at most", 400.0);
    Ok(())
}

/// Calls of which most fail, each in its way: nothing may be left of them.
pub(crate) fn churn(table: &mut Table) -> Result<()> {
    if !table.wants("churn") {
        return Ok(());
    }
    let limits = Limits::default().fuel(10_000).memory(1 << 20);
    let exec = Executor::builder().threads(2).limits(limits).build()?;
    let module = exec.load_bytes(FAILING)?;
    let ways = ["fine", "fine", "trap", "fine", "fine", "spin", "fine", "fine", "grow"];
    let functions = ways.iter().map(|way| module.function::<i32, i32>(way)).collect::<Result<Vec<_>>>()?;
    let mut early = 0;
    let mut failed = 0;
    for tenth in 0..10 {
        let futures: Vec<_> = (0..CHURN / 10).map(|i| functions[i as usize % ways.len()].fork(i)).collect();
        failed += futures.iter().filter(|future| future.wait().is_err()).count();
        drop(futures);
        if tenth == 0 {
            early = resident();
        }
    }
    assert!((66_000..67_000).contains(&failed), "a third fails, not {failed}");
    let grown = (resident() as f64 - early as f64) / early as f64 * 100.0;
    table.ratio("churn: 200,000 forks, a third fails; growth after a tenth in %", grown, "at most", 2.0);
    drop(exec);

    let limits = Limits::default().timeout(Duration::from_millis(1));
    let exec = Executor::builder().threads(2).limits(limits).build()?;
    let spin = exec.load_bytes(FAILING)?.function::<i32, i32>("spin")?;
    let mut early = 0;
    for tenth in 0..10 {
        let futures: Vec<_> = (0..TIMEOUTS / 10).map(|i| spin.fork(i)).collect();
        for future in futures {
            assert_eq!(future.wait().expect_err("it never ends").kind(), ErrorKind::Timeout);
        }
        if tenth == 0 {
            early = resident();
        }
    }
    let grown = (resident() as f64 - early as f64) / early as f64 * 100.0;
    table.ratio("churn: 2,000 forks that time out after 1 ms; growth after a tenth in %", grown, "at most", 2.0);
    Ok(())
}

/// The process's resident memory in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or_default() * 4096
}
