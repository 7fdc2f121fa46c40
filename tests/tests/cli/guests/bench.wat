(module
  (global $n (mut i32) (i32.const 0))
  (func $start (export "start") (global.set $n (i32.add (global.get $n) (i32.const 1))))
  (func (export "end"))
  (func (export "count") (result i32) (global.get $n)))
