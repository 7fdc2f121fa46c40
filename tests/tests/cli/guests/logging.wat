;; Imports what nothing provides, and does not always call it.
(module
  (import "env" "log" (func $log (param i32)))
  (func (export "twice") (param $n i32) (result i32) (i32.mul (local.get $n) (i32.const 2)))
  (func (export "log") (call $log (i32.const 1))))
