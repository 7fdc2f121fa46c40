//! What 4 MiB cost that go into a call and come out of it, from Rust: the floor of `lists.py`, beside which it is run.
//!
//! `cargo bench -p purefork-python --bench lists`, once `.ci/python` has compiled the guest.

#![allow(missing_docs, reason = "a program")]

use purefork::value::List;
use purefork::{Args, Executor, Limits, Value};
use std::time::{Duration, Instant};

const ROUNDS: usize = 200;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let exec = Executor::builder().threads(2).limits(Limits::default().heap(16 << 20)).build()?;
    let guest = exec.load(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/guests/kinds.wasm"))?;
    let floats: List = (0..1u32 << 20).map(|n| n as f32).collect::<Vec<f32>>().into();
    let bytes: List = vec![7u8; 4 << 20].into();
    for (name, list) in [("list-f32", floats), ("list-u8", bytes)] {
        let function = guest.function::<Args, Value>(name)?;
        let mut best = Duration::MAX;
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            let given = function.fork([Value::List(list.clone())]).wait()?;
            best = best.min(begun.elapsed());
            assert!(matches!(given, Value::List(given) if given.len() == list.len()));
        }
        println!("{name:55} {:9.1} µs", best.as_secs_f64() * 1e6);
    }
    Ok(())
}
