//! Quick figures.
use purefork::*;
use std::time::Instant;
const FIB: &str = r#"(module
 (import "fork" "fib" (func $fork (param i32) (result i32)))
 (import "wait" "fib" (func $wait (param i32) (result i64)))
 MEM
 (func (export "fib") (param $n i32) (result i64) (local $a i32) (local $b i32)
  STORE
  (if (i32.lt_u (local.get $n) (i32.const 2)) (then (return (i64.extend_i32_u (local.get $n)))))
  (local.set $a (call $fork (i32.sub (local.get $n) (i32.const 1))))
  (local.set $b (call $fork (i32.sub (local.get $n) (i32.const 2))))
  (i64.add (call $wait (local.get $b)) (call $wait (local.get $a)))))"#;
fn med(mut f: impl FnMut() -> f64) -> f64 {
    let mut v: Vec<f64> = (0..7).map(|_| f()).collect();
    v.sort_by(f64::total_cmp);
    v[3]
}
fn main() -> Result<()> {
    let which = std::env::args().nth(1).unwrap_or_default();
    let exec = Executor::builder().threads(2).build()?;
    let m = exec.load_bytes(
        r#"(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0)(local.get 1))))"#,
    )?;
    let add = m.function::<(i32, i32), i32>("add")?;
    if which.is_empty() || which == "batch" {
        let k = 100_000;
        println!(
            "batch {:.3} us/fork",
            med(|| {
                let t = Instant::now();
                let v: Vec<_> = (0..k).map(|i| add.fork((i, 2))).collect();
                let f = t.elapsed();
                let r = wait_all(v).unwrap();
                assert_eq!(r[7], 9);
                let _ = f;
                t.elapsed().as_secs_f64() * 1e6 / k as f64
            })
        );
    }
    if which.is_empty() || which == "trip" {
        let k = 10_000;
        println!(
            "trip {:.3} us",
            med(|| {
                let t = Instant::now();
                for i in 0..k {
                    assert_eq!(add.fork((i, 2)).wait().unwrap(), i + 2);
                }
                t.elapsed().as_secs_f64() * 1e6 / k as f64
            })
        );
    }
    if which.is_empty() || which == "fib" {
        for (name, mem, store) in
            [("stateless", "", ""), ("store", "(memory 1)", "(i32.store (i32.const 1024) (local.get 0))")]
        {
            for th in [1, 2] {
                let exec = Executor::builder().threads(th).build()?;
                let m = exec.load_bytes(FIB.replace("MEM", mem).replace("STORE", store))?;
                let fib = m.function::<i32, i64>("fib")?;
                let us = med(|| {
                    let t = Instant::now();
                    assert_eq!(fib.fork(22).wait().unwrap(), 17711);
                    t.elapsed().as_secs_f64() * 1e6 / 57313.0
                });
                println!("fib {name} {th}th {us:.3} us/fork");
            }
        }
    }
    Ok(())
}
