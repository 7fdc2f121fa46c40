;; All kinds of state at once.
(module $state
  (memory 1 16)
  (table 4 4 funcref)
  (global $g (mut i32) (i32.const 0))
  (func $start (global.set $g (i32.const 1)))
  (start $start)
  (func $bump (global.set $g (i32.add (global.get $g) (i32.const 1))))
  (func $next (export "next") (result i32) (call $bump) (global.get $g)))
