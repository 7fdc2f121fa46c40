;; Memory that a call writes: the next call finds it as it was in the file.
;;
;;     purefork run examples/sum.wat sum 1000      the sum of the squares below 1000
;;     purefork run examples/sum.wat visits        1, every time
(module $sum
  (memory 1)
  (data (i32.const 0) "\00\00\00\00")

  ;; Fills a table of squares, growing the memory to fit, then adds it up.
  (func $sum (export "sum") (param $count i32) (result i64)
    (local $i i32) (local $sum i64)
    (if (i32.gt_u (local.get $count) (i32.const 100000000)) (then (unreachable)))
    (if (i32.eq (memory.grow (i32.shr_u (i32.mul (local.get $count) (i32.const 8)) (i32.const 16))) (i32.const -1))
      (then (unreachable)))
    (block $filled
      (loop $fill
        (br_if $filled (i32.ge_u (local.get $i) (local.get $count)))
        (i64.store (i32.mul (local.get $i) (i32.const 8))
          (i64.mul (i64.extend_i32_u (local.get $i)) (i64.extend_i32_u (local.get $i))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $fill)))
    (block $added
      (loop $add
        (br_if $added (i32.eqz (local.get $i)))
        (local.set $i (i32.sub (local.get $i) (i32.const 1)))
        (local.set $sum (i64.add (local.get $sum) (i64.load (i32.mul (local.get $i) (i32.const 8)))))
        (br $add)))
    (local.get $sum))

  ;; Counts its own calls, and never gets beyond the first.
  (func $visits (export "visits") (result i32)
    (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
    (i32.load (i32.const 0))))
