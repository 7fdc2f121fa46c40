(module $table
  (table $t 1 funcref)
  (func $f (export "f"))
  (func $swap (table.set $t (i32.const 0) (ref.null func))))
