;; Divide and conquer over a range: counts the primes from `low` up to, but without, `high`.
;; A range that is long is halved, and both halves are forked; so all cores share the work.
;;
;;     purefork run examples/primes.wat primes 0 1000000                 78498
;;     purefork run examples/primes.wat primes 0 1000000 --threads 1     the same, in more time
(module $primes
  (import "fork" "primes" (func $fork (param i32 i32) (result i32)))
  (import "wait" "primes" (func $wait (param i32) (result i32)))

  (func $primes (export "primes") (param $low i32) (param $high i32) (result i32)
    (local $middle i32) (local $left i32) (local $right i32) (local $count i32)
    (if (i32.gt_u (i32.sub (local.get $high) (local.get $low)) (i32.const 4096))
      (then
        (local.set $middle
          (i32.add (local.get $low) (i32.shr_u (i32.sub (local.get $high) (local.get $low)) (i32.const 1))))
        (local.set $left (call $fork (local.get $low) (local.get $middle)))
        (local.set $right (call $fork (local.get $middle) (local.get $high)))
        (return (i32.add (call $wait (local.get $left)) (call $wait (local.get $right))))))
    (block $end
      (loop $next
        (br_if $end (i32.ge_u (local.get $low) (local.get $high)))
        (local.set $count (i32.add (local.get $count) (call $is_prime (local.get $low))))
        (local.set $low (i32.add (local.get $low) (i32.const 1)))
        (br $next)))
    (local.get $count))

  (func $is_prime (param $n i32) (result i32)
    (local $d i32)
    (if (i32.lt_u (local.get $n) (i32.const 2)) (then (return (i32.const 0))))
    (local.set $d (i32.const 2))
    (loop $next
      (if (i64.gt_u
            (i64.mul (i64.extend_i32_u (local.get $d)) (i64.extend_i32_u (local.get $d)))
            (i64.extend_i32_u (local.get $n)))
        (then (return (i32.const 1))))
      (if (i32.eqz (i32.rem_u (local.get $n) (local.get $d))) (then (return (i32.const 0))))
      (local.set $d (i32.add (local.get $d) (i32.const 1)))
      (br $next))
    (unreachable)))
