;; Forks a function that another module has.
(module $app
  (import "fork" "add" (func $fork (param i32 i32) (result i32)))
  (import "wait" "add" (func $wait (param i32) (result i32)))
  (func $next (export "next") (param $n i32) (result i32)
    (call $wait (call $fork (local.get $n) (i32.const 1)))))
