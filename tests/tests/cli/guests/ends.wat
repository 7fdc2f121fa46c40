;; As wasm-bindgen writes it; with exports that cannot be called.
(module
    (import "wbg" "__wbindgen_throw" (func $throw (param i32 i32)))
    (memory (export "memory") 1)
    (data (i32.const 16) "odd")
    (func (export "half") (param $n i32) (result i32)
        (if (i32.and (local.get $n) (i32.const 1)) (then (call $throw (i32.const 16) (i32.const 3))))
        (i32.shr_u (local.get $n) (i32.const 1)))
    (func (export "\1bdraw") (param externref)))
