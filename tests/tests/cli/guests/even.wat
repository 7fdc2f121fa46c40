(module $even
    (import "fork" "odd" (func $fork (param i32) (result i32)))
    (import "wait" "odd" (func $wait (param i32) (result i32)))
    (func $even (export "even") (param $n i32) (result i32)
        (if (i32.eqz (local.get $n)) (then (return (i32.const 1))))
        (call $wait (call $fork (i32.sub (local.get $n) (i32.const 1))))))
