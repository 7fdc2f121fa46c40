//! A function of the SDK's for Rust, called for each row and for many at once.

use crate::ROUNDS;
use crate::guests::built;
use crate::table::{Row, Table};
use purefork::{Executor, Future, Result, wait_all};
use std::hint::black_box;

const ROWS: i64 = 64 << 10;
const BATCH: usize = 1024;

fn gcd(mut a: i64, mut b: i64) -> i64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.abs()
}

/// The greatest common divisors of two columns.
pub(crate) fn batches(table: &mut Table) -> Result<()> {
    if !table.wants("gcd") {
        return Ok(());
    }
    let exec = Executor::builder().serial().build()?;
    let module = exec.load(built("batches"))?;
    let row = module.function::<(i64, i64), i64>("gcd")?;
    let batch = module.function::<(Vec<i64>, Vec<i64>), Vec<i64>>("gcd-batch")?;
    let (a, b): (Vec<i64>, Vec<i64>) = (1..=ROWS).map(|n| (n * 7_919 % 100_003, n * 104_729 % 99_991)).unzip();
    let sum: i64 = a.iter().zip(&b).map(|(&a, &b)| gcd(a, b)).sum();
    let mut rows = Row::group(["gcd, natively", "gcd, a call a row", "gcd, batches of 1,024 rows"]);
    for _ in 0..ROUNDS {
        let pairs = || a.iter().copied().zip(b.iter().copied());
        rows[0].time(ROWS as u32, || assert_eq!(pairs().map(|(a, b)| black_box(gcd(a, b))).sum::<i64>(), sum));
        rows[1].time(ROWS as u32, || {
            let forks: Vec<Future<i64>> = pairs().map(|pair| row.fork(pair)).collect();
            assert_eq!(wait_all(forks).expect("gcd does not fail").iter().sum::<i64>(), sum);
        });
        rows[2].time(ROWS as u32, || {
            let columns = a.chunks(BATCH).zip(b.chunks(BATCH));
            let forks: Vec<_> = columns.map(|(a, b)| batch.fork((a.to_vec(), b.to_vec()))).collect();
            let all = wait_all(forks).expect("gcd does not fail");
            assert_eq!(all.iter().flatten().sum::<i64>(), sum);
        });
    }
    table.add(rows, "gcd of 65,536 rows on one thread, each row", None);
    Ok(())
}
