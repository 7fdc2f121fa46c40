//! Guests that several tests use.

/// Functions that fork nothing: `add`, `sub`, `div` (traps by zero), `square`, `fail` (traps), `spin` (never ends),
/// `unit` (no result), `pair` (two results), `half` (of an `f64`).
pub const MATH: &str = r#"(module $math
    (func $add (export "add") (param $a i32) (param $b i32) (result i32)
        (i32.add (local.get $a) (local.get $b)))
    (func $sub (export "sub") (param $a i32) (param $b i32) (result i32)
        (i32.sub (local.get $a) (local.get $b)))
    (func $div (export "div") (param $a i32) (param $b i32) (result i32)
        (i32.div_s (local.get $a) (local.get $b)))
    (func $square (export "square") (param $n i32) (result i32)
        (i32.mul (local.get $n) (local.get $n)))
    (func $half (export "half") (param $x f64) (result f64)
        (f64.mul (local.get $x) (f64.const 0.5)))
    (func $fail (export "fail") (result i32) unreachable)
    (func $spin (export "spin") (result i32) (loop $again (br $again)) (unreachable))
    (func $unit (export "unit"))
    (func $pair (export "pair") (param $a i32) (param $b i64) (result i64 i32)
        (local.get $b) (local.get $a)))"#;

/// `fib` forks itself twice, down to 0 and 1.
pub const FIB: &str = r#"(module $fib
    (import "fork" "fib" (func $fork (param i32) (result i32)))
    (import "wait" "fib" (func $wait (param i32) (result i64)))
    (func $fib (export "fib") (param $n i32) (result i64) (local $a i32) (local $b i32)
        (if (i32.lt_u (local.get $n) (i32.const 2)) (then (return (i64.extend_i32_u (local.get $n)))))
        (local.set $a (call $fork (i32.sub (local.get $n) (i32.const 1))))
        (local.set $b (call $fork (i32.sub (local.get $n) (i32.const 2))))
        (i64.add (call $wait (local.get $a)) (call $wait (local.get $b)))))"#;

/// `down n` forks `down (n - 1)`, waits for it and adds 1; at 0 it gives 0. `doomed` does the same, but traps at 0.
pub const CHAIN: &str = r#"(module $chain
    (import "fork" "down" (func $fork_down (param i32) (result i32)))
    (import "wait" "down" (func $wait_down (param i32) (result i32)))
    (import "fork" "doomed" (func $fork_doomed (param i32) (result i32)))
    (import "wait" "doomed" (func $wait_doomed (param i32) (result i32)))
    (func $down (export "down") (param $n i32) (result i32)
        (if (result i32) (i32.eqz (local.get $n))
            (then (i32.const 0))
            (else (i32.add (i32.const 1)
                (call $wait_down (call $fork_down (i32.sub (local.get $n) (i32.const 1))))))))
    (func $doomed (export "doomed") (param $n i32) (result i32)
        (if (result i32) (i32.eqz (local.get $n))
            (then (unreachable))
            (else (i32.add (i32.const 1)
                (call $wait_doomed (call $fork_doomed (i32.sub (local.get $n) (i32.const 1)))))))))"#;
