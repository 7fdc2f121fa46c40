(module $linear
  (import "fork" "predict" (func $fork (param i32) (result i32)))
  (memory 1)
  (func (export "load") (param $weight i32) (i32.store (i32.const 1024) (local.get $weight)))
  (func (export "predict") (param $x i32) (result i32) (i32.mul (local.get $x) (i32.load (i32.const 1024))))
  (func $fail (export "fail") (i32.store (i32.const 1024) (i32.const 1)) unreachable)
  (func (export "spin") (loop $again (br $again)))
  (func (export "leave") (drop (call $fork (i32.const 1)))))
