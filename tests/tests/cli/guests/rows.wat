;; What `purefork map` is tried with: functions of numbers.
(module
  (func (export "add") (param $a i32) (param $b i32) (result i32) (i32.add (local.get $a) (local.get $b)))
  (func (export "div") (param $a i32) (param $b i32) (result i32) (i32.div_s (local.get $a) (local.get $b)))
  (func (export "half") (param $x f64) (result f64) (f64.mul (local.get $x) (f64.const 0.5)))
  (func (export "less") (param $a f64) (param $b f64) (result f64) (f64.sub (local.get $a) (local.get $b)))
  (func (export "one") (result i32) (i32.const 1))
  (func (export "none") (param $a i32))
  (func (export "spin") (param $n i32) (result i32) (loop (br 0)) (i32.const 1)))
