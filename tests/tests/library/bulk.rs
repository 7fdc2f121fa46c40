//! Bulk operations that are done in parts do what they did in one go.

use purefork::{ErrorKind, args};
use purefork_tests::{each_executor_with, error, limits, loaded, modes};
use std::time::Duration;

const PAGES: usize = 60;

/// A guest whose functions fill its memory with a pattern, do one operation, and return a sum over all of it.
fn guest(address: &str, second: &str) -> String {
    format!(
        r#"(module
    (memory $one {address} {PAGES}) {second}
    (func $pattern (local $i i32)
        (loop $more
            (i64.store (ADDRESS (local.get $i)) (i64.mul (i64.extend_i32_u (local.get $i)) (i64.const 0x9e3779b97f4a7c15)))
            (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 8))) (i32.const {size})))))
    (func $sum (result i64) (local $i i32) (local $sum i64)
        (loop $more
            (local.set $sum (i64.mul (i64.xor (local.get $sum) (i64.load (ADDRESS (local.get $i)))) (i64.const 0x100000001b3)))
            (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 8))) (i32.const {size}))))
        (local.get $sum))
    (func (export "fill") (param $to i32) (param $n i32) (result i64)
        (call $pattern)
        (memory.fill (ADDRESS (local.get $to)) (i32.const 0x1f7) (ADDRESS (local.get $n)))
        (call $sum))
    (func (export "copy") (param $to i32) (param $from i32) (param $n i32) (result i64)
        (call $pattern)
        (memory.copy (ADDRESS (local.get $to)) (ADDRESS (local.get $from)) (ADDRESS (local.get $n)))
        (call $sum)))"#,
        size = PAGES << 16
    )
    .replace("ADDRESS", if address.is_empty() { "nop" } else { "i64.extend_i32_u" })
    .replace("(nop ", "(block (result i32) ")
}

fn pattern() -> Vec<u8> {
    let words = (0..(PAGES << 16) as u64).step_by(8);
    words.flat_map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()).collect()
}

fn sum(memory: &[u8]) -> i64 {
    let words = memory.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().unwrap()));
    words.fold(0u64, |sum, word| (sum ^ word).wrapping_mul(0x100_0000_01b3)).cast_signed()
}

const MIB: i32 = 1 << 20;

#[test]
fn large_operations_do_what_small_ones_do() {
    let copies = [
        (0, 5, 3 * MIB),
        (5, 0, 3 * MIB),
        (MIB, 0, 2 * MIB + 1),
        (0, MIB, 2 * MIB + 1),
        (3, 3, 3 * MIB),
        (0, 1, MIB),
        (1, 0, MIB + 1),
        (17, 4, 3),
        (2 * MIB, 1, MIB + 7),
        ((PAGES << 16) as i32, 0, 0),
    ];
    let fills = [(0, 3 * MIB + 1), (7, MIB), (7, MIB + 1), ((PAGES << 16) as i32 - 2 * MIB, 2 * MIB), (9, 0)];
    let guests = [guest("", ""), guest("i64", ""), guest("", "(memory $two 1)")];
    each_executor_with(limits(), |exec| {
        for guest in &guests {
            let module = loaded(exec, guest);
            for (to, from, n) in copies {
                let mut memory = pattern();
                memory.copy_within(from as usize..(from + n) as usize, to as usize);
                let found = module.fork("copy", args![to, from, n]).unwrap().wait().unwrap();
                assert_eq!(found, sum(&memory).into(), "copy {to} {from} {n}");
            }
            for (to, n) in fills {
                let mut memory = pattern();
                memory[to as usize..(to + n) as usize].fill(0xf7);
                let found = module.fork("fill", args![to, n]).unwrap().wait().unwrap();
                assert_eq!(found, sum(&memory).into(), "fill {to} {n}");
            }
            let end = (PAGES << 16) as i32;
            for (to, from, n) in
                [(0, 1, end), (1, 0, end), (end + 1, 0, 0), (0, end + 1, 0), (0, 0, -1), (-1, 0, 2 * MIB)]
            {
                let found = error(module.fork("copy", args![to, from, n]).unwrap().wait());
                assert_eq!(found.kind(), ErrorKind::Trap, "{found}");
                assert!(found.to_string().contains("out of bounds memory access"), "{found}");
                assert_eq!(found.backtrace().len(), 1, "{found}");
            }
        }
    });
}

#[test]
fn tables_are_written_in_parts_too() {
    let module = r#"(module
        (table $t 50000 funcref) (elem declare func $one)
        (func $one (result i32) (i32.const 1))
        (func (export "ones") (param $to i32) (param $n i32) (param $at i32) (result i32)
            (table.fill $t (local.get $to) (ref.func $one) (local.get $n))
            (ref.is_null (table.get $t (local.get $at))))
        (func (export "moved") (param $to i32) (param $from i32) (param $n i32) (param $at i32) (result i32)
            (table.set $t (i32.const 20000) (ref.func $one))
            (table.copy $t $t (local.get $to) (local.get $from) (local.get $n))
            (ref.is_null (table.get $t (local.get $at)))))"#;
    each_executor_with(limits(), |exec| {
        let module = loaded(exec, module);
        let call = |name, args| module.fork(name, args).unwrap().wait();
        for (at, null) in [(99, 1), (100, 0), (40_099, 0), (40_100, 1)] {
            assert_eq!(call("ones", args![100, 40_000, at]).unwrap(), null.into(), "{at}");
        }
        for (to, from, at) in [(1, 0, 20_001), (0, 1, 19_999), (7000, 0, 27_000), (0, 7000, 13_000)] {
            assert_eq!(call("moved", args![to, from, 40_000, at]).unwrap(), 0.into(), "{to} {from}");
        }
        let found = error(call("ones", args![10_001, 40_000, 0]));
        assert!(found.to_string().contains("out of bounds table access"), "{found}");
    });
}

