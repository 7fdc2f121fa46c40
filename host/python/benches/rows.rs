//! What a row costs from Rust, of ten million that a short function is called with: the floor of `rows.py`, beside which it is run.
//!
//! `cargo bench -p purefork-python --bench rows --profile wheel`

#![allow(missing_docs, reason = "a program")]

use purefork::Executor;
use std::time::{Duration, Instant};

const ROWS: i32 = 10_000_000;
const ROUNDS: usize = 3;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let exec = Executor::builder().threads(2).build()?;
    let add = exec
        .load(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/add.wat"))?
        .function::<(i32, i32), i32>("add")?;
    let (left, right): (Vec<i32>, Vec<i32>) = (0..ROWS).map(|n| (n, 2)).unzip();
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let sums = add.map(left.iter().copied().zip(right.iter().copied())).collect::<Result<Vec<i32>, _>>()?;
        best = best.min(begun.elapsed());
        assert_eq!(sums.last(), Some(&(ROWS + 1)));
    }
    println!("{}", best.as_secs_f64() / f64::from(ROWS));
    Ok(())
}
