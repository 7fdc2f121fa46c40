//! Many calls of one function, as rows: beside bare calls in one instance, without isolation.

use crate::ROUNDS;
use crate::floors::BareCall;
use crate::guests::{ADD, built};
use crate::table::{Row, Table};
use purefork::value::{Params, Results};
use purefork::{Executor, Function, Result};
use std::fmt::Debug;

/// Rows of each run.
const ROWS: u32 = 1_000_000;

/// One thread: there is no other. Two workers: the host's own thread makes the rows and takes the results beside them.
fn executors() -> Result<[Executor; 2]> {
    Ok([Executor::builder().serial().build()?, Executor::builder().threads(2).build()?])
}

pub(crate) fn map(table: &mut Table) -> Result<()> {
    if !["map add", "map strlen"].iter().any(|name| table.wants(name)) {
        return Ok(());
    }
    let execs = executors()?;
    let mut rows = Row::group(["map add, bare call", "map add, 1 thread", "map add, 2 threads"]);
    let mut bare = BareCall::<(i32, i32), i32>::new(ADD.as_bytes(), "add");
    let adds = [0, 1].map(|at: usize| execs[at].load_bytes(ADD)?.function::<(i32, i32), i32>("add"));
    let adds = adds.into_iter().collect::<Result<Vec<_>>>()?;
    for _ in 0..ROUNDS {
        rows[0].time(ROWS, || (0..ROWS.cast_signed()).for_each(|i| assert_eq!(bare.call((i, 2)), i + 2)));
        for (row, add) in rows[1..].iter_mut().zip(&adds) {
            row.time(ROWS, || mapped(add, (0..ROWS.cast_signed()).map(|i| (i, 2)), |i| i + 2));
        }
    }
    report(table, rows, ("a million rows of a stateless function", "map add"), 0.04);

    let path = built("stores");
    let mut rows = Row::group(["map strlen(10), bare call", "map strlen(10), 1 thread", "map strlen(10), 2 threads"]);
    let mut bare = BareCall::<i32, i32>::new(&std::fs::read(&path).expect("the guest was built"), "length");
    let lengths = [0, 1].map(|at: usize| execs[at].load(&path)?.function::<i32, i32>("length"));
    let lengths = lengths.into_iter().collect::<Result<Vec<_>>>()?;
    for _ in 0..ROUNDS {
        rows[0].time(ROWS, || (0..ROWS).for_each(|_| assert_eq!(bare.call(10), 10)));
        for (row, length) in rows[1..].iter_mut().zip(&lengths) {
            row.time(ROWS, || mapped(length, (0..ROWS).map(|_| 10), |_| 10));
        }
    }
    report(table, rows, ("a million rows of a Rust guest that allocates, recycled", "map strlen(10)"), 0.15);
    Ok(())
}

fn mapped<A, P, R>(function: &Function<P, R>, rows: impl Iterator<Item = A>, right: impl Fn(i32) -> R)
where
    A: purefork::function::IntoArgs<P>,
    P: Params + 'static,
    R: Results + PartialEq + Debug,
{
    let results = function.map(rows).map(|result| result.expect("it does not fail"));
    let count = results.zip(0..).inspect(|(given, i)| assert_eq!(*given, right(*i))).count();
    assert_eq!(count, ROWS as usize);
}

/// `bar`: for one thread, in microseconds a row.
fn report(table: &mut Table, rows: [Row; 3], (title, name): (&str, &str), bar: f64) {
    let [bare, one, two] = [0, 1, 2].map(|at: usize| rows[at].median());
    table.add(rows, title, None);
    table.ratio(&format!("{name}, 1 thread, in µs a row"), one, "at most", bar);
    table.ratio(&format!("{name}, 1 thread / bare"), one / bare, "at most", 1.25);
    table.ratio(&format!("{name}, 1 thread / 2 threads"), one / two, "at least", 1.85);
}
