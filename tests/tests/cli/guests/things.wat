;; A component whose functions all take or give a resource.
(component
    (type $own (resource (rep i32)))
    (export $thing "thing" (type $own))
    (core func $new (canon resource.new $own))
    (core module $m
        (import "" "new" (func $new (param i32) (result i32)))
        (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
        (func (export "get") (param i32) (result i32) (local.get 0)))
    (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
    (func (export "make") (param "x" u32) (result (own $thing)) (canon lift (core func $i "make")))
    (func (export "get") (param "t" (borrow $thing)) (result u32) (canon lift (core func $i "get"))))
