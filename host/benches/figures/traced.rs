//! What it costs to follow calls: nobody listening, an observer that does nothing, and a recorder.

use super::guests::{ADD, fib};
use super::table::{Row, Table};
use super::{FIB, FIB_CALLS, ROUNDS};
use purefork::event::{Event, observe};
use purefork::trace::Recorder;
use purefork::{Executor, Future, Result, wait_all};

/// Forks of one batch.
const BATCH: u32 = 20_000;

/// The same calls with nobody listening, observed, and recorded into a file that takes everything.
pub(crate) fn traced(table: &mut Table) -> Result<()> {
    if !table.wants("traced") {
        return Ok(());
    }
    for (name, threads) in [("1 thread", 1), ("2 threads", 2)] {
        let exec = Executor::builder().threads(threads).build()?;
        let fib = exec.load_bytes(fib(false))?.function::<i32, i64>("fib")?;
        let run = || assert_eq!(fib.fork(FIB).wait().expect("fib does not fail"), 17_711);
        let names = ["off", "observed", "recorded"].map(|how| format!("traced fib, {name}, {how}"));
        let mut rows = Row::group(names);
        for _ in 0..ROUNDS {
            rows[0].time(FIB_CALLS, run);
            rows[1].time(FIB_CALLS, || observe(|_: &Event<'_>| {}, run));
            let recorder = Recorder::to_writer(std::io::sink());
            rows[2].time(FIB_CALLS, || observe(recorder.clone(), run));
            recorder.finish().expect("nothing can fail");
        }
        added(table, rows, "fib(22): 57,313 nested isolated forks", name);
    }
    let exec = Executor::builder().threads(2).build()?;
    let add = exec.load_bytes(ADD)?.function::<(i32, i32), i32>("add")?;
    let run = || {
        let sums: Vec<Future<i32>> = (0..BATCH.cast_signed()).map(|i| add.fork((i, 2))).collect();
        assert_eq!(wait_all(sums).expect("add does not fail").len(), BATCH as usize);
    };
    let mut rows = Row::group(["traced batch, off", "traced batch, observed", "traced batch, recorded"]);
    for _ in 0..ROUNDS {
        rows[0].time(BATCH, run);
        rows[1].time(BATCH, || observe(|_: &Event<'_>| {}, run));
        let recorder = Recorder::to_writer(std::io::sink());
        rows[2].time(BATCH, || observe(recorder.clone(), run));
        recorder.finish().expect("nothing can fail");
    }
    added(table, rows, "20,000 forks of `add`, then a wait for each", "batch");
    Ok(())
}

fn added(table: &mut Table, rows: [Row; 3], title: &str, name: &str) {
    let [off, observed, recorded] = [0, 1, 2].map(|row| rows[row].median());
    table.add(rows, title, None);
    table.ratio(&format!("traced {name}: us for a fork, observed"), observed - off, "at most", 0.15);
    table.ratio(&format!("traced {name}: us for a fork, recorded"), recorded - off, "at most", 0.15);
}
