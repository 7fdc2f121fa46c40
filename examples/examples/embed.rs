//! A host that forks calls of a guest and waits for them.
//!
//! `cargo run --example embed`

use anyhow::Result;
use purefork::{Executor, Future, args, wait_all};

const MATH: &str = r#"(module
    (func (export "add") (param $a i32) (param $b i32) (result i32) (i32.add (local.get $a) (local.get $b)))
    (func (export "div") (param $a i32) (param $b i32) (result i32) (i32.div_s (local.get $a) (local.get $b))))"#;

fn main() -> Result<()> {
    let exec = Executor::new()?;
    let math = exec.load_bytes(MATH)?;

    // Dynamic: arguments by position and by name, values that know their types.
    let five = math.fork("add", args![2, b = 3])?;
    println!("2 + 3 = {}", five.wait()?);

    // Typed: the signature is checked once.
    let add = math.function::<(i32, i32), i32>("add")?;
    let sums: Vec<Future<i32>> = (0..1000).map(|i| add.fork((i, 2))).collect();
    println!("the sum of 1000 sums is {}", wait_all(sums)?.iter().sum::<i32>());

    // A future is an argument, too: the second call starts when the first is complete.
    let first = add.fork((20, 1));
    let second = add.fork((&first, &first));
    println!("(20 + 1) + (20 + 1) = {}", second.wait()?);

    // A failure surfaces where it is waited for, with the place of its fork.
    let error = math.fork("div", args![1, 0])?.wait().expect_err("nothing is divided by zero");
    println!("{error}");
    Ok(())
}
