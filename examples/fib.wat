;; A tree of forks: each call forks its two children, then waits for both.
;;
;;     purefork run examples/fib.wat fib 20
(module $fib
  (import "fork" "fib" (func $fork (param i32) (result i32)))
  (import "wait" "fib" (func $wait (param i32) (result i64)))
  (func $fib (export "fib") (param $n i32) (result i64)
    (local $a i32) (local $b i32)
    (if (i32.lt_s (local.get $n) (i32.const 2))
      (then (return (i64.extend_i32_s (local.get $n)))))
    (local.set $a (call $fork (i32.sub (local.get $n) (i32.const 1))))
    (local.set $b (call $fork (i32.sub (local.get $n) (i32.const 2))))
    (i64.add (call $wait (local.get $a)) (call $wait (local.get $b)))))
