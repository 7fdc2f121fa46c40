//! The memory of results.

mod in_flight;
mod kept;

use purefork::{Args, Executor, Limits, Memo, Module, Usage, Value};
use purefork_tests::{MODES, Mode, Watchdog, built, limits};

/// An executor of that mode with a memory of results.
fn with_memo(mode: Mode, memo: &Memo) -> Executor {
    with_limits(mode, memo, limits())
}

fn with_limits(mode: Mode, memo: &Memo, limits: Limits) -> Executor {
    built(mode.builder().limits(limits).memo(memo.clone()))
}

/// Runs a test in every mode, each with a memory of results of its own.
fn each_mode(test: impl Fn(&Executor)) {
    let _watchdog = Watchdog::new();
    for mode in MODES {
        // Shown if the test fails.
        println!("mode: {mode:?}");
        test(&with_memo(mode, &Memo::in_memory()));
    }
}

/// What a call gives and has used.
#[track_caller]
fn called(module: &Module, function: &str, args: Args) -> (Value, Usage) {
    let future = module.fork(function, args).unwrap();
    let value = future.wait().unwrap();
    (value, future.usage().unwrap())
}

/// Fuel, forks, hits and misses.
fn counts(usage: Usage) -> (u64, u64, u64, u64) {
    (usage.fuel, usage.forks, usage.memo_hits, usage.memo_misses)
}

/// The Fibonacci numbers, each call two forks.
const FIB: &str = r#"(module
    (import "fork" "fib" (func $fork (param i32) (result i32)))
    (import "wait" "fib" (func $wait (param i32) (result i64)))
    (func (export "fib") (param $n i32) (result i64) (local $a i32) (local $b i32)
        (if (i32.lt_u (local.get $n) (i32.const 2)) (then (return (i64.extend_i32_u (local.get $n)))))
        (local.set $a (call $fork (i32.sub (local.get $n) (i32.const 1))))
        (local.set $b (call $fork (i32.sub (local.get $n) (i32.const 2))))
        (i64.add (call $wait (local.get $a)) (call $wait (local.get $b)))))"#;
