;; Forks as deep as it is told, and traps there.
(module $deep
  (import "fork" "down" (func $fork (param i32) (result i32)))
  (import "wait" "down" (func $wait (param i32)))
  (func $down (export "down") (param $n i32)
    (if (i32.eqz (local.get $n)) (then (unreachable)))
    (call $wait (call $fork (i32.sub (local.get $n) (i32.const 1))))))
