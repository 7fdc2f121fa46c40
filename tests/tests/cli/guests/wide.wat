;; Provides `add`, but of other types than `app` imports it with.
(module $wide
  (func $add (export "add") (param $a i64) (param $b i64) (result i64) (i64.add (local.get $a) (local.get $b))))