#[test]
fn a_result_that_takes_too_long_to_read_is_a_timeout() {
    let module = r#"(component
        (core module $m (memory (export "m") 1)
            (func (export "f") (param $n i32) (result i32) (drop (memory.grow (i32.const 600)))
                (i32.store (i32.const 8) (i32.const 1024)) (i32.store (i32.const 12) (local.get $n)) (i32.const 8)))
        (core instance $i (instantiate $m))
        (func (export "strings") (param "n" u32) (result (list string))
            (canon lift (core func $i "f") (memory $i "m"))))"#;
    let limits = limits().memory(64 << 20).timeout(Duration::from_millis(2));
    for mode in modes() {
        let exec = mode.with(limits.clone());
        let found = error(loaded(&exec, module).fork("strings", args![2_400_000u32]).unwrap().wait());
        assert_eq!(found.kind(), ErrorKind::Timeout, "{found}");
    }
}

/// A component that gives one memory and one table twice to a module, which copies within each under two names.
const TWICE: &str = r#"(component
    (core module $own (memory (export "m") 60) (table (export "t") 40000 funcref))
    (core instance $own (instantiate $own))
    (core module $copies
        (import "own" "m" (memory $x 60)) (import "other" "m" (memory $y 60))
        (import "own" "t" (table $t 40000 funcref)) (import "other" "t" (table $u 40000 funcref))
        (elem declare func $f)
        (func $f)
        (func $sum (result i32) (local $i i32) (local $sum i32)
            (loop $more
                (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (i32.load8_u $x (local.get $i))))
                (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 3900000))))
            (local.get $sum))
        (func $pattern (local $i i32)
            (loop $more
                (i32.store8 $x (local.get $i) (i32.mul (local.get $i) (i32.const 40503)))
                (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 7))) (i32.const 3000000)))))
        (func (export "same") (param i32) (result i32)
            (call $pattern) (memory.copy $x $x (i32.const 5) (i32.const 0) (local.get 0)) (call $sum))
        (func (export "twice") (param i32) (result i32)
            (call $pattern) (memory.copy $x $y (i32.const 5) (i32.const 0) (local.get 0)) (call $sum))
        ;; How many of a table's elements are none after one that is not was moved up.
        (func (export "table") (param i32) (result i32) (local $i i32) (local $none i32)
            (table.set $t (i32.const 0) (ref.func $f))
            (table.copy $t $u (i32.const 1) (i32.const 0) (local.get 0))
            (loop $more
                (local.set $none (i32.add (local.get $none) (ref.is_null (table.get $t (local.get $i)))))
                (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 40000))))
            (local.get $none)))
    (core instance $i (instantiate $copies (with "own" (instance $own)) (with "other" (instance $own))))
    (func (export "same") (param "n" s32) (result s32) (canon lift (core func $i "same")))
    (func (export "twice") (param "n" s32) (result s32) (canon lift (core func $i "twice")))
    (func (export "table") (param "n" s32) (result s32) (canon lift (core func $i "table"))))"#;

#[test]
fn one_memory_or_table_under_two_names_is_still_one() {
    each_executor_with(limits(), |exec| {
        let module = loaded(exec, TWICE);
        let call = |name: &str, n: i32| module.fork(name, args![n]).unwrap().wait().unwrap();
        for n in [3000, MIB, 3 * MIB, 3 * MIB + 1] {
            assert_eq!(call("twice", n), call("same", n), "{n}");
        }
        for n in [100, 16_384, 16_385, 39_000] {
            assert_eq!(call("table", n).to_string(), "39998", "{n}");
        }
    });
}

#[test]
fn many_operations_in_one_function_are_each_what_they_were() {
    // Both where there is a choice at each, and where there would be too many.
    each_executor_with(limits(), |exec| {
        for many in [1, 100, 101, 300] {
            let fills = "(memory.fill (i32.const 7) (i32.const 9) (local.get 0))".repeat(many);
            let text = format!(
                r#"(module (memory 40) (func (export "fill") (param i32) (result i32 i32) {fills}
                    (i32.load8_u (i32.add (local.get 0) (i32.const 6))) (i32.load8_u (i32.add (local.get 0) (i32.const 7)))))"#
            );
            let module = loaded(exec, &text);
            for n in [1, MIB, MIB + 1] {
                let given = module.fork("fill", args![n]).unwrap().wait().unwrap();
                assert_eq!(given.to_string(), "(9, 0)", "{many} of {n}");
            }
        }
    });
}
