;; Forks a function of a module that needs another module itself.
(module $top
  (import "fork" "next" (func $fork (param i32) (result i32)))
  (import "wait" "next" (func $wait (param i32) (result i32)))
  (func $top (export "top") (param $n i32) (result i32) (call $wait (call $fork (local.get $n)))))
