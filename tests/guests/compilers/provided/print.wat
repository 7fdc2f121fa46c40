;; What p2w's programs print with, by way of WASI. The script adds what they import besides, which they do not call.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func $char (export "write_char") (param $c i32)
    (i32.store8 (i32.const 16) (local.get $c))
    (i32.store (i32.const 0) (i32.const 16))
    (i32.store (i32.const 4) (i32.const 1))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func $i64 (export "write_i64") (param $n i64)
    (if (i64.lt_s (local.get $n) (i64.const 0))
      (then
        (call $char (i32.const 45))
        (local.set $n (i64.sub (i64.const 0) (local.get $n)))))
    (if (i64.ge_u (local.get $n) (i64.const 10))
      (then (call $i64 (i64.div_u (local.get $n) (i64.const 10)))))
    (call $char (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $n) (i64.const 10))))))
  (func (export "write_i32") (param $n i32) (call $i64 (i64.extend_i32_s (local.get $n))))
)
