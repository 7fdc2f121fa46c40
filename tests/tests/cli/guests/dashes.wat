;; Functions whose names are like options, or are no words at all.
(module
  (func (export "-x") (param $a i32) (result i32) (local.get $a))
  (func (export "--json") (param $a i32) (result i32) (local.get $a))
  (func (export "--help") (result i32) (i32.const 7))
  (func (export "a b") (result i32) (i32.const 8))
  (func (export "") (result i32) (i32.const 9)))
