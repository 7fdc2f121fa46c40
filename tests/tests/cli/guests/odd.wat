(module $odd
    (import "fork" "main#even" (func $fork (param i32) (result i32)))
    (import "wait" "main#even" (func $wait (param i32) (result i32)))
    (func $odd (export "odd") (param $n i32) (result i32)
        (if (i32.eqz (local.get $n)) (then (return (i32.const 0))))
        (call $wait (call $fork (i32.sub (local.get $n) (i32.const 1))))))
